#include "realm/event_log.hpp"

namespace crosspoint::realm {
namespace {

std::size_t cost(const LoggedEvent& event) {
  static constexpr std::size_t kFixed = 256;  // the publication itself and its place here
  const Publication& publication = *event.publication;
  return kFixed + publication.topic.size() + publication.payload.bytes.size() +
         (publication.filter ? publication.filter->size() : 0);
}

}  // namespace

EventLog::Place EventLog::append(std::int64_t time, PublicationRef publication) {
  const std::lock_guard lock(mutex_);
  events_.push_back({++last_sequence_, time, std::move(publication)});
  bytes_ += cost(events_.back());
  trim();
  return {last_sequence_, events_.front().sequence};
}

void EventLog::restore(std::vector<LoggedEvent> events) {
  const std::lock_guard lock(mutex_);
  for (LoggedEvent& event : events) {
    last_sequence_ = event.sequence;
    bytes_ += cost(event);
    events_.push_back(std::move(event));
  }
  trim();
}

void EventLog::trim() {
  while (events_.size() > 1 && (events_.size() > limits_.events || bytes_ > limits_.bytes)) {
    bytes_ -= cost(events_.front());
    events_.pop_front();
  }
}

EventLog::Flushed EventLog::flush() {
  std::deque<LoggedEvent> events;  // freed without the lock
  const std::lock_guard lock(mutex_);
  events.swap(events_);
  bytes_ = 0;
  return {events.size(), last_sequence_ + 1};
}

std::vector<LoggedEvent> EventLog::events() const {
  const std::lock_guard lock(mutex_);
  return {events_.begin(), events_.end()};
}

}  // namespace crosspoint::realm
