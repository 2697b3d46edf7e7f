#pragma once

#include <tsl/robin_map.h>
#include "base/random.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "realm/authorization.hpp"
#include "realm/decision_cache.hpp"
#include "realm/directory.hpp"
#include "realm/meta_order.hpp"
#include "realm/outbox.hpp"
#include "realm/retained_events.hpp"
#include "realm/role.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

struct RealmOptions {
  wamp::UriCheck uri_check = wamp::UriCheck::loose;
  /// Offer the `wamp.` procedures and publish the `wamp.` events.
  bool meta_api = true;
  /// Decisions of dynamic authorizers that may be cached count for all sessions of a role, not only for the one asked.
  bool cache_by_role = false;
  RetainedEvents::Limits retained{};
  TestamentLimits testaments{};
  std::size_t session_detail_bytes = 16 * 1024;  ///< that others may add to what is told of one session
  /// How many calls may wait for a callee that is free, by the URI of the registration; the first that matches counts.
  struct Queue {
    std::string uri;
    wamp::Match match = wamp::Match::exact;
    std::size_t limit = 0;
  };
  std::vector<Queue> call_queues{};
  /// Now, for people: "2017-12-08T09:46:23.123Z".
  std::function<std::string()> timestamp = [] { return std::string(); };
  /// The same for event history: microseconds since 1970, UTC.
  std::function<std::int64_t()> clock = [] { return std::int64_t{0}; };
};

/// What Broker and Dealer of one shard work with.
struct ShardContext {
  unsigned shard = 0;
  std::string_view realm;  ///< its name
  const RealmOptions& options;
  Directory& directory;
  base::Random& random;
  DecisionCache& decisions;
  /// Set by a message that has to wait for a dynamic authorizer.
  std::optional<Question> question{};
  /// The message under way has to wait until the node knows what others have said.
  bool catching_up = false;
  /// Why a dynamic authorizer failed; Authorization::problem points here.
  std::string problem{};
  tsl::robin_map<const Role*, std::unique_ptr<RememberedDecisions>> role_decisions{};

  /// What has happened in the message under way: Broker::publish_reports() sends it.
  std::vector<MetaReport> reports{};

  /// Something has happened; `arguments` makes the event's. To be called where nothing that follows from it can have
  /// been reported, nor anything that it follows from still has to be.
  template <class Arguments>
  void report(MetaTopic topic, Arguments&& arguments) {
    if (!options.meta_api) return;
    auto places = directory.meta_order.take(topic);
    if (!places.empty()) reports.push_back({topic, std::move(places), arguments()});
  }
  /// The same for a subscription or registration: those of the router's own topics and procedures are not reported.
  void report(MetaTopic topic, wamp::SessionId session, const Subscription& subscription);
  void report(MetaTopic topic, wamp::SessionId session, const Registration& registration);
};

/// Adds what happens to a registration to `reports`. As ShardContext::report().
void report(const RealmOptions& options, Directory& directory, MetaTopic topic, wamp::SessionId session,
            const Registration& registration, std::vector<MetaReport>& reports);

/// Use authorize().
Authorization authorize_dynamically(ShardContext& context, Session& session, std::string_view uri, Action action,
                                    const wamp::Dict& options);

/// Whether a session may do something. If the outcome is `deferred`, nothing may have been done yet, and nothing is to
/// be done: the message will come again.
inline Authorization authorize(ShardContext& context, Session& session, std::string_view uri, Action action,
                               const wamp::Dict& options) {
  if (session.role->dynamic()) return authorize_dynamically(context, session, uri, action, options);
  const Decision decision = context.decisions.decide(*session.role, uri, action);
  return {decision.allow ? Authorization::Outcome::allowed : Authorization::Outcome::denied, decision.disclose,
          decision.trustlevel};
}

/// Refuses a request that `authorization` did not allow: an ERROR, and a line in the log.
void refuse_unauthorized(Outbox& out, ShardContext& context, Session& session, wamp::MessageType type,
                         wamp::RequestId request, std::string_view uri, Action action,
                         const Authorization& authorization);
/// The same without an ERROR.
void deny(Outbox& out, Session& session, std::string_view uri, Action action, const Authorization& authorization);
/// The text of the ERROR.
std::string refusal_text(const ShardContext& context, const Session& session, std::string_view uri, Action action,
                         const Authorization& authorization);

/// Refuses a request: an ERROR with one text as argument.
void refuse(Outbox& out, Session& session, wamp::MessageType type, wamp::RequestId request, std::string_view error,
            std::string_view text);

/// "True" or "False", as in Crossbar's texts.
std::string_view strict_text(wamp::UriCheck check);

/// Whether to disclose who calls or publishes: the role's rule, and always for the router's own URIs.
bool discloses(const Session& session, std::string_view uri, const Authorization& authorization);

}  // namespace crosspoint::realm
