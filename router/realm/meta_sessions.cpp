#include <fmt/core.h>

#include <algorithm>

#include "realm/meta_request.hpp"

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
  if (found.identity) describe_session(request, found.key, false, out);
}

void MetaApi::describe_session(Request& request, const SessionKey& session, bool subscriptions, Outbox& out) {
  if (session.shard == context_.shard) {
    if (const auto text = description(session, subscriptions); !text.empty()) answer(request, text, out);
    return;
  }
  const std::uint64_t number = ++last_number_;
  gatherings_.emplace(number, Gathering{request.session.key, request.message.request, false, 1, {}});
  out.post(session.shard, SessionQuery{context_.shard, number, session, subscriptions});
}

std::string MetaApi::description(const SessionKey& key, bool subscriptions) {
  const Session* session = sessions_.find(key);
  if (session == nullptr) return {};
  return subscriptions ? subscriptions_of(*session) : session->peer->describe(*session->identity);
}

void MetaApi::deliver(const SessionQuery& query, Outbox& out) {
  out.post(query.from, SessionAnswer{query.number, description(query.session, query.subscriptions)});
}

void MetaApi::deliver(const SessionAnswer& description, Outbox& out) {
  const auto at = gatherings_.find(description.number);
  if (at == gatherings_.end()) return;
  const Gathering gathering = at->second;
  gatherings_.erase(at);
  if (!description.details.empty()) return answer(gathering.caller, gathering.request, description.details, out);
  if (Session* caller = sessions_.find(gathering.caller)) {
    refuse(out, *caller, wamp::MessageType::call, gathering.request, wamp::kNoSuchSession,
           "the session has left meanwhile");
  }
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
    if (entry.key == request.session.key || !wanted(*entry.identity)) continue;
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
