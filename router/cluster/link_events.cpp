#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/log.hpp"
#include "cluster/link.hpp"
#include "cluster/publication_text.hpp"

/// What comes from Redis.
namespace crosspoint::cluster {
namespace {

/// How long Redis is not listened to before the shards are looked at again.
constexpr std::chrono::milliseconds kPause{5};
/// Between two lines about messages that cannot be read.
constexpr std::chrono::seconds kComplaintTime{1};

}  // namespace

void Link::on_reply(RedisConnection& connection, const redisReply& reply) {
  if (&connection == commands_.get()) {
    heard_commands_ = true;
    on_answer(reply);
  } else if (&connection == events_.get()) {
    heard_events_ = true;
    masters_ ? on_master_event(0, reply) : on_event(reply);
  }
}

void Link::on_answer(const redisReply& reply) {
  if (unanswered_.empty()) return;
  const std::size_t bytes = unanswered_.front().bytes;
  const OnAnswer on_answer = std::move(unanswered_.front().on_answer);
  unanswered_.pop_front();
  on_master_answer(bytes, on_answer, reply);
}

bool Link::on_answered(std::size_t bytes, const redisReply& reply) {
  unanswered_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (reply.type == REDIS_REPLY_ERROR && text_of(reply).starts_with("READONLY")) {
    lose("it has become a replica");
    return false;
  }
  if (reply.type == REDIS_REPLY_ERROR && masters_ && sends_elsewhere(text_of(reply))) {
    lose(fmt::format("it says {}", text_of(reply)));
    return false;
  }
  if (reply.type == REDIS_REPLY_ERROR && !refused_) {
    refused_ = true;
    log::error("Cluster: Redis at {} refuses a command: {}", place_, text_of(reply));
  }
  return true;
}

void Link::on_event(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_ERROR) return on_listening_refused(0, text_of(reply));
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements < 2) return;
  const std::string_view kind = text_of(*reply.element[0]);
  const std::string_view second = text_of(*reply.element[1]);
  if (kind == "message" && reply.elements == 3) {
    if (on_home_message(second, text_of(*reply.element[2]))) return;
    if (Port* port = port_of_retained(second)) return on_retained(*port, second, text_of(*reply.element[2]));
    on_published({}, second, text_of(*reply.element[2]));
  } else if (kind == "pmessage" && reply.elements == 4) {
    on_published(second, text_of(*reply.element[2]), text_of(*reply.element[3]));
  } else if (kind == "subscribe" || kind == "psubscribe") {
    on_confirmed();
  }
}

bool Link::on_home_message(std::string_view channel, std::string_view text) {
  if (channel == channels_.nodes()) {
    on_word(text);
  } else if (channel == channels_.all() || channel == channels_.private_of(sender_)) {
    on_letter(channel, text);
  } else {
    return false;
  }
  return true;
}

void Link::on_listening_refused(std::size_t connection, std::string_view error) {
  log::error("Cluster: Redis at {} does not let this node listen: {}", place_, error);
  on_confirmed(connection);
}

void Link::on_confirmed(std::size_t connection) {
  make_ready(interests_.confirmed(connection));
  if (loading_ || interests_.unconfirmed_first() > 0) return;
  loading_ = true;
  load_retained();
}

void Link::join() {
  joined_ = true;
  back_off_ = std::chrono::milliseconds(0);
  const auto kept_back = kept_back_.exchange(0, std::memory_order_relaxed);
  log::info(
      "Cluster: node \"{}\" has joined by way of Redis at {}; {} events were published before that, and have not "
      "reached other nodes",
      settings_.node, place_, kept_back);
  ask_for_registrations();
  describe_state();
  make_ready(std::exchange(held_, {}));
}

void Link::on_published(std::string_view pattern, std::string_view channel, std::string_view text) {
  std::string_view realm;
  std::string_view topic;
  if (!channels_.split(channel, realm, topic)) return;
  if (Port* port = port_of(realm)) {
    on_published(*port, pattern.empty() ? Heard::by_topic : Heard::by_pattern, pattern, topic, channel, text);
  }
}

