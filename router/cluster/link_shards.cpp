#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>

#include "base/log.hpp"
#include "cluster/link.hpp"
#include "cluster/publication_text.hpp"

/// What is otherwise in a Redis Cluster: events go by way of the masters of their topics.
namespace crosspoint::cluster {

bool Link::sends_elsewhere(std::string_view error) {
  return error.starts_with("MOVED ") || error.starts_with("ASK ") || error.starts_with("TRYAGAIN") ||
         error.starts_with("CLUSTERDOWN");
}

void Link::collect_slots() {
  slots_.push_back(redis::slot_of(channels_.cluster_key()));
  for (const auto& port : ports_) {
    for (const auto& [log, number] : port->histories_) {
      slots_.push_back(redis::slot_of(history_.stream(number).events));
    }
    for (unsigned bucket = 0; bucket < ShardChannels::kBuckets; ++bucket) {
      slots_.push_back(ShardChannels::slot_of(port->realm_.name(), bucket));
    }
  }
}

void Link::dial_masters(Dialed& dialed) {
  dialed.map = redis_.slots();
  for (const std::size_t master : Masters::needed(dialed.map, slots_.front(), slots_)) {
    const auto commands = redis_.dial_master(master, dialed.problem);
    const auto events = commands ? redis_.dial_master(master, dialed.problem) : nullptr;
    if (!events) return dialed.events.reset();
    dialed.masters.push_back({commands->release(), events->release(), dialed.map.masters()[master].text()});
  }
}

void Link::begin_shards(Dialed& dialed) {
  const bool sharded = !dialed.map.masters().empty();
  channels_.set_sharded(sharded);
  unsubscribing_.clear();
  if (sharded) {
    masters_ = std::make_unique<Masters>(io_, *this, dialed.map, slots_.front(), slots_, std::move(dialed.masters));
    unsubscribing_.resize(masters_->count());
  }
  for (const auto& port : ports_) {
    port->retained_key_ = channels_.retained(port->realm_.name());
    port->patterns_ = 0;
    port->of_bucket_.clear();
    for (unsigned bucket = 0; sharded && bucket < ShardChannels::kBuckets; ++bucket) {
      port->of_bucket_.push_back(masters_->master_of(ShardChannels::slot_of(port->realm_.name(), bucket)));
    }
  }
}

Link::Port* Link::port_of(std::string_view realm) const {
  const auto at =
      std::find_if(ports_.begin(), ports_.end(), [&](const auto& port) { return port->realm_.name() == realm; });
  return at != ports_.end() ? at->get() : nullptr;
}

void Link::publish_to_shard(const std::string& channel, const std::string& text, std::size_t bytes) {
  std::string_view realm;
  std::string_view topic;
  channels_.split(channel, realm, topic);
  const unsigned bucket = ShardChannels::bucket_of(topic);
  const std::size_t master = port_of(realm)->of_bucket_[bucket];
  send_to_shard(master, shard_channels_.topic(realm, topic), text);
  send_to_shard(master, shard_channels_.patterns(realm, bucket), fmt::format("{} {}", topic, text), bytes);
}

void Link::send_to_shard(std::size_t master, std::string_view channel, std::string_view text, std::size_t bytes) {
  command_at(master, std::array{publish_command(), channel, text}, bytes, nullptr);
}

void Link::command_at(std::size_t master, std::span<const std::string_view> words, std::size_t bytes,
                      OnAnswer on_answer) {
  if (master == 0) return command(words, bytes, std::move(on_answer));
  masters_->command(master, words, bytes, std::move(on_answer));
  need_turn_end();
}

void Link::listen_at(std::size_t master, std::string_view what, const std::string& channel) {
  if (what == kUnsubscribe) ++unsubscribing_[master];
  if (master == 0) {
    events_->send({what, channel});
  } else {
    masters_->listen(master, {what, channel});
  }
  need_turn_end();
}

void Link::each_shard(const Port& port, bool all, const std::function<void(std::size_t, unsigned)>& visit) const {
  std::vector<bool> seen(masters_->count());
  for (unsigned bucket = 0; bucket < ShardChannels::kBuckets; ++bucket) {
    const std::size_t master = port.of_bucket_[bucket];
    if (all || !seen[master]) visit(master, bucket);
    seen[master] = true;
  }
}

void Link::ask_shards(const Interests::Name& name) {
  const auto ask = [&](std::size_t master, const std::string& channel) {
    listen_at(master, kSubscribe, channel);
    interests_.asked(name, master);
  };
  std::string_view realm;
  std::string_view topic;
  if (channels_.split(name.text, realm, topic)) {
    Port& port = *port_of(realm);
    if (!name.pattern)
      return ask(port.of_bucket_[ShardChannels::bucket_of(topic)], shard_channels_.topic(realm, topic));
    // The channels are the same for all patterns of the realm: what is asked again comes behind what was asked before.
    each_shard(port, port.patterns_++ == 0,
               [&](std::size_t master, unsigned bucket) { ask(master, shard_channels_.patterns(realm, bucket)); });
    return;
  }
  for (const auto& port : ports_) {
    if (port->retained_channel_ != name.text) continue;
    const std::string& of = port->realm_.name();
    return each_shard(*port, true,
                      [&](std::size_t master, unsigned bucket) { ask(master, shard_channels_.retained(of, bucket)); });
  }
  ask(0, channels_.sharded(name.text));
}

void Link::leave_shards(const Interests::Name& name) {
  std::string_view realm;
  std::string_view topic;
  channels_.split(name.text, realm, topic);
  Port& port = *port_of(realm);
  if (!name.pattern) {
    return listen_at(port.of_bucket_[ShardChannels::bucket_of(topic)], kUnsubscribe,
                     shard_channels_.topic(realm, topic));
  }
  if (--port.patterns_ > 0) return;
  each_shard(port, true, [&](std::size_t master, unsigned bucket) {
    listen_at(master, kUnsubscribe, shard_channels_.patterns(realm, bucket));
  });
}

void Link::on_master_answer(std::size_t bytes, const OnAnswer& on_answer, const redisReply& reply) {
  if (!on_answered(bytes, reply)) return;
  if (on_answer) on_answer(reply);
  if (finishing_ && unanswered_.empty() && (!masters_ || masters_->all_answered())) io_.stop();
}

void Link::on_master_event(std::size_t master, const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR) {
    const std::string_view error = text_of(reply);
    if (sends_elsewhere(error)) return lose(fmt::format("it says {}", error));
    return on_listening_refused(master, error);
  }
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements < 2) return;
  const std::string_view kind = text_of(*reply.element[0]);
  const std::string_view channel = text_of(*reply.element[1]);
  if (kind == "smessage" && reply.elements == 3) {
    on_shard_message(channel, text_of(*reply.element[2]));
  } else if (kind == "ssubscribe") {
    on_confirmed(master);
  } else if (kind == "sunsubscribe") {
    if (unsubscribing_[master] == 0) return lose("a slot has gone to another master");
    --unsubscribing_[master];
  }
}

