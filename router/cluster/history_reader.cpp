#include "cluster/history_reader.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>

#include "cluster/head_words.hpp"
#include "cluster/publication_text.hpp"
#include "realm/cluster_port.hpp"

namespace crosspoint::cluster {
namespace {

/// The events go, and what nodes have written last stays: what is on its way a second time is not to come back.
constexpr std::string_view kFlush =
    "local events = redis.call('XLEN', KEYS[1]) "
    "redis.call('XTRIM', KEYS[1], 'MAXLEN', 0) "
    "redis.call('HSET', KEYS[2], 'events', 0, 'bytes', 0) "
    "return events";
constexpr const char* kLost = "the connection to Redis, which has the history, was lost";
constexpr const char* kTooMany = "too many calls wait for history";
constexpr const char* kNoHistory = "Redis does not have the history in a form that is known";

}  // namespace

std::string_view read_history_entry(const EntryId& id, const redisReply& fields, wamp::UriCheck check,
                                    realm::LoggedEvent& out) {
  const std::string_view topic = field_of(fields, "topic");
  if (!wamp::is_valid_uri(topic, check)) return "its topic is not valid";
  static constexpr std::int64_t kLastTime = std::int64_t{1} << 53;  // in nanoseconds it has to be a number, too
  const std::string_view time = field_of(fields, "time");
  out.time = std::min(id.time, kLastTime / 1000) * 1000;
  if (!time.empty() && (!read_number(time, out.time) || out.time < 0 || out.time > kLastTime)) {
    return "its time is no number of microseconds";
  }
  // What other programs put there has no id; all nodes are to give it the same.
  const wamp::PublicationId made_up = realm::retained_place(id.time, id.number) % wamp::kMaxId + 1;
  std::shared_ptr<realm::Publication> publication;
  const std::string_view problem = read_text(field_of(fields, "event"), topic, made_up, publication);
  if (!problem.empty()) return problem;
  const std::string_view trustlevel = field_of(fields, "trustlevel");
  if (!trustlevel.empty() && !read_number(trustlevel, publication->trustlevel)) return "its trust level is no number";
  out.publication = std::move(publication);
  return {};
}

void HistoryReader::ask(Request request) {
  const auto same = [&](const Request& other) {
    return other.realm == request.realm && other.caller == request.caller;
  };
  if (!connected_) return answer(request, kLost);
  const auto of_session = std::count_if(waiting_.begin(), waiting_.end(), same);
  if (waiting_.size() >= kMostWaiting || of_session >= static_cast<std::ptrdiff_t>(kMostOfSession)) {
    return answer(request, kTooMany);
  }
  waiting_.push_back(std::move(request));
  start();
}

void HistoryReader::start() {
  const auto has_one = [this](const Request& request) {
    return std::any_of(running_.begin(), running_.end(), [&](const Running& running) {
      return running.request.realm == request.realm && running.request.caller == request.caller;
    });
  };
  while (running_.size() < kAtOnce) {
    const auto at = std::find_if_not(waiting_.begin(), waiting_.end(), has_one);
    if (at == waiting_.end()) return;
    running_.push_back({std::move(*at), 0, 0, {}});
    waiting_.erase(at);
    serve(std::prev(running_.end()));
  }
}

void HistoryReader::serve(Place at) { at->request.reading ? read_page(at) : flush(at); }

void HistoryReader::flush(Place at) {
  const HistoryStream& stream = at->request.streams.front();
  const std::string_view words[]{"EVAL", kFlush, "2", stream.events, stream.state};
  wire_.run(words, 0, [this, at](const redisReply& reply) {
    realm::HistoryAnswer answer{at->request.caller, at->request.request, {}, {}, {}};
    if (reply.type == REDIS_REPLY_INTEGER) {
      answer.flushed = static_cast<std::size_t>(reply.integer);
    } else {
      answer.problem = kNoHistory;
    }
    finish(at, std::move(answer));
  });
}

void HistoryReader::read_page(Place at) {
  Running& running = *at;
  const bool back = running.request.reading->newest_first();
  const std::string from = running.begun ? running.next.text() : back ? "+" : "-";
  const std::string count = std::to_string(running.count);
  const std::string_view words[]{back ? "XREVRANGE" : "XRANGE",
                                 running.request.streams[running.log].events,
                                 from,
                                 back ? "-" : "+",
                                 "COUNT",
                                 count};
  wire_.run(words, 0, [this, at](const redisReply& reply) { on_page(at, reply); });
}

void HistoryReader::on_page(Place at, const redisReply& reply) {
  Running& running = *at;
  realm::HistoryReading& reading = *running.request.reading;
  const Request& request = running.request;
  if (reply.type != REDIS_REPLY_ARRAY) return finish(at, {request.caller, request.request, kNoHistory, {}, {}});
  if (take_entries(running, reply)) return read_page(at);
  reading.end_log();
  running = {std::move(running.request), running.log + 1, 0, {}};
  if (reading.log() != nullptr) return read_page(at);
  finish(at, {request.caller, request.request, {}, {}, request.reading});
}

bool HistoryReader::take_entries(Running& running, const redisReply& reply) {
  const HistoryStream& stream = running.request.streams[running.log];
  realm::HistoryReading& reading = *running.request.reading;
  std::size_t bytes = 0;
  bool more = reply.elements == running.count;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    EntryId id;
    const redisReply* fields = nullptr;
    if (!read_entry(*reply.element[i], id, fields)) continue;
    running.begun = true;
    running.next = reading.newest_first() ? id.previous() : id.next();
    bytes += field_of(*fields, "event").size();
    realm::LoggedEvent event;
    const std::string_view problem = read_history_entry(id, *fields, running.request.uri_check, event);
    if (!problem.empty()) {
      wire_.complain(stream.events, problem);
    } else if (!reading.add(std::move(event))) {
      return false;
    }
  }
  // What is added meanwhile, and keeps the end away from one who reads towards it, is not what was asked for.
  running.entries += reply.elements;
  more = more && running.entries < stream.limits.events;
  if (more) {
    const std::size_t each = std::max<std::size_t>(bytes / reply.elements, 1);
    running.count = std::clamp<std::size_t>(kPageBytes / each, 1, kLongestPage);
  }
  return more;
}

void HistoryReader::answer(const Request& request, std::string problem) {
  wire_.deliver(request.realm, request.caller.shard,
                std::make_shared<const realm::HistoryAnswer>(
                    realm::HistoryAnswer{request.caller, request.request, std::move(problem), {}, {}}));
}

void HistoryReader::finish(Place at, realm::HistoryAnswer answer) {
  wire_.deliver(at->request.realm, at->request.caller.shard,
                std::make_shared<const realm::HistoryAnswer>(std::move(answer)));
  running_.erase(at);
  start();
}

void HistoryReader::disconnected() {
  connected_ = false;
  for (const Running& running : running_) answer(running.request, kLost);
  for (const Request& request : waiting_) answer(request, kLost);
  running_.clear();
  waiting_.clear();
}

}  // namespace crosspoint::cluster
