#include <algorithm>
#include <bit>

#include "realm/broker.hpp"
#include "realm/cluster_port.hpp"

/// What a broker has to do with the brokers of other nodes.
namespace crosspoint::realm {
namespace {

/// Makes `last` at least `least`, and more than it was. Returns it.
std::uint64_t raise(std::atomic<std::uint64_t>& last, std::uint64_t least) {
  std::uint64_t before = last.load(std::memory_order_relaxed);
  std::uint64_t place = 0;
  do {
    place = std::max(before + 1, least);
  } while (!last.compare_exchange_weak(before, place, std::memory_order_relaxed));
  return place;
}

}  // namespace

void Broker::publish_elsewhere(const wamp::Publish& message, const Provenance& from) const {
  if (!crosses_nodes(message.topic)) return;
  context_.directory.cluster->publish(message, from.id, from.publisher.get(), from.trustlevel);
}

void Broker::retain_elsewhere(const std::shared_ptr<Publication>& publication) {
  // Places are times, so that nodes that could not talk to each other agree afterwards on what is the last event.
  const std::uint64_t now = retained_place(context_.options.clock() / 1000);
  const std::uint64_t place = raise(context_.directory.last_retained, now);
  const bool shared = crosses_nodes(publication->topic);
  publication->retained = shared ? place | RetainedEvents::kProvisional : place;
  retained_.keep(publication);
  if (shared) context_.directory.cluster->retain(publication, context_.shard);
}

void Broker::deliver(const PlacedPublication& placed, Outbox& out) {
  retained_.keep(placed.publication);
  if (!placed.pass_on) return;
  std::uint64_t others = context_.directory.all_shards & ~(std::uint64_t{1} << context_.shard);
  for (; others != 0; others &= others - 1) {
    out.post(static_cast<unsigned>(std::countr_zero(others)), PlacedPublication{placed.publication});
  }
}

void Broker::deliver(const SubscriptionReady& ready, Outbox& out) {
  const auto at = subscriptions_.find(ready.subscription);
  if (at == subscriptions_.end() || at->second->shared->serial != ready.serial) return;
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
