#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

namespace crosspoint::simulation {

/// Checks the order of what one client hears of the session, subscription and registration meta events, and of events
/// that sessions publish. Each function returns what is wrong, or nothing.
class MetaListener {
 public:
  /// A meta event and its arguments.
  std::string on_meta_event(const std::string& topic, const nlohmann::json& arguments);
  /// An event that a session published.
  std::string on_publication(std::uint64_t session);

  /// From now on it does not hear of everything that happens to subscriptions and registrations.
  void may_miss() {
    complete_ = false;
    members_.clear();
  }

  /// Who is a member of each subscription and registration whose whole life was heard of, by "subscription 5".
  using Members = std::map<std::string, std::set<std::uint64_t>>;
  const Members& members() const { return members_; }

 private:
  std::string on_session(const std::string& event, std::uint64_t session);

  std::set<std::uint64_t> known_sessions_;
  std::set<std::uint64_t> gone_sessions_;
  std::set<std::string> known_;  ///< subscriptions and registrations that something was heard of
  std::set<std::string> deleted_;
  bool complete_ = true;
  Members members_;
};

}  // namespace crosspoint::simulation