void Link::on_shard_message(std::string_view channel, std::string_view text) {
  ShardChannels::Parts parts;
  if (!shard_channels_.split(channel, parts)) return static_cast<void>(on_home_message(channel, text));
  Port* const port = port_of(parts.realm);
  if (port == nullptr) return;
  if (parts.kind == "retained") {
    on_retained(*port, channel, text);
  } else if (parts.kind == "patterns") {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return complain(channel, "it does not begin with a topic");
    on_published(*port, Heard::by_patterns, {}, text.substr(0, space), channel, text.substr(space + 1));
  } else {
    on_published(*port, Heard::by_topic, {}, parts.topic, channel, text);
  }
}

Link::OnAnswer Link::retained_to_shard(Port& port, const realm::Publication& publication, std::uint64_t place,
                                       std::string text, OnAnswer then) {
  std::string topic = channels_.topic(port.realm_.name(), publication.topic);
  held_back_.begin(topic);
  return [this, &port, place, topic = std::move(topic), uri = std::string(publication.topic), text = std::move(text),
          then = std::move(then)](const redisReply& reply) {
    EntryId entry;
    if (EntryId::read(text_of(reply), entry)) {
      on_own_retained(port, entry, place, text);
      const unsigned bucket = ShardChannels::bucket_of(uri);
      const std::string message = fmt::format("{} {} {} {}", entry.text(), place, uri, text);
      const std::string channel = shard_channels_.retained(port.realm_.name(), bucket);
      const std::size_t bytes = size_of(channel, message);
      unanswered_bytes_.fetch_add(bytes, std::memory_order_relaxed);
      send_to_shard(port.of_bucket_[bucket], channel, message, bytes);
    }
    for (const HeldBack::Event& event : held_back_.end(topic)) publish_to_shard(topic, event.text, event.bytes);
    if (then) then(reply);
  };
}

/// Nobody tells a node that was cut off when its masters have changed.
void Link::look_at_slots() {
  command({"CLUSTER", "SLOTS"}, 0, [this](const redisReply& reply) {
    const redis::SlotMap& map = masters_->map();
    const std::string& host = map.masters()[map.master_of(slots_.front())].host;
    redis::SlotMap now;
    std::string problem;
    if (reply.type == REDIS_REPLY_ERROR || !now.read(reply, host, problem)) return;
    if (!now.agrees(map, slots_)) lose("slots have gone to other masters");
  });
}

}  // namespace crosspoint::cluster
