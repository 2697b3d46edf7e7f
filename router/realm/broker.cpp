#include "realm/broker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "realm/cluster_port.hpp"
#include "realm/receiver_filter.hpp"
#include "realm/role.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::realm {
namespace {

wamp::EventDetails event_details(const Identity* publisher, const Subscription& subscription, std::string_view topic,
                                 wamp::TrustLevel trustlevel, const wamp::PassthruRef& passthru) {
  wamp::EventDetails details;
  details.trustlevel = trustlevel;
  details.passthru = passthru;
  if (publisher != nullptr) {
    details.publisher = publisher->session;
    details.publisher_authid = publisher->authid;
    details.publisher_authrole = publisher->authrole;
  }
  if (subscription.match != wamp::Match::exact) details.topic = topic;
  return details;
}

}  // namespace

void Broker::subscribe(Session& session, const wamp::Subscribe& message, Outbox& out) {
  const wamp::Match match = message.options.match;
  if (!wamp::is_valid_pattern(message.topic, match, context_.options.uri_check)) {
    return refuse(out, session, wamp::MessageType::subscribe, message.request, wamp::kInvalidUri,
                  fmt::format("subscribe for invalid topic URI '{}' (URI strict checking {})", message.topic,
                              strict_text(context_.options.uri_check)));
  }
  const auto permit = authorize(context_, session, message.topic, Action::subscribe, message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    return refuse_unauthorized(out, context_, session, wamp::MessageType::subscribe, message.request, message.topic,
                               Action::subscribe, permit);
  }
  auto& known = by_uri(match);
  const auto at = known.find(message.topic);
  Local& local = at != known.end() ? *at->second : make_local(session, message.topic, match);
  const Waiting who{&session, message.request, message.options.get_retained};
  if (local.ready) return add_member(local, who, out);
  waiting_[local.shared->id].push_back(who);
}

Broker::Local& Broker::make_local(Session& session, std::string_view uri, wamp::Match match) {
  auto made = std::make_unique<Local>();
  Local& local = *made;
  ClusterPort* const cluster = context_.directory.cluster;
  const auto witness = [&](const SubscriptionDirectory::Joined& joined) {
    Subscription& subscription = *joined.subscription;
    local.meta_events_before = context_.directory.meta_order.add_listener(subscription.meta_topics, context_.shard);
    if (joined.created) context_.report(MetaTopic::subscription_on_create, session.id, subscription);
    const bool listens = joined.created || (subscription.log != nullptr && !subscription.listened);
    if (listens && cluster != nullptr && crosses_nodes(subscription)) {
      subscription.ready = false;
      subscription.listened = true;
      cluster->subscription_made(joined.subscription);
    }
    local.ready = subscription.ready;
  };
  local.shared = context_.directory.subscriptions.join(uri, match, context_.shard, context_.options.timestamp, witness)
                     .subscription;
  subscriptions_.emplace(local.shared->id, std::move(made));
  by_uri(match).emplace(std::string_view(local.shared->uri), &local);
  return local;
}

void Broker::add_member(Local& local, const Waiting& who, Outbox& out) {
  Session& session = *who.session;
  const Subscription& subscription = *local.shared;
  const auto position = static_cast<std::uint32_t>(local.members.size());
  const bool added = session.subscriptions.emplace(subscription.id, position).second;
  if (added) local.members.push_back(&session);
  if (added) context_.report(MetaTopic::subscription_on_subscribe, session.id, subscription);
  out.send(session, wamp::Subscribed{who.request, subscription.id});
  if (who.get_retained) send_retained(session, subscription, out);
}

void Broker::unsubscribe(Session& session, const wamp::Unsubscribe& message, Outbox& out) {
  const auto at = session.subscriptions.find(message.subscription);
  if (at == session.subscriptions.end()) {
    return refuse(out, session, wamp::MessageType::unsubscribe, message.request, wamp::kNoSuchSubscription, "");
  }
  const std::uint32_t position = at->second;
  session.subscriptions.erase(at);
  remove_member(session, message.subscription, position);
  out.send(session, wamp::Unsubscribed{message.request});
}

bool Broker::revoke(Session& session, wamp::SubscriptionId subscription, std::string_view reason, Outbox& out) {
  const auto at = session.subscriptions.find(subscription);
  if (at == session.subscriptions.end()) return false;
  const std::uint32_t position = at->second;
  session.subscriptions.erase(at);
  remove_member(session, subscription, position);
  if (session.announced.subscription_revocation) out.send(session, wamp::Unsubscribed{0, subscription, reason});
  return true;
}

void Broker::leave(Session& session) {
  for (const auto& [id, position] : session.subscriptions) remove_member(session, id, position);
  session.subscriptions.clear();
  if (!waiting_.empty()) stop_waiting(session);
}

