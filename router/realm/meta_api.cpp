#include "realm/meta_api.hpp"

#include "realm/meta_request.hpp"
#include "serializers/value.hpp"

namespace crosspoint::realm {

MetaApi::Handler MetaApi::find(std::string_view procedure) {
  struct Entry {
    std::string_view name;
    Handler handler;
  };
  static constexpr Entry kProcedures[]{{"wamp.session.count", &MetaApi::session_count},
                                       {"wamp.session.list", &MetaApi::session_list},
                                       {"wamp.session.get", &MetaApi::session_get},
                                       {"wamp.session.kill", &MetaApi::session_kill},
                                       {"wamp.session.kill_by_authid", &MetaApi::session_kill_by_authid},
                                       {"wamp.session.kill_by_authrole", &MetaApi::session_kill_by_authrole},
                                       {"wamp.session.kill_all", &MetaApi::session_kill_all},
                                       {"wamp.session.modify_details", &MetaApi::session_modify_details},
                                       {"wamp.session.add_testament", &MetaApi::add_testament},
                                       {"wamp.session.flush_testaments", &MetaApi::flush_testaments},
                                       {"wamp.subscription.list", &MetaApi::subscription_list},
                                       {"wamp.subscription.lookup", &MetaApi::subscription_lookup},
                                       {"wamp.subscription.match", &MetaApi::subscription_match},
                                       {"wamp.subscription.get", &MetaApi::subscription_get},
                                       {"wamp.subscription.list_subscribers", &MetaApi::list_subscribers},
                                       {"wamp.subscription.count_subscribers", &MetaApi::count_subscribers},
                                       {"wamp.subscription.remove_subscriber", &MetaApi::remove_subscriber},
                                       {"wamp.subscription.get_events", &MetaApi::get_events},
                                       {"wamp.subscription.flush", &MetaApi::subscription_flush},
                                       {"wamp.topic.history.last", &MetaApi::topic_history_last},
                                       {"wamp.topic.history.since", &MetaApi::topic_history_since},
                                       {"wamp.topic.history.after", &MetaApi::topic_history_after},
                                       {"wamp.registration.list", &MetaApi::registration_list},
                                       {"wamp.registration.lookup", &MetaApi::registration_lookup},
                                       {"wamp.registration.match", &MetaApi::registration_match},
                                       {"wamp.registration.get", &MetaApi::registration_get},
                                       {"wamp.registration.list_callees", &MetaApi::list_callees},
                                       {"wamp.registration.count_callees", &MetaApi::count_callees},
                                       {"wamp.registration.remove_callee", &MetaApi::remove_callee}};
  for (const Entry& entry : kProcedures) {
    if (entry.name == procedure) return entry.handler;
  }
  return nullptr;
}

bool MetaApi::call(Session& session, const wamp::Call& message, Outbox& out) {
  if (!context_.options.meta_api || !wamp::is_reserved(message.procedure)) return false;
  const Handler handler = find(message.procedure);
  if (handler == nullptr) return false;
  Request request{session, message, {}, {}};
  if (!serializers::to_values(message.payload, request.arguments, request.keywords)) {
    request.fail(wamp::kInvalidArgument, "the arguments cannot be read", out);
  } else {
    (this->*handler)(request, out);
  }
  return true;
}

void MetaApi::answer(const SessionKey& caller, wamp::RequestId request, const std::string& result, Outbox& out) {
  Session* session = sessions_.find(caller);
  if (session == nullptr) return;  // it left in the meantime
  out.send(*session, wamp::Result{request, {}, wamp::Payload::from_json("[" + result + "]", 1)});
}

void MetaApi::answer(const Request& request, const std::string& result, Outbox& out) {
  answer(request.session.key, request.message.request, result, out);
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
