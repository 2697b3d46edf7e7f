#include "cluster/history_writer.hpp"

#include <hiredis/hiredis.h>

#include "cluster/stream_entry.hpp"

namespace crosspoint::cluster {
namespace {

/// Adds an entry, unless this node has added it before: a node counts its events, and offers them again when it does
/// not know what became of them. Then the oldest entries go until number and bytes are within the limits. If others
/// have changed the stream, its bytes are counted again.
constexpr std::string_view kAdd =
    "local state = redis.call('HMGET', KEYS[2], 'events', 'bytes', ARGV[3]) "
    "if tonumber(state[3] or 0) >= tonumber(ARGV[4]) then return 0 end "
    "local function size(fields, first) "
    "local sum = 128 for i = first, #fields do sum = sum + #fields[i] end return sum end "
    "local events = redis.call('XLEN', KEYS[1]) "
    "local bytes = tonumber(state[2] or 0) "
    "if events ~= tonumber(state[1] or 0) then bytes = 0 "
    "for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do bytes = bytes + size(entry[2], 1) end end "
    "redis.call('XADD', KEYS[1], '*', unpack(ARGV, 5)) "
    "events = events + 1 "
    "bytes = bytes + size(ARGV, 5) "
    "while events > 1 and (events > tonumber(ARGV[1]) or bytes > tonumber(ARGV[2])) do "
    "local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1] "
    "redis.call('XDEL', KEYS[1], oldest[1]) "
    "events = events - 1 "
    "bytes = bytes - size(oldest[2], 1) end "
    "if not state[3] and redis.call('HLEN', KEYS[2]) > 1000 then redis.call('DEL', KEYS[2]) end "
    "redis.call('HSET', KEYS[2], 'events', events, 'bytes', bytes, ARGV[3], ARGV[4]) "
    "return 1";

std::size_t size_of(const HistoryWriter::Event& event) {
  static constexpr std::size_t kFixed = 256;
  return kFixed + event.topic.size() + event.text.size();
}

}  // namespace

std::size_t HistoryWriter::add_stream(HistoryStream stream) {
  streams_.push_back({std::move(stream), {}});
  return streams_.size() - 1;
}

void HistoryWriter::write(const std::shared_ptr<Event>& event, std::span<const std::size_t> streams,
                          std::size_t bytes) {
  event->missing = streams.size();
  if (!connected_) tell(*event);
  for (const std::size_t number : streams) {
    Stream& stream = streams_[number];
    stream.pending.push_back({++stream.last_number, event});
    stream.bytes += size_of(*event);
    if (connected_) {
      send(number, stream.pending.back(), std::exchange(bytes, 0));
    } else {
      trim(stream);
    }
  }
}

void HistoryWriter::send(std::size_t stream, const Pending& pending, std::size_t bytes) {
  const HistoryStream& where = streams_[stream].where;
  const Event& event = *pending.event;
  const std::string events = std::to_string(where.limits.events);
  const std::string most_bytes = std::to_string(where.limits.bytes);
  const std::string number = std::to_string(pending.number);
  std::vector<std::string_view> words{"EVAL",     kAdd,       "2",         where.events, where.state,
                                      events,     most_bytes, sender_,     number,       "time",
                                      event.time, "topic",    event.topic, "event",      event.text};
  if (!event.trustlevel.empty()) words.insert(words.end(), {"trustlevel", event.trustlevel});
  wire_.run(words, bytes, [this, stream](const redisReply& reply) { on_answer(stream, reply); });
}

void HistoryWriter::on_answer(std::size_t number, const redisReply& reply) {
  Stream& stream = streams_[number];
  Event& event = *stream.pending.front().event;
  stream.bytes -= size_of(event);
  if (reply.type == REDIS_REPLY_ERROR) event.problem = text_of(reply);
  if (--event.missing == 0) tell(event);
  stream.pending.pop_front();
}

void HistoryWriter::tell(Event& event) {
  if (event.request == 0) return;
  wire_.deliver(event.realm, event.publisher.shard,
                realm::StoredPublication{event.publisher, event.request, event.publication, event.problem});
  event.request = 0;
}

void HistoryWriter::trim(Stream& stream) {
  while (stream.pending.size() > 1 &&
         (stream.pending.size() > stream.where.limits.events || stream.bytes > stream.where.limits.bytes)) {
    stream.bytes -= size_of(*stream.pending.front().event);
    stream.pending.pop_front();
  }
}

void HistoryWriter::connected() {
  connected_ = true;
  for (std::size_t number = 0; number < streams_.size(); ++number) {
    for (const Pending& pending : streams_[number].pending) send(number, pending, 0);
  }
}

void HistoryWriter::disconnected() {
  connected_ = false;
  for (Stream& stream : streams_) {
    for (const Pending& pending : stream.pending) tell(*pending.event);
    trim(stream);
  }
}

std::size_t HistoryWriter::waiting() const {
  std::size_t count = 0;
  for (const Stream& stream : streams_) count += stream.pending.size();
  return count;
}

}  // namespace crosspoint::cluster
