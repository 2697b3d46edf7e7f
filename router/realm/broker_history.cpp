#include "realm/broker.hpp"
#include "realm/event_journal.hpp"
#include "realm/shared_history.hpp"

namespace crosspoint::realm {

bool Broker::is_stored(const Matches& matches, const wamp::Publish& message) {
  // Ids of sessions mean nothing to those who come later, so such events are not kept ("Event History").
  const auto& filter = message.options.filter;
  return matches.stored && (!filter || (!filter->exclude && !filter->eligible));
}

void Broker::store(const Session* session, const wamp::Publish& message, const Matches& matches,
                   const PublicationRef& publication) const {
  const bool acknowledged = message.options.acknowledge && session != nullptr;
  if (SharedHistory* const shared = context_.directory.shared_history) {
    SharedHistory::Event event{context_.options.clock(), publication, {}, {}};
    for (const SubscriptionRef& subscription : matches.subscriptions) {
      if (subscription->log != nullptr) event.logs.push_back(subscription->log);
    }
    if (acknowledged) event.publisher = session->key, event.request = message.request;
    return shared->add(std::move(event));
  }
  EventJournal::Entry entry;
  entry.time = context_.options.clock();
  for (const SubscriptionRef& subscription : matches.subscriptions) {
    EventLog* log = subscription->log;
    if (log != nullptr) entry.places.push_back({log, log->append(entry.time, publication)});
  }
  EventJournal* journal = context_.directory.journal;
  if (journal == nullptr) return;
  entry.publication = publication;
  entry.encoding = message.payload.encoding;
  entry.publish = write_publication(message);
  if (acknowledged) {
    entry.publisher = session->key;
    entry.request = message.request;
  }
  journal->write(std::move(entry));
}

void Broker::acknowledge(Session& session, const StoredPublication& stored, Outbox& out) {
  static constexpr std::string_view kUnavailable = "wamp.error.unavailable";
  if (stored.flushed) {
    if (!stored.problem.empty()) {
      return refuse(out, session, wamp::MessageType::call, stored.request, kUnavailable,
                    "the events are forgotten, but could not be removed from the store: " + stored.problem);
    }
    const std::string count = "[" + std::to_string(*stored.flushed) + "]";
    return out.send(session, wamp::Result{stored.request, {}, wamp::Payload::from_json(count, 1)});
  }
  if (stored.problem.empty()) return out.send(session, wamp::Published{stored.request, stored.publication});
  refuse(out, session, wamp::MessageType::publish, stored.request, kUnavailable,
         "the event was published, but could not be stored: " + stored.problem);
}

}  // namespace crosspoint::realm
