#include "realm/shard_context.hpp"

#include <fmt/core.h>

#include "realm/cluster_port.hpp"
#include "realm/meta_events.hpp"
#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {
namespace {

/// The id of this node; empty if the realm is not clustered.
std::string_view node_of(const Directory& directory) {
  return directory.cluster != nullptr ? std::string_view(directory.cluster->node()) : std::string_view();
}

}  // namespace

void ShardContext::report(MetaTopic topic, wamp::SessionId session, const Subscription& subscription) {
  if (wamp::is_reserved(subscription.uri)) return;
  report(topic, [&] {
    return topic == MetaTopic::subscription_on_create ? creation_arguments(session, subscription, node_of(directory))
                                                      : change_arguments(session, subscription.id);
  });
}

void ShardContext::report(MetaTopic topic, wamp::SessionId session, const Registration& registration) {
  realm::report(options, directory, topic, session, registration, reports);
}

void report(const RealmOptions& options, Directory& directory, MetaTopic topic, wamp::SessionId session,
            const Registration& registration, std::vector<MetaReport>& reports) {
  if (!options.meta_api || wamp::is_reserved(registration.uri)) return;
  auto places = directory.meta_order.take(topic);
  if (places.empty()) return;
  reports.push_back({topic, std::move(places),
                     topic == MetaTopic::registration_on_create
                         ? creation_arguments(session, registration, node_of(directory))
                         : change_arguments(session, registration.id)});
}

void refuse(Outbox& out, Session& session, wamp::MessageType type, wamp::RequestId request, std::string_view error,
            std::string_view text) {
  wamp::Error message;
  message.request_type = type;
  message.request = request;
  message.error = error;
  if (!text.empty()) message.payload = wamp::Payload::from_text(text);
  out.send(session, std::move(message));
}

namespace {

std::string_view doing(Action action) {
  switch (action) {
    case Action::call:
      return "calling procedure";
    case Action::register_:
      return "registering procedure";
    case Action::publish:
      return "publishing to topic URI";
    default:
      return "subscribing to topic URI";
  }
}

}  // namespace

std::string refusal_text(const ShardContext& context, const Session& session, std::string_view uri, Action action,
                         const Authorization& authorization) {
  if (authorization.outcome == Authorization::Outcome::failed) {
    return fmt::format("failed to authorize session for {} '{}': {}", doing(action), uri, authorization.problem);
  }
  if (action == Action::publish) return fmt::format("session not authorized to publish to topic '{}'", uri);
  constexpr std::array<std::string_view, kActions> kTo{"call procedure", "register procedure", "",
                                                       "subscribe to topic"};
  return fmt::format(
      "session (session_id={}, authid=\"{}\", authrole=\"{}\") is not authorized to {} \"{}\" on realm "
      "\"{}\"",
      session.id, session.identity->authid, session.identity->authrole, kTo[static_cast<std::size_t>(action)], uri,
      context.realm);
}

void deny(Outbox& out, Session& session, std::string_view uri, Action action, const Authorization& authorization) {
  const bool failed = authorization.outcome == Authorization::Outcome::failed;
  out.deny(session, action, uri, failed ? authorization.problem : wamp::kNotAuthorized);
}

void refuse_unauthorized(Outbox& out, ShardContext& context, Session& session, wamp::MessageType type,
                         wamp::RequestId request, std::string_view uri, Action action,
                         const Authorization& authorization) {
  deny(out, session, uri, action, authorization);
  const bool failed = authorization.outcome == Authorization::Outcome::failed;
  refuse(out, session, type, request, failed ? wamp::kAuthorizationFailed : wamp::kNotAuthorized,
         refusal_text(context, session, uri, action, authorization));
}

std::string_view strict_text(wamp::UriCheck check) { return check == wamp::UriCheck::strict ? "True" : "False"; }

bool discloses(const Session& session, std::string_view uri, const Authorization& authorization) {
  return authorization.disclose || session.role->trusted() || uri.starts_with("wamp.") || uri.starts_with("crossbar.");
}

}  // namespace crosspoint::realm
