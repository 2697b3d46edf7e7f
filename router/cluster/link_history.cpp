#include <fmt/format.h>

#include "base/log.hpp"
#include "cluster/link.hpp"
#include "cluster/publication_text.hpp"

/// Event history of the clustered realms: docs/cluster.md says what of it is in Redis.
namespace crosspoint::cluster {

void Link::keep_history(realm::Realm& realm, const realm::EventLog& log, std::string_view uri, wamp::Match match,
                        const realm::EventLog::Limits& limits) {
  for (const auto& port : ports_) {
    if (&port->realm_ != &realm) continue;
    const std::string key = channels_.history(realm.name(), uri, match);
    port->histories_.emplace(&log, history_.add_stream({key, key + ":state", limits}));
    realm.set_shared_history(*port);
  }
}

void Link::Port::add(Event event) {
  const realm::Publication& publication = *event.publication;
  HistoryEvent task{std::make_shared<HistoryWriter::Event>(), {}, 0};
  HistoryWriter::Event& what = *task.event;
  what.time = std::to_string(event.time);
  what.topic = publication.topic;
  what.text = write_text(link_.sender_, publication);
  if (publication.trustlevel != wamp::kNoTrustLevel) what.trustlevel = std::to_string(publication.trustlevel);
  what.realm = number_;
  what.publisher = event.publisher;
  what.request = event.request;
  what.publication = publication.id;
  for (const realm::EventLog* log : event.logs) task.streams.push_back(histories_.at(log));
  if (link_.up_.load(std::memory_order_relaxed)) task.bytes = size_of(what.topic, what.text);
  link_.unanswered_bytes_.fetch_add(task.bytes, std::memory_order_relaxed);
  link_.hand_over(std::move(task));
}

bool Link::Port::read(const realm::SessionKey& caller, wamp::RequestId request, realm::HistoryReading reading) {
  std::vector<HistoryStream> streams;
  for (const realm::SubscriptionRef& log : reading.logs())
    streams.push_back(link_.history_.stream(histories_.at(log->log)));
  return ask(caller, request, std::make_shared<realm::HistoryReading>(std::move(reading)), std::move(streams));
}

bool Link::Port::flush(const realm::SessionKey& caller, wamp::RequestId request, const realm::EventLog& log) {
  return ask(caller, request, nullptr, {link_.history_.stream(histories_.at(&log))});
}

bool Link::Port::ask(const realm::SessionKey& caller, wamp::RequestId request,
                     std::shared_ptr<realm::HistoryReading> reading, std::vector<HistoryStream> streams) {
  if (!link_.up_.load(std::memory_order_relaxed)) return false;
  link_.hand_over(HistoryReader::Request{number_, realm_.options().uri_check, caller, request, std::move(reading),
                                         std::move(streams)});
  return true;
}

void Link::take(const HistoryEvent& what) {
  if (!commands_) unanswered_bytes_.fetch_sub(what.bytes, std::memory_order_relaxed);
  history_.write(what.event, what.streams, what.bytes);
}

void Link::take(HistoryReader::Request& request) { history_reader_.ask(std::move(request)); }

void Link::run(std::span<const std::string_view> words, std::size_t bytes, OnAnswer on_answer) {
  if (!masters_) return command(words, bytes, std::move(on_answer));
  const std::string_view key = words[words[0] == "EVAL" ? 3 : 1];
  command_at(masters_->master_of(redis::slot_of(key)), words, bytes, std::move(on_answer));
}

}  // namespace crosspoint::cluster
