#include <fmt/core.h>

#include <algorithm>

#include "realm/meta_request.hpp"
#include "realm/session_details.hpp"
#include "serializers/value.hpp"

/// "Session Meta Procedures"
namespace crosspoint::realm {

using nlohmann::json;

bool MetaApi::filter_by_role(Request& request, std::vector<wamp::SessionId>& ids, Outbox& out) {
  const json& roles = request.argument(0, "filter_authroles");
  const auto is_text = [](const json& item) { return item.is_string(); };
  if (!roles.is_null() && (!roles.is_array() || !std::all_of(roles.begin(), roles.end(), is_text))) {
    request.fail(wamp::kInvalidArgument, "the argument is a list of roles", out);
    return false;
  }
  for (const auto& entry : context_.directory.sessions.list()) {
    const bool wanted =
        roles.is_null() || std::find(roles.begin(), roles.end(), entry.identity->authrole) != roles.end();
    if (wanted) ids.push_back(entry.identity->session);
  }
  return true;
}

void MetaApi::session_count(Request& request, Outbox& out) {
  std::vector<wamp::SessionId> ids;
  if (filter_by_role(request, ids, out)) answer(request, std::to_string(ids.size()), out);
}

void MetaApi::session_list(Request& request, Outbox& out) {
  std::vector<wamp::SessionId> ids;
  if (filter_by_role(request, ids, out)) answer(request, json(ids).dump(), out);
}

SessionDirectory::Entry MetaApi::session_argument(Request& request, const json& id, Outbox& out) {
  SessionDirectory::Entry found;
  if (id.is_number_unsigned()) found = context_.directory.sessions.find(id.get<std::uint64_t>());
  if (!found.identity) {
    request.fail(wamp::kNoSuchSession, fmt::format("no session with ID {} exists on this router", id.dump()), out);
  }
  return found;
}

void MetaApi::session_get(Request& request, Outbox& out) {
  const auto found = session_argument(request, request.argument(0, "session_id"), out);
  if (found.identity) ask(request, {0, 0, found.key, SessionQuery::What::details, {}}, out);
}

void MetaApi::session_modify_details(Request& request, Outbox& out) {
  const json& changes = request.argument(1, "details");
  if (!changes.is_object()) {
    return request.fail(wamp::kInvalidArgument,
                        "the arguments are the id of a session and a dictionary of what is to change", out);
  }
  const auto found = session_argument(request, request.argument(0, "session_id"), out);
  if (!found.identity) return;
  std::string text;
  serializers::append_value(wamp::Encoding::json, changes, text);
  ask(request, {0, 0, found.key, SessionQuery::What::modify, std::move(text)}, out);
}

void MetaApi::ask(Request& request, SessionQuery query, Outbox& out) {
  if (query.session.shard == context_.shard) {
    return conclude(request.caller, reply(query), out);
  }
  query.from = context_.shard;
  query.number = ++last_number_;
  gatherings_.emplace(query.number, Gathering{request.caller, false, 1, {}});
  out.post(query.session.shard, std::move(query));
}

SessionAnswer MetaApi::reply(const SessionQuery& query) {
  Session* session = sessions_.find(query.session);
  if (session == nullptr) return {query.number, {}, {}};
  switch (query.what) {
    case SessionQuery::What::subscriptions:
      return {query.number, subscriptions_of(*session), {}};
    case SessionQuery::What::modify:
      return {query.number, "null", modify_details(*session, query.changes, context_.options.session_detail_bytes)};
    default:
      return {query.number, describe(*session), {}};
  }
}

void MetaApi::deliver(const SessionQuery& query, Outbox& out) { out.post(query.from, reply(query)); }

void MetaApi::deliver(const SessionAnswer& reply, Outbox& out) {
  const auto at = gatherings_.find(reply.number);
  if (at == gatherings_.end()) return;
  const Gathering gathering = at->second;
  gatherings_.erase(at);
  conclude(gathering.caller, reply, out);
}

void MetaApi::conclude(const Caller& caller, const SessionAnswer& reply, Outbox& out) {
  if (!reply.problem.empty()) return fail(caller, wamp::kInvalidArgument, reply.problem, out);
  if (reply.answer.empty()) return fail(caller, wamp::kNoSuchSession, "the session has left meanwhile", out);
  answer(caller, reply.answer, out);
}

bool MetaApi::read_farewell(Request& request, std::size_t place, std::string& reason, std::string& message,
                            Outbox& out) {
  const json& given = request.argument(place, "reason");
  const json& text = request.argument(place + 1, "message");
  if ((!given.is_null() && !given.is_string()) || (!text.is_null() && !text.is_string())) {
    request.fail(wamp::kInvalidArgument, "reason and message are strings", out);
    return false;
  }
  reason = given.is_string() ? given.get<std::string>() : std::string(wamp::kKilled);
  if (text.is_string()) message = text.get<std::string>();
  if (wamp::is_valid_uri(reason, wamp::UriCheck::loose)) return true;
  request.fail(wamp::kInvalidUri, fmt::format("the reason '{}' is no URI", reason), out);
  return false;
}

void MetaApi::kill(const SessionKey& session, const std::string& reason, const std::string& message, Outbox& out) {
  if (session.shard == context_.shard) {
    out.end_session({session, reason, message});
  } else {
    out.post(session.shard, RemoteKill{session, reason, message});
  }
}

void MetaApi::session_kill(Request& request, Outbox& out) {
  std::string reason;
  std::string message;
  const json& id = request.argument(0, "session_id");
  if (!read_farewell(request, 1, reason, message, out)) return;
  const auto found = session_argument(request, id, out);
  if (!found.identity) return;
  answer(request, "null", out);
  kill(found.key, reason, message, out);
}

std::string MetaApi::kill_all(Request& request, const std::function<bool(const Identity&)>& wanted,
                              const std::string& reason, const std::string& message, Outbox& out, std::size_t& count) {
  json ids = json::array();
  for (const auto& entry : context_.directory.sessions.list()) {
    if (entry.key == request.caller.session || !wanted(*entry.identity)) continue;
    ids.push_back(entry.identity->session);
    kill(entry.key, reason, message, out);
  }
  count = ids.size();
  return ids.dump();
}

void MetaApi::session_kill_by_authid(Request& request, Outbox& out) {
  std::string reason;
  std::string message;
  std::size_t count = 0;
  const json& authid = request.argument(0, "authid");
  if (!authid.is_string()) return request.fail(wamp::kInvalidArgument, "the argument is an authid", out);
  if (!read_farewell(request, 1, reason, message, out)) return;
  const auto& wanted = authid.get_ref<const std::string&>();
  answer(request,
         kill_all(
             request, [&](const Identity& i) { return i.authid == wanted; }, reason, message, out, count),
         out);
}

void MetaApi::session_kill_by_authrole(Request& request, Outbox& out) {
  std::string reason;
  std::string message;
  std::size_t count = 0;
  const json& role = request.argument(0, "authrole");
  if (!role.is_string()) return request.fail(wamp::kInvalidArgument, "the argument is an authrole", out);
  if (!read_farewell(request, 1, reason, message, out)) return;
  const auto& wanted = role.get_ref<const std::string&>();
  answer(request,
         kill_all(
             request, [&](const Identity& i) { return i.authrole == wanted; }, reason, message, out, count),
         out);
}

void MetaApi::session_kill_all(Request& request, Outbox& out) {
  std::string reason;
  std::string message;
  std::size_t count = 0;
  if (!read_farewell(request, 0, reason, message, out)) return;
  kill_all(
      request, [](const Identity&) { return true; }, reason, message, out, count);
  answer(request, std::to_string(count), out);
}

}  // namespace crosspoint::realm
