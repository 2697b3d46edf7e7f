#include "realm/history_reading.hpp"

#include <algorithm>

namespace crosspoint::realm {

HistoryReading::HistoryReading(std::vector<SubscriptionRef> logs, HistoryQuery query,
                               std::shared_ptr<const Identity> reader)
    : logs_(std::move(logs)), query_(std::move(query)), reader_(std::move(reader)), range_(range()) {}

HistoryReading::Range HistoryReading::range() const {
  if (query_.newest_first) {
    return {
        {query_.until_publication}, {query_.before_publication}, {query_.from_publication}, {query_.after_publication}};
  }
  return {
      {query_.from_publication}, {query_.after_publication}, {query_.until_publication}, {query_.before_publication}};
}

bool HistoryReading::pass(wamp::PublicationId id) {
  if (range_.from.is(id)) range_.from.seen = true;
  if (range_.before.is(id)) range_.before.seen = true;
  const bool ended = range_.until.seen || range_.before.seen;
  const bool inside = range_.from.open() && range_.after.open() && !ended;
  if (range_.after.is(id)) range_.after.seen = true;
  if (range_.until.is(id)) range_.until.seen = true;
  return inside;
}

bool HistoryReading::add(LoggedEvent event) {
  const Publication& publication = *event.publication;
  const bool inside = pass(publication.id);
  const bool readable = (query_.topic.empty() || publication.topic == query_.topic) &&
                        (!publication.filter || publication.filter->admits(*reader_));
  if (readable) ++current_.of_topic;
  if (inside && readable && event.time >= query_.from && event.time <= query_.until) collect(std::move(event));
  if (logs_.size() > 1) return true;  // their lengths decide
  const bool ended = range_.until.seen || range_.before.seen;
  const bool full = current_.truncated || current_.events.size() >= query_.limit;
  const bool found = range_.from.open() && range_.after.open() && range_.until.open() && range_.before.open();
  return !found || !(ended || full);
}

void HistoryReading::collect(LoggedEvent event) {
  if (current_.truncated || current_.events.size() >= query_.limit) return;
  current_.bytes += event.publication->payload.bytes.size();
  current_.truncated = current_.bytes > kMostBytes && !current_.events.empty();
  if (!current_.truncated) current_.events.push_back(std::move(event));
}

void HistoryReading::end_log() {
  const bool found = range_.from.open() && range_.after.open() && range_.until.open() && range_.before.open();
  if (!found) current_.events.clear(), current_.truncated = false;
  if (next_ == 0 || current_.of_topic > found_.of_topic) {
    best_ = next_;
    found_ = std::move(current_);
  }
  current_ = {};
  range_ = range();
  if (++next_ < logs_.size()) return;
  if (query_.answer_oldest_first) std::reverse(found_.events.begin(), found_.events.end());
}

}  // namespace crosspoint::realm
