#include "cluster/link.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "cluster/publication_text.hpp"

/// The way from the router to Redis, and the life of the connections. What comes from Redis is in link_events.cpp.
namespace crosspoint::cluster {
namespace {

constexpr std::chrono::milliseconds kFirstBackOff{100};
constexpr std::chrono::milliseconds kLongestBackOff{5000};
/// How long connecting to Redis and each answer may take then.
constexpr std::chrono::seconds kPatience{2};
/// How long the last commands may take when the node stops.
constexpr std::chrono::seconds kGoodbyeTime{1};
/// Heartbeats without an answer after which a connection counts as lost.
constexpr int kSilentBeats = 2;

}  // namespace

Link::Link(const settings::Cluster& settings, connection::Router& router, unsigned thread_index)
    : settings_(settings),
      start_(fmt::format("{:x}", base::Random::from_system().next())),
      sender_(settings.node + "/" + start_),
      redis_(settings.redis, kPatience, "crosspoint-" + settings.node),
      place_(redis_.place()),
      channels_(settings.prefix),
      shard_channels_(settings.prefix),
      heartbeat_(settings.heartbeat),
      router_(router),
      state_("not started"),
      random_(base::Random::from_system()),
      members_(settings.node, start_),
      rpc_(sender_, *this),
      history_(sender_, *this),
      history_reader_(*this),
      io_(thread_index) {
  Interests::Waiters nobody;
  interests_.want({channels_.nodes()}, {}, nobody);
  interests_.want({channels_.all()}, {}, nobody);
  interests_.want({channels_.private_of(sender_)}, {}, nobody);
  add_meta_handlers();
  redis_.allow_cluster(channels_.cluster_key());
}

Link::~Link() { stop(); }

void Link::add_realm(realm::Realm& realm) {
  ports_.push_back(std::make_unique<Port>(*this, realm, ports_.size()));
  ports_.back()->batches_.resize(realm.shard_count());
  realm.set_cluster(*ports_.back());
  Interests::Waiters nobody;
  interests_.want({channels_.retained(realm.name())}, {}, nobody);
  rpc_.add_realm(realm);
}

void Link::on_message(std::string_view kind, Handler handler) {
  handlers_.insert_or_assign(std::string(kind), std::move(handler));
}

void Link::on_gone(std::function<void(std::string_view)> gone) { when_gone_.push_back(std::move(gone)); }

std::vector<std::string> Link::others() const {
  const std::lock_guard lock(state_mutex_);
  return others_;
}

void Link::send(std::string to, std::string_view kind, std::string_view text) {
  if (!up_.load(std::memory_order_relaxed)) return;
  Letter letter{std::move(to), write_node_message(sender_, kind, text)};
  unanswered_bytes_.fetch_add(size_of(letter.to, letter.text), std::memory_order_relaxed);
  hand_over(std::move(letter));
}

void Link::start() {
  started_ = true;
  collect_slots();
  dialer_ = std::make_unique<base::TaskThread>();
  io_.post([this] {
    dial();
    io_.after(heartbeat_, [this] { beat(); });
  });
  io_.start();
}

void Link::stop() {
  if (!started_) return;
  started_ = false;
  redis_.cancel();
  io_.post([this] { finish(); });
  io_.join();
  if (const std::size_t lost = history_.waiting(); lost > 0) {
    log::warn("Cluster: {} events of event history have not reached Redis, and are lost", lost);
  }
  dialer_.reset();
}

void Link::finish() {
  take_tasks();
  finishing_ = true;
  if (!joined_) return io_.stop();
  command({"DEL", channels_.node(settings_.node)});
  command({"SREM", channels_.nodes(), settings_.node});
  command({"DEL", channels_.writer(sender_)});
  say(Members::Word::bye);
  io_.after(kGoodbyeTime, [this] { io_.stop(); });
}

std::string Link::describe() const {
  const std::lock_guard lock(state_mutex_);
  return state_;
}

void Link::describe_state() {
  std::string text;
  if (joined_) {
    const auto others = members_.list();
    text = fmt::format("node \"{}\", joined by way of Redis at {}; other nodes: {}", settings_.node, place_,
                       others.empty() ? "none" : fmt::format("{}", fmt::join(others, ", ")));
  } else {
    text = fmt::format("node \"{}\", alone: Redis at {} cannot be reached", settings_.node, place_);
  }
  auto addresses = members_.addresses();
  has_others_.store(!addresses.empty(), std::memory_order_relaxed);
  const std::lock_guard lock(state_mutex_);
  state_ = std::move(text);
  others_ = std::move(addresses);
}

void Link::Port::subscription_made(const realm::SubscriptionRef& subscription) {
  link_.hand_over(Change{number_, subscription, true});
}

void Link::Port::subscription_gone(const realm::SubscriptionRef& subscription) {
  link_.hand_over(Change{number_, subscription, false});
}

void Link::Port::publish(const wamp::Publish& message, wamp::PublicationId id, const realm::Identity* publisher,
                         wamp::TrustLevel trustlevel) {
  if (!link_.up_.load(std::memory_order_relaxed)) {
    link_.kept_back_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  Publication publication{link_.channels_.topic(realm_.name(), message.topic),
                          write_text(link_.sender_, message, id, publisher, trustlevel)};
  link_.unanswered_bytes_.fetch_add(size_of(publication.channel, publication.text), std::memory_order_relaxed);
  link_.hand_over(std::move(publication));
}

void Link::hand_over(Task task) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (first) io_.post([this] { take_tasks(); });
}

void Link::take_tasks() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) std::visit([this](auto& what) { take(what); }, task);
}

