#include "simulation/meta_listener.hpp"

namespace crosspoint::simulation {

std::string MetaListener::on_publication(std::uint64_t session) {
  known_sessions_.insert(session);
  return gone_sessions_.contains(session) ? "an event of a session after its on_leave" : "";
}

std::string MetaListener::on_session(const std::string& event, std::uint64_t session) {
  if (gone_sessions_.contains(session)) return "something of a session after its on_leave";
  const bool first = known_sessions_.insert(session).second;
  if (event == "on_join" && !first) return "something of a session before its on_join";
  if (event == "on_leave") gone_sessions_.insert(session);
  return {};
}

std::string MetaListener::on_meta_event(const std::string& topic, const nlohmann::json& arguments) {
  const auto dot = topic.rfind('.');
  const std::string event = topic.substr(dot + 1);
  const std::string subject = topic.substr(5, dot - 5);  // behind "wamp."
  if (subject == "session") {
    return on_session(event, (event == "on_join" ? arguments[0].at("session") : arguments[0]).get<std::uint64_t>());
  }
  const auto session = arguments[0].get<std::uint64_t>();
  if (std::string problem = on_session(event, session); !problem.empty()) return problem;
  const bool created = event == "on_create";
  const std::string what = subject + " " + (created ? arguments[1].at("id") : arguments[1]).dump();
  if (deleted_.contains(what)) return "something of a " + subject + " after its on_delete";
  const bool first = known_.insert(what).second;
  if (created) {
    if (!first) return "something of a " + subject + " before its on_create";
    if (complete_) members_[what];
    return {};
  }
  if (event == "on_delete") deleted_.insert(what);
  const auto at = members_.find(what);
  if (at == members_.end()) return {};  // it began before this client listened
  if (event == "on_delete") {
    if (!at->second.empty()) return "on_delete before the last member has gone";
    members_.erase(at);
  } else if (event == "on_subscribe" || event == "on_register") {
    if (!at->second.insert(session).second) return event + " of who is a member";
  } else if (at->second.erase(session) == 0) {
    return event + " of who is no member";
  }
  return {};
}

}  // namespace crosspoint::simulation