void Broker::remove_member(Session& session, wamp::SubscriptionId id, std::uint32_t position) {
  const auto at = subscriptions_.find(id);
  Local& local = *at->second;
  if (local.members.back() != &session) {  // the last member takes the place
    local.members[position] = local.members.back();
    local.members[position]->subscriptions[id] = position;
  }
  local.members.pop_back();
  const SubscriptionRef shared = local.shared;
  // Before the directory knows of it: whoever leaves after that may be the last one, and report on_delete.
  context_.report(MetaTopic::subscription_on_unsubscribe, session.id, *shared);
  if (local.members.empty()) remove_local(session, id);
}

void Broker::remove_local(const Session& session, wamp::SubscriptionId id) {
  const auto at = subscriptions_.find(id);
  const SubscriptionRef shared = at->second->shared;
  by_uri(shared->match).erase(std::string_view(shared->uri));
  subscriptions_.erase(at);
  context_.directory.meta_order.remove_listener(shared->meta_topics, context_.shard);
  const auto witness = [&] {
    context_.report(MetaTopic::subscription_on_delete, session.id, *shared);
    ClusterPort* const cluster = context_.directory.cluster;
    if (cluster != nullptr && crosses_nodes(*shared)) cluster->subscription_gone(shared);
  };
  context_.directory.subscriptions.leave(shared, context_.shard, witness);
}

const Broker::Matches* Broker::matches(std::string_view topic) {
  const std::uint64_t version = context_.directory.subscriptions.version(topic);
  Matches* known = cache_.find(topic);
  if (known != nullptr && known->version == version) return known;
  if (known == nullptr) {
    if (!wamp::is_valid_uri(topic, context_.options.uri_check)) return nullptr;
    known = cache_.admit(topic, {});
    if (known == nullptr) known = &uncached_;
  }
  context_.directory.subscriptions.match(topic, known->subscriptions);
  known->stored = std::any_of(known->subscriptions.begin(), known->subscriptions.end(),
                              [](const SubscriptionRef& subscription) { return subscription->log != nullptr; });
  known->version = version;  // read before the look-up: a change in between makes it stale at once
  return known;
}

void Broker::refuse_publish(Session& session, const wamp::Publish& message, std::string_view error,
                            std::string_view text, Outbox& out) const {
  if (message.options.acknowledge) {
    refuse(out, session, wamp::MessageType::publish, message.request, error, text);
  }
}

void Broker::publish(Session& session, const wamp::Publish& message, Outbox& out) {
  const Matches* found = matches(message.topic);
  if (found == nullptr) {
    return refuse_publish(session, message, wamp::kInvalidUri,
                          fmt::format("publish with invalid topic URI '{}' (URI strict checking {})", message.topic,
                                      strict_text(context_.options.uri_check)),
                          out);
  }
  if (wamp::is_reserved(message.topic) && !session.role->trusted()) {
    return refuse_publish(session, message, wamp::kInvalidUri,
                          fmt::format("publish with restricted topic URI '{}'", message.topic), out);
  }
  // As in Crossbar, nobody is asked for permission when nothing would come of it.
  const bool elsewhere = context_.directory.cluster != nullptr;
  if (found->subscriptions.empty() && !message.options.acknowledge && !message.options.retain && !elsewhere) return;
  const auto permit = authorize(context_, session, message.topic, Action::publish, message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    if (message.options.acknowledge) {
      return refuse_unauthorized(out, context_, session, wamp::MessageType::publish, message.request, message.topic,
                                 Action::publish, permit);
    }
    return deny(out, session, message.topic, Action::publish, permit);
  }
  const wamp::PublicationId id = wamp::random_id(context_.random);
  // What is kept on disk, or for all nodes, is acknowledged when it is there.
  const Directory& directory = context_.directory;
  const bool later =
      is_stored(*found, message) && (directory.journal != nullptr || directory.shared_history != nullptr);
  if (message.options.acknowledge && !later) out.send(session, wamp::Published{message.request, id});
  if (!found->subscriptions.empty() || message.options.retain || elsewhere) {
    const bool disclose = discloses(session, message.topic, permit);
    dispatch(&session, message, *found, {id, disclose ? session.identity : nullptr, permit.trustlevel}, out);
  }
}

std::vector<wamp::SessionId> Broker::members(wamp::SubscriptionId subscription) const {
  std::vector<wamp::SessionId> ids;
  const auto at = subscriptions_.find(subscription);
  if (at == subscriptions_.end()) return ids;
  for (const Session* member : at->second->members) ids.push_back(member->id);
  return ids;
}

