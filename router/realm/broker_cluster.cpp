#include "realm/broker.hpp"
#include "realm/cluster_port.hpp"

/// What a broker has to do with the brokers of other nodes.
namespace crosspoint::realm {

void Broker::publish_elsewhere(const wamp::Publish& message, wamp::PublicationId id, const Identity* publisher) const {
  if (crosses_nodes(message.topic)) context_.directory.cluster->publish(message, id, publisher);
}

void Broker::deliver(const SubscriptionReady& ready, Outbox& out) {
  const auto at = subscriptions_.find(ready.subscription);
  if (at == subscriptions_.end()) return;
  Local& local = *at->second;
  local.ready = true;
  const auto waiting = waiting_.find(ready.subscription);
  if (waiting == waiting_.end()) return;
  const std::vector<Waiting> all = std::move(waiting.value());
  waiting_.erase(waiting);
  for (const Waiting& who : all) add_member(local, who, out);
}

void Broker::stop_waiting(const Session& session) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    std::erase_if(at.value(), [&](const Waiting& who) { return who.session == &session; });
    if (!at->second.empty()) {
      ++at;
      continue;
    }
    remove_local(session, at->first);
    at = waiting_.erase(at);
  }
}

}  // namespace crosspoint::realm