void Link::take(const Publication& publication) {
  const std::size_t bytes = size_of(publication.channel, publication.text);
  if (masters_) {
    if (held_back_.hold(publication.channel, {publication.text, bytes})) return;
    return publish_to_shard(publication.channel, publication.text, bytes);
  }
  if (commands_) return command({"PUBLISH", publication.channel, publication.text}, bytes);
  unanswered_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  kept_back_.fetch_add(1, std::memory_order_relaxed);
}

void Link::take(const Change& change) {
  const Port& port = *ports_[change.realm];
  const Interests::Name name = name_of(port, *change.subscription);
  if (change.made) {
    Interests::Waiters ready;
    if (interests_.want(name, {change.realm, change.subscription->id, change.subscription->serial}, ready))
      ask_for(name);
    make_ready(ready);
  } else if (interests_.release(name)) {
    if (masters_) return leave_shards(name);
    events_->send({name.pattern ? "PUNSUBSCRIBE" : "UNSUBSCRIBE", name.text});
    need_turn_end();
  }
}

void Link::take(const Letter& letter) {
  const std::size_t bytes = size_of(letter.to, letter.text);
  if (!commands_) {
    unanswered_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return;
  }
  command({publish_command(), letter.to.empty() ? channels_.all() : channels_.private_of(letter.to), letter.text},
          bytes);
}

Interests::Name Link::name_of(const Port& port, const realm::Subscription& subscription) const {
  const std::string& realm = port.realm_.name();
  if (subscription.match == wamp::Match::exact) return {channels_.topic(realm, subscription.uri)};
  return {channels_.pattern(realm, subscription.uri, subscription.match), true};
}

void Link::ask_for(const Interests::Name& name) {
  if (masters_) return ask_shards(name);
  interests_.asked(name);
  events_->send({name.pattern ? "PSUBSCRIBE" : "SUBSCRIBE", name.text});
  need_turn_end();
}

void Link::command(std::span<const std::string_view> words, std::size_t publication_bytes, OnAnswer on_answer) {
  commands_->send(words);
  unanswered_.push_back({publication_bytes, std::move(on_answer)});
  need_turn_end();
}

void Link::dial() {
  dialer_->post([this] {
    const auto dialed = std::make_shared<Dialed>();
    const auto commands = redis_.dial(dialed->problem);
    const auto events = commands ? redis_.dial_again(dialed->problem) : nullptr;
    dialed->place = redis_.place();
    if (events) {
      dialed->commands = commands->release();
      dialed->events = events->release();
      dial_masters(*dialed);
    }
    io_.post([this, dialed] { on_dialed(*dialed); });
  });
}

void Link::on_dialed(Dialed& dialed) {
  if (finishing_) return;
  place_ = dialed.place;
  if (dialed.events) return begin(dialed);
  if (dialed.problem != last_problem_) {
    log::warn("Cluster: no connection to Redis at {}: {}; the node goes on alone, and tries again", place_,
              dialed.problem);
    last_problem_ = dialed.problem;
    describe_state();
  }
  rpc_.registrations().disconnected(base::microseconds_now());
  settle();
  try_again();
}

void Link::settle() {
  if (const auto settled = std::exchange(when_settled_, nullptr)) settled();
}

void Link::begin(Dialed& dialed) {
  commands_ = std::make_unique<RedisConnection>(io_, std::move(dialed.commands), *this);
  events_ = std::make_unique<RedisConnection>(io_, std::move(dialed.events), *this);
  last_problem_.clear();
  silent_beats_ = 0;
  heard_commands_ = heard_events_ = refused_ = false;
  begin_shards(dialed);
  const auto names = interests_.connected();
  loading_ = false;
  for (const Interests::Name& name : names) ask_for(name);
  claim();
  history_.connected();
  history_reader_.connected();
  rpc_.registrations().connecting();
  up_.store(true, std::memory_order_relaxed);
}

void Link::on_lost(RedisConnection&, std::string_view why) { lose(why); }

