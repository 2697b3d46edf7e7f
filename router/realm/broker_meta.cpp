#include "realm/broker.hpp"
#include "realm/cluster_port.hpp"

/// What a realm publishes about itself.
namespace crosspoint::realm {

void Broker::publish_reports(Outbox& out) {
  for (MetaReport& report : context_.reports) {
    auto publication = std::make_shared<Publication>();
    publication->id = wamp::random_id(context_.random);
    publication->topic = uri_of(report.topic);
    publication->payload = std::move(report.arguments);
    for (const auto& place : report.places) {
      MetaEvent event{report.topic, place.number, publication};
      if (place.shard == context_.shard) {
        deliver(event, out);
      } else if (place.shard == MetaOrder::kOtherNodes) {
        context_.directory.cluster->publish(event);
      } else {
        out.post(place.shard, std::move(event));
      }
    }
  }
  context_.reports.clear();
}

void Broker::deliver(const MetaEvent& event, Outbox& out) {
  // What a session does comes after its on_join, also what it publishes, which waits for nothing; so that does not,
  // either.
  const bool at_once = event.topic == MetaTopic::session_on_join;
  if (at_once) publish_meta_event(event.number, event.publication, out);
  early_.emplace(event.number, at_once ? nullptr : event.publication);
  for (auto at = early_.begin(); at != early_.end() && at->first == last_meta_event_ + 1; at = early_.erase(at)) {
    ++last_meta_event_;
    if (at->second) publish_meta_event(at->first, at->second, out);
  }
}

void Broker::publish_meta_event(std::uint64_t number, const PublicationRef& publication, Outbox& out) {
  out.keep(publication);
  const Matches* found = matches(publication->topic);
  for (const SubscriptionRef& subscription : found->subscriptions) {
    const auto at = subscriptions_.find(subscription->id);
    if (at == subscriptions_.end() || number <= at->second->meta_events_before) continue;
    deliver(subscription->id, *publication, out);
  }
  if (!found->stored || context_.shard != kHistoryShard) return;
  wamp::Publish message;
  message.topic = publication->topic;
  message.payload = publication->payload;
  store(nullptr, message, *found, publication);
}

}  // namespace crosspoint::realm
