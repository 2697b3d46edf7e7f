#include "realm/meta_api.hpp"

#include "realm/meta_request.hpp"
#include "serializers/value.hpp"

namespace crosspoint::realm {

const MetaApi::Procedure* MetaApi::find(std::string_view procedure) {
  static constexpr Procedure kProcedures[]{
      {"wamp.session.count", &MetaApi::session_count, Merge::sum},
      {"wamp.session.list", &MetaApi::session_list, Merge::ids},
      {"wamp.session.get", &MetaApi::session_get, Merge::session},
      {"wamp.session.kill", &MetaApi::session_kill, Merge::session},
      {"wamp.session.kill_by_authid", &MetaApi::session_kill_by_authid, Merge::ids},
      {"wamp.session.kill_by_authrole", &MetaApi::session_kill_by_authrole, Merge::ids},
      {"wamp.session.kill_all", &MetaApi::session_kill_all, Merge::sum},
      {"wamp.session.modify_details", &MetaApi::session_modify_details, Merge::session},
      {"wamp.session.add_testament", &MetaApi::add_testament},
      {"wamp.session.flush_testaments", &MetaApi::flush_testaments},
      {"wamp.subscription.list", &MetaApi::subscription_list, Merge::lists},
      {"wamp.subscription.lookup", &MetaApi::subscription_lookup, Merge::value},
      {"wamp.subscription.match", &MetaApi::subscription_match, Merge::matches},
      {"wamp.subscription.get", &MetaApi::subscription_get, Merge::details},
      {"wamp.subscription.list_subscribers", &MetaApi::list_subscribers, Merge::ids},
      {"wamp.subscription.count_subscribers", &MetaApi::count_subscribers, Merge::sum},
      {"wamp.subscription.remove_subscriber", &MetaApi::remove_subscriber, Merge::session},
      {"wamp.subscription.get_events", &MetaApi::get_events},
      {"wamp.subscription.flush", &MetaApi::subscription_flush},
      {"wamp.topic.history.last", &MetaApi::topic_history_last},
      {"wamp.topic.history.since", &MetaApi::topic_history_since},
      {"wamp.topic.history.after", &MetaApi::topic_history_after},
      {"wamp.registration.list", &MetaApi::registration_list, Merge::session},
      {"wamp.registration.lookup", &MetaApi::registration_lookup},
      {"wamp.registration.match", &MetaApi::registration_match},
      {"wamp.registration.get", &MetaApi::registration_get},
      {"wamp.registration.list_callees", &MetaApi::list_callees},
      {"wamp.registration.count_callees", &MetaApi::count_callees},
      {"wamp.registration.remove_callee", &MetaApi::remove_callee, Merge::session}};
  for (const Procedure& entry : kProcedures) {
    if (entry.name == procedure) return &entry;
  }
  return nullptr;
}

bool MetaApi::call(Session& session, const wamp::Call& message, Outbox& out) {
  if (!context_.options.meta_api || !wamp::is_reserved(message.procedure)) return false;
  const Procedure* procedure = find(message.procedure);
  if (procedure == nullptr) return false;
  Request request{*this, &session, &message, {session.key, message.request}, session.role->trusted(), {}, {}};
  if (!serializers::to_values(message.payload, request.arguments, request.keywords)) {
    request.fail(wamp::kInvalidArgument, "the arguments cannot be read", out);
    return true;
  }
  if (context_.directory.cluster != nullptr && procedure->merge != Merge::none) {
    NodeQuestion question{{}, 0, std::string(message.procedure), {}, {}, request.trusted};
    serializers::append_value(wamp::Encoding::json, request.arguments, question.arguments);
    serializers::append_value(wamp::Encoding::json, request.keywords, question.keywords);
    request.caller.question = std::make_shared<const NodeQuestion>(std::move(question));
    request.caller.merge = procedure->merge;
  }
  (this->*procedure->handler)(request, out);
  return true;
}

void MetaApi::answer(const Caller& caller, const std::string& result, Outbox& out) {
  if (caller.question) return own_answer(caller, {{}, {}, result}, out);
  Session* session = sessions_.find(caller.session);
  if (session == nullptr) return;  // it left in the meantime
  out.send(*session, wamp::Result{caller.request, {}, wamp::Payload::from_json("[" + result + "]", 1)});
}

void MetaApi::answer(const Request& request, const std::string& result, Outbox& out) {
  answer(request.caller, result, out);
}

void MetaApi::fail(const Caller& caller, std::string_view error, std::string_view text, Outbox& out) {
  if (caller.question) return own_answer(caller, {{}, std::string(error), std::string(text)}, out);
  Session* session = sessions_.find(caller.session);
  if (session == nullptr) return;
  const auto kept = std::make_shared<const std::string>(error);  // what the ERROR points to
  out.keep(kept);
  refuse(out, *session, wamp::MessageType::call, caller.request, *kept, text);
}

bool MetaApi::read_lookup(Request& request, std::string& uri, wamp::Match& match, Outbox& out) {
  const auto& given = request.argument(0, "uri");
  const auto& options = request.argument(1, "options");
  if (!given.is_string() || request.arguments.size() > 2 || (!options.is_null() && !options.is_object())) {
    request.fail(wamp::kInvalidArgument, "the arguments are a URI, and optionally a dictionary with match", out);
    return false;
  }
  uri = given.get<std::string>();
  match = wamp::Match::exact;
  const auto at = options.find("match");
  if (at == options.end() || at->is_null()) return true;
  if (at->is_string() && wamp::parse_match(at->get_ref<const std::string&>(), match)) return true;
  request.fail(wamp::kInvalidArgument, "match is one of exact, prefix and wildcard", out);
  return false;
}

}  // namespace crosspoint::realm