void Link::on_published(Port& port, Heard how, std::string_view pattern, std::string_view topic,
                        std::string_view channel, std::string_view text) {
  if (sender_of(text) == sender_) return;
  const bool crosses = realm::crosses_nodes(topic) || realm::meta_topics_of(topic, wamp::Match::exact) != 0;
  if (!wamp::is_valid_uri(topic, port.realm_.options().uri_check) || !crosses) {
    return complain(channel, "its topic is not valid");
  }
  port.realm_.directory().subscriptions.match(topic, matches_);
  std::erase_if(matches_, [&](const realm::SubscriptionRef& subscription) {
    if (subscription->match == wamp::Match::exact) return how != Heard::by_topic;
    return how == Heard::by_topic ||
           (how == Heard::by_pattern &&
            channels_.pattern(port.realm_.name(), subscription->uri, subscription->match) != pattern);
  });
  std::erase_if(matches_, [](const realm::SubscriptionRef& subscription) {  // there for its history
    return subscription->shards.load(std::memory_order_acquire) == 0;
  });
  if (matches_.empty()) return;
  std::shared_ptr<realm::Publication> publication;
  const std::string_view problem = read_text(text, topic, wamp::random_id(random_), publication);
  if (!problem.empty()) return complain(channel, problem);
  std::uint64_t shards = 0;
  for (const realm::SubscriptionRef& subscription : matches_) {
    publication->subscriptions.push_back(subscription->id);
    shards |= subscription->shards.load(std::memory_order_acquire);
  }
  for (; shards != 0; shards &= shards - 1) {
    deliver(port, static_cast<unsigned>(std::countr_zero(shards)), realm::PublicationRef(publication));
  }
}

void Link::complain(std::string_view channel, std::string_view problem) {
  const auto now = Clock::now();
  if (now < next_complaint_) return;
  next_complaint_ = now + kComplaintTime;
  log::warn("Cluster: a message on {} is not delivered: {}", channel, problem);
}

void Link::on_word(std::string_view text) {
  Members::Word word{};
  std::string_view id;
  std::string_view start;
  if (!Members::read(text, word, id, start)) return complain(channels_.nodes(), "it is no word of a node");
  std::string gone;
  const auto news = members_.heard(word, id, start, Clock::now(), gone);
  switch (news) {
    case Members::News::joined:
      log::info("Cluster: node \"{}\" is there", id);
      break;
    case Members::News::restarted:
      log::warn("Cluster: node \"{}\" has ended without a word, and is there again", id);
      break;
    case Members::News::left:
      log::info("Cluster: node \"{}\" has left", id);
      break;
    case Members::News::namesake:
      log::error("Cluster: another node calls itself \"{}\", too; each node needs an id of its own", id);
      break;
    default:
      break;
  }
  if (!gone.empty()) lose_node(id, gone);
  if (word == Members::Word::hello && start != start_) {
    say(Members::Word::here);
    asked_what_is_here_ = true;
  }
  // It was cut off, or stopped, and what it has was forgotten meanwhile.
  if (word == Members::Word::here && news == Members::News::joined && rpc_.registrations().is_complete()) {
    say(Members::Word::hello);
  }
  describe_state();
}

void Link::on_letter(std::string_view channel, std::string_view text) {
  // In front of what has to have an order stands when Redis had it.
  std::uint64_t order = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), order);
  if (error == std::errc()) text.remove_prefix(std::min<std::size_t>(end + 1 - text.data(), text.size()));
  NodeMessage message;
  if (!read_node_message(text, message)) return complain(channel, "its first line cannot be read");
  if (on_rpc(message.from, message.kind, message.text, order)) return;
  if (message.from == sender_ && rpc_.heard_own(message.kind, message.text)) return need_turn_end();
  if (message.from == sender_) return;
  const auto at = handlers_.find(message.kind);
  if (at == handlers_.end()) return complain(channel, "nobody here reads its kind");
  at->second(message.from, message.text);
}

void Link::make_ready(const Interests::Waiters& waiters) {
  // Who asks for retained events is to find those of all nodes.
  if (commands_ && !joined_) return void(held_.insert(held_.end(), waiters.begin(), waiters.end()));
  for (const Interests::Waiter& waiter : waiters) {
    if (waiter.subscription == 0) continue;  // our own
    Port& port = *ports_[waiter.realm];
    std::uint64_t shards = 0;
    if (!port.realm_.directory().subscriptions.confirm(waiter.subscription, waiter.serial, shards)) continue;
    for (; shards != 0; shards &= shards - 1) {
      deliver(port, static_cast<unsigned>(std::countr_zero(shards)),
              realm::SubscriptionReady{waiter.subscription, waiter.serial});
    }
  }
}

void Link::deliver(Port& port, unsigned shard, realm::ShardMessage message) {
  port.batches_[shard].push_back(std::move(message));
  need_turn_end();
}

bool Link::flooded() {
  for (const auto& port : ports_) {
    for (unsigned shard = 0; shard < port->batches_.size(); ++shard) {
      if (router_.gate(port->realm_, shard).is_flooded()) return true;
    }
  }
  return false;
}

void Link::pause_if_flooded() {
  if (!events_ || events_->paused() || !flooded()) return;
  events_->pause();
  if (masters_) masters_->pause();
  look_again();
}

void Link::look_again() {
  io_.after(kPause, [this] {
    if (!events_) return;
    if (flooded()) return look_again();
    events_->resume();
    if (masters_) masters_->resume();
  });
}

}  // namespace crosspoint::cluster
