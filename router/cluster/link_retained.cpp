#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>

#include "base/log.hpp"
#include "cluster/link.hpp"
#include "cluster/publication_text.hpp"
#include "realm/cluster_port.hpp"

/// Retained events of the clustered realms: docs/cluster.md says what of them is in Redis.
namespace crosspoint::cluster {
namespace {

/// Adds an entry, and kTell tells the nodes so; the order of both is the same for all. If the stream grew past its
/// length, which it does not as long as nodes remove what is replaced, the oldest entries go.
constexpr std::string_view kAdd =
    "local writer = redis.call('GET', KEYS[2]) "
    "if writer and writer ~= ARGV[5] then return false end "
    "local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'topic', ARGV[2], 'place', ARGV[3], 'event', "
    "ARGV[4]) ";
constexpr std::string_view kTell =
    "redis.call('PUBLISH', KEYS[1], id .. ' ' .. ARGV[3] .. ' ' .. ARGV[2] .. ' ' .. ARGV[4]) ";
constexpr std::string_view kReturn = "return id";
/// How long the key of writers is there; what a connection has left behind comes long before that.
constexpr std::string_view kClaimTime = "3600";
/// Entries that are read, offered or removed at a time.
constexpr std::size_t kBatch = 100;

}  // namespace

void Link::Port::retain(const realm::PublicationRef& publication, unsigned shard) {
  static constexpr std::size_t kFixed = 512;
  const bool up = link_.up_.load(std::memory_order_relaxed);
  const std::size_t bytes = up ? kFixed + publication->topic.size() + publication->payload.bytes.size() : 0;
  link_.unanswered_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  link_.hand_over(Retention{number_, publication, shard, bytes});
}

/// When Redis has hung, it goes on with what the connection before this one had sent. What of that comes after this
/// does not count any more: it is offered again, and would otherwise come behind what was published later.
void Link::claim() { command({"SET", channels_.writer(sender_), std::to_string(++connection_), "EX", kClaimTime}); }

void Link::take(const Retention& retention) {
  Port& port = *ports_[retention.realm];
  port.retained_.publish(retention.publication, retention.shard);
  if (!commands_) {
    unanswered_bytes_.fetch_sub(retention.bytes, std::memory_order_relaxed);
    kept_back_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  port.retained_.sent(retention.publication, retention.shard);
  put(port, retention.publication, 0, retention.bytes, nullptr);
}

void Link::put(Port& port, const realm::PublicationRef& publication, std::uint64_t place, std::size_t bytes,
               OnAnswer on_answer) {
  static const std::string add_and_tell = fmt::format("{}{}{}", kAdd, kTell, kReturn);
  static const std::string add = fmt::format("{}{}", kAdd, kReturn);
  const std::string most = std::to_string(2 * port.realm_.options().retained.events + kBatch);
  const std::string text = write_text(sender_, *publication);
  const std::string where = std::to_string(place);
  if (masters_) on_answer = retained_to_shard(port, *publication, place, text, std::move(on_answer));
  command({"EVAL", masters_ ? add : add_and_tell, "2", port.retained_key_, channels_.writer(sender_), most,
           publication->topic, where, text, std::to_string(connection_)},
          bytes, std::move(on_answer));
}

Link::Port* Link::port_of_retained(std::string_view channel) const {
  const auto at =
      std::find_if(ports_.begin(), ports_.end(), [&](const auto& port) { return port->retained_key_ == channel; });
  return at != ports_.end() ? at->get() : nullptr;
}

void Link::load_retained() {
  to_load_ = ports_.size();
  for (const auto& port : ports_) {
    port->retained_.begin_load();
    load_retained(*port, {});
  }
}

void Link::load_retained(Port& port, const EntryId& from) {
  command({"XRANGE", port.retained_key_, from.text(), "+", "COUNT", std::to_string(kBatch)}, 0,
          [this, &port](const redisReply& reply) { on_retained_page(port, reply); });
}

void Link::on_retained_page(Port& port, const redisReply& reply) {
  EntryId last;
  const std::size_t count = reply.type == REDIS_REPLY_ARRAY ? reply.elements : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const redisReply* fields = nullptr;
    if (!read_entry(*reply.element[i], last, fields)) continue;
    std::uint64_t place = 0;
    std::shared_ptr<realm::Publication> publication;
    if (!read_place(field_of(*fields, "place"), place)) {
      complain(port.retained_key_, "its place is no number");
      continue;
    }
    const std::string_view text = field_of(*fields, "event");
    if (sender_of(text) == sender_) port.retained_.found_own(last, place);
    const std::string_view problem =
        read_retained_event(port, last, place, field_of(*fields, "topic"), text, publication);
    if (!problem.empty()) {
      complain(port.retained_key_, problem);
    } else if (const auto news = port.retained_.add(last, place, std::move(publication))) {
      tell(port, *news);
    }
  }
  if (count == kBatch) return load_retained(port, last.next());
  end_load(port);
}

void Link::end_load(Port& port) {
  remove_surplus(port);
  port.to_offer_ = port.retained_.missing();
  // Nodes that come back to an empty Redis at the same moment do not all begin with the same event.
  if (!port.to_offer_.empty()) {
    const auto first = static_cast<std::ptrdiff_t>(random_.below(port.to_offer_.size()));
    std::rotate(port.to_offer_.begin(), port.to_offer_.begin() + first, port.to_offer_.end());
  }
  offer(port);
  if (--to_load_ == 0) join();
}

void Link::offer(Port& port) {
  for (std::size_t count = 0; count < kBatch && !port.to_offer_.empty();) {
    const auto [publication, offered_place] = std::move(port.to_offer_.back());
    port.to_offer_.pop_back();
    if (!port.retained_.is_missing(publication->id)) continue;
    ++count;
    const bool last = count == kBatch || port.to_offer_.empty();
    port.retained_.sent(publication);
    put(port, publication, offered_place, 0, last ? [this, &port](const redisReply&) { offer(port); } : OnAnswer());
  }
}

std::string_view Link::read_retained_event(Port& port, const EntryId& entry, std::uint64_t place,
                                           std::string_view topic, std::string_view text,
                                           std::shared_ptr<realm::Publication>& out) {
  if (!wamp::is_valid_uri(topic, port.realm_.options().uri_check) || !realm::crosses_nodes(topic)) {
    return "its topic is not valid";
  }
  // What other programs put there has no id; all nodes are to give it the same.
  const wamp::PublicationId id = RetainedStream::place_of(entry, place) % wamp::kMaxId + 1;
  return read_text(text, topic, id, out);
}

void Link::on_retained(Port& port, std::string_view channel, std::string_view message) {
  EntryId entry;
  std::uint64_t place = 0;
  std::string_view topic;
  std::string_view text;
  if (!read_retained(message, entry, place, topic, text)) return complain(channel, "it is no retained event");
  if (sender_of(text) == sender_ && (masters_ || on_own_retained(port, entry, place, text))) return;
  std::shared_ptr<realm::Publication> publication;
  const std::string_view problem = read_retained_event(port, entry, place, topic, text, publication);
  if (!problem.empty()) return complain(channel, problem);
  const bool again = place != 0 || sender_of(text) == sender_;
  publication->retained = RetainedStream::place_of(entry, place);
  const realm::PublicationRef heard = std::move(publication);
  remove_surplus(port);
  const auto news = port.retained_.add(entry, place, heard);
  // What it replaces is its sender's business, unless that is no node.
  if (sender_of(text).empty()) {
    need_turn_end();
  } else {
    static_cast<void>(port.retained_.take_surplus());
  }
  if (again) {
    if (news) tell(port, *news);
    return;
  }
  // Whether it is news or not, it has not been delivered here: to those who are subscribed when it comes to their
  // shard.
  note_place(port, heard->retained);
  for (unsigned shard = 0; shard < port.batches_.size(); ++shard) deliver(port, shard, heard);
}

bool Link::on_own_retained(Port& port, const EntryId& entry, std::uint64_t place, std::string_view text) {
  const auto mine = port.retained_.returned(id_of(text));
  if (!mine) return false;
  if (const auto news = port.retained_.add(entry, place, mine->publication, mine->shard)) tell(port, *news);
  need_turn_end();  // removes what is replaced
  return true;
}

void Link::note_place(const Port& port, std::uint64_t place) {
  auto& last = port.realm_.directory().last_retained;
  std::uint64_t before = last.load(std::memory_order_relaxed);
  while (before < place && !last.compare_exchange_weak(before, place, std::memory_order_relaxed)) {
  }
}

void Link::tell(Port& port, const RetainedStream::News& news) {
  note_place(port, news.publication->retained);
  if (news.shard != RetainedStream::kNoShard) {
    return deliver(port, news.shard, realm::PlacedPublication{news.publication, true});
  }
  for (unsigned shard = 0; shard < port.batches_.size(); ++shard) {
    deliver(port, shard, realm::PlacedPublication{news.publication});
  }
}

void Link::remove_surplus(Port& port) {
  const std::vector<std::string> entries = port.retained_.take_surplus();
  for (std::size_t begin = 0; begin < entries.size(); begin += kBatch) {
    std::vector<std::string_view> words{"XDEL", port.retained_key_};
    words.insert(words.end(), entries.begin() + static_cast<std::ptrdiff_t>(begin),
                 entries.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kBatch, entries.size())));
    command(words);
  }
}

}  // namespace crosspoint::cluster