void Link::lose(std::string_view why) {
  if (!commands_) return;
  up_.store(false, std::memory_order_relaxed);
  // They may be what calls this.
  std::size_t bytes = 0;
  std::size_t events = held_back_.clear(bytes);
  if (masters_) bytes += masters_->close(events);
  struct Old {
    std::unique_ptr<RedisConnection> commands;
    std::unique_ptr<RedisConnection> events;
    std::unique_ptr<Masters> masters;
  };
  io_.post(
      [old = std::make_shared<Old>(Old{std::move(commands_), std::move(events_), std::move(masters_)})] { *old = {}; });
  for (const Unanswered& each : unanswered_) {
    bytes += each.bytes;
    if (each.bytes > 0 && !each.on_answer) ++events;  // history knows of its own
  }
  unanswered_.clear();
  unanswered_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (finishing_) return io_.stop();
  history_.disconnected();
  history_reader_.disconnected();
  log::warn(
      "Cluster: the connection to Redis at {} is lost: {}; up to {} events have not reached other nodes; the node goes "
      "on "
      "alone, and tries again",
      place_, why, events);
  joined_ = false;
  for (const std::string& address : members_.addresses()) {
    for (const auto& gone : when_gone_) gone(address);
  }
  members_.clear();
  rpc_.lost("the connection to the other nodes is lost", base::microseconds_now());
  describe_state();
  make_ready(std::exchange(held_, {}));
  make_ready(interests_.disconnected());
  settle();
  try_again();
}

void Link::try_again() {
  if (finishing_) return;
  back_off_ = std::clamp(back_off_ * 2, kFirstBackOff, kLongestBackOff);
  // Nodes that lost Redis at the same moment do not come back at the same moment.
  const auto more = random_.below(static_cast<std::uint64_t>(back_off_.count()) / 2);
  io_.after(back_off_ + std::chrono::milliseconds(more), [this] { dial(); });
}

void Link::beat() {
  if (finishing_) return;
  io_.after(heartbeat_, [this] { beat(); });
  if (commands_) look_for_silence();
  if (commands_ && redis_.has_sentinels()) look_for_master();
  if (masters_) masters_->ping();
  rpc_.registrations().look_at(Clock::now());
  if (!joined_) return;
  events_->send({"PING"});
  if (masters_) look_at_slots();
  announce(Members::Word::here);
  for (const auto& [id, start] : members_.take_vanished(Clock::now(), heartbeat_)) {
    log::warn("Cluster: node \"{}\" has not been heard of for {} s: it is gone", id,
              (Members::kMissed * heartbeat_).count());
    command({"SREM", channels_.nodes(), id});
    lose_node(id, start);
  }
  describe_state();
}

void Link::lose_node(std::string_view id, std::string_view start) {
  const std::string address = std::string(id) + "/" + std::string(start);
  rpc_.gone(address, fmt::format("node \"{}\" of the callee is gone", id));
  for (const auto& gone : when_gone_) gone(address);
}

void Link::announce(Members::Word word) {
  const std::string seconds = std::to_string((Members::kMissed * heartbeat_).count());
  command({"SET", channels_.node(settings_.node), start_, "EX", seconds});
  command({"SADD", channels_.nodes(), settings_.node});
  say(word);
}

void Link::say(Members::Word word) {
  command({publish_command(), channels_.nodes(), Members::write(word, settings_.node, start_)});
}

void Link::look_for_silence() {
  const std::string silent = masters_ ? masters_->silent() : std::string();
  const bool heard = heard_commands_ && (heard_events_ || events_->paused()) && silent.empty();
  silent_beats_ = heard ? 0 : silent_beats_ + 1;
  heard_commands_ = heard_events_ = false;
  if (silent_beats_ < kSilentBeats) return;
  lose(fmt::format("no answer {}for {} s", silent.empty() ? "" : "of master " + silent + " ",
                   (kSilentBeats * heartbeat_).count()));
}

/// Redis tells nobody that another server has taken its place, least of all if it is cut off.
void Link::look_for_master() {
  if (std::exchange(looking_for_master_, true)) return;
  dialer_->post([this] {
    std::string place;
    const bool moved = redis_.has_moved(place);
    io_.post([this, moved, place] {
      looking_for_master_ = false;
      if (moved) lose("the sentinels name another master, " + place);
    });
  });
}

void Link::need_turn_end() {
  if (turn_end_asked_) return;
  turn_end_asked_ = true;
  io_.at_turn_end(*this);
}

void Link::on_turn_end() {
  turn_end_asked_ = false;
  if (commands_ && !finishing_) {
    for (const auto& port : ports_) remove_surplus(*port);
  }
  if (std::exchange(asked_what_is_here_, false)) rpc_.registrations().say_all();
  complete_.store(rpc_.registrations().is_complete(), std::memory_order_relaxed);
  if (joined_ && rpc_.registrations().is_complete()) settle();
  for (const auto& port : ports_) {
    for (unsigned shard = 0; shard < port->batches_.size(); ++shard) {
      if (port->batches_[shard].empty()) continue;
      router_.gate(port->realm_, shard).take_in(std::exchange(port->batches_[shard], {}));
    }
  }
  if (commands_) commands_->flush();
  if (events_) events_->flush();
  if (masters_) masters_->flush();
  pause_if_flooded();
}

}  // namespace crosspoint::cluster