void Broker::dispatch(const Session* session, const wamp::Publish& message, const Matches& matches,
                      const Provenance& from, Outbox& out) {
  if (context_.directory.cluster != nullptr && !message.options.retain) {
    publish_elsewhere(message, from);
  }
  const auto filter =
      message.options.filter ? std::make_shared<const ReceiverFilter>(*message.options.filter) : nullptr;
  const std::uint64_t own = std::uint64_t{1} << context_.shard;
  // Every shard has a copy of what is retained.
  std::uint64_t others = message.options.retain ? context_.directory.all_shards & ~own : 0;
  // Three passes, because each step may wait for memory that is in no cache, and then waits for all of them at once.
  here_.clear();
  for (const SubscriptionRef& subscription : matches.subscriptions) {
    const std::uint64_t shards = subscription->shards.load(std::memory_order_acquire);
    others |= shards & ~own;
    if ((shards & own) == 0) continue;
    const auto at = subscriptions_.find(subscription->id);
    if (at == subscriptions_.end()) continue;
    here_.push_back(at->second.get());
    __builtin_prefetch(here_.back());
  }
  for (const Local* local : here_) __builtin_prefetch(local->members.data());
  for (const Local* local : here_) {
    const Subscription& subscription = *local->shared;
    deliver_local(
        *local, message.options.exclude_me ? session : nullptr, filter.get(),
        {subscription.id, from.id,
         event_details(from.publisher.get(), subscription, message.topic, from.trustlevel, message.options.passthru),
         message.payload},
        out);
  }
  const bool stored = is_stored(matches, message);
  if (others == 0 && !message.options.retain && !stored) return;
  const auto publication = make_publication(message, matches, from, filter);
  if (stored) store(session, message, matches, publication);
  if (message.options.retain) retain(publication);
  for (; others != 0; others &= others - 1) {
    out.post(static_cast<unsigned>(std::countr_zero(others)), PublicationRef(publication));
  }
}

std::shared_ptr<Publication> Broker::make_publication(const wamp::Publish& message, const Matches& matches,
                                                      const Provenance& from,
                                                      std::shared_ptr<const ReceiverFilter> filter) const {
  auto publication = std::make_shared<Publication>();
  publication->id = from.id;
  for (const SubscriptionRef& subscription : matches.subscriptions) {
    publication->subscriptions.push_back(subscription->id);
  }
  publication->topic = message.topic;
  publication->publisher = from.publisher;
  publication->trustlevel = from.trustlevel;
  publication->filter = std::move(filter);
  publication->passthru = message.options.passthru;
  publication->payload = message.payload.kept();
  return publication;
}

void Broker::retain(const std::shared_ptr<Publication>& publication) {
  if (context_.directory.cluster != nullptr) return retain_elsewhere(publication);
  publication->retained = context_.directory.last_retained.fetch_add(1, std::memory_order_relaxed) + 1;
  retained_.keep(publication);
}

void Broker::deliver(const PublicationRef& publication, Outbox& out) {
  if (publication->retained == 0) {
    for (const wamp::SubscriptionId id : publication->subscriptions) deliver(id, *publication, out);
    return;
  }
  retained_.keep(publication);
  // Whoever subscribed before it came here found no copy of it, so the subscriptions that count are those of now.
  const Matches* found = matches(publication->topic);
  for (const SubscriptionRef& subscription : found->subscriptions) deliver(subscription->id, *publication, out);
}

void Broker::deliver(wamp::SubscriptionId subscription, const Publication& publication, Outbox& out) const {
  const auto at = subscriptions_.find(subscription);
  if (at == subscriptions_.end()) return;
  const Local& local = *at->second;
  deliver_local(local, nullptr, publication.filter.get(),
                {subscription, publication.id,
                 event_details(publication.publisher.get(), *local.shared, publication.topic, publication.trustlevel,
                               publication.passthru),
                 publication.payload},
                out);
}

void Broker::send_retained(Session& session, const Subscription& subscription, Outbox& out) const {
  for (const auto& publication : retained_.find(subscription.uri, subscription.match, *session.identity)) {
    auto details = event_details(publication->publisher.get(), subscription, publication->topic,
                                 publication->trustlevel, publication->passthru);
    details.retained = true;
    out.add_receiver(session);
    out.multicast(wamp::Event{subscription.id, publication->id, std::move(details), publication->payload});
  }
}

void Broker::deliver_local(const Local& local, const Session* excluded, const ReceiverFilter* filter, wamp::Event event,
                           Outbox& out) const {
  for (Session* member : local.members) {
    if (member == excluded || (filter != nullptr && !filter->admits(*member->identity))) continue;
    out.add_receiver(*member);
  }
  out.multicast(std::move(event));
}

}  // namespace crosspoint::realm
