#include "cluster/masters.hpp"

#include <algorithm>

namespace crosspoint::cluster {

struct Masters::Other final : RedisConnection::User {
  Other(Masters& masters, std::size_t its_number, base::IoThread& io, Streams streams)
      : all(masters),
        number(its_number),
        place(std::move(streams.place)),
        commands(io, std::move(streams.commands), *this),
        events(io, std::move(streams.events), *this) {}

  void on_reply(RedisConnection& connection, const redisReply& reply) override {
    if (all.closed_) return;
    if (&connection == &events) {
      heard_events = true;
      return all.user_.on_master_event(number, reply);
    }
    heard_commands = true;
    if (unanswered.empty()) return;
    const Unanswered command = std::move(unanswered.front());
    unanswered.pop_front();
    all.user_.on_master_answer(command.bytes, command.on_answer, reply);
  }

  void on_lost(RedisConnection&, std::string_view why) override {
    if (!all.closed_) all.user_.on_master_lost("master " + place + ": " + std::string(why));
  }

  Masters& all;
  const std::size_t number;
  const std::string place;
  RedisConnection commands;
  RedisConnection events;
  struct Unanswered {
    std::size_t bytes = 0;
    OnAnswer on_answer;
  };
  std::deque<Unanswered> unanswered;
  bool heard_commands = true;
  bool heard_events = true;
};

std::vector<std::size_t> Masters::needed(const redis::SlotMap& map, std::uint16_t home,
                                         const std::vector<std::uint16_t>& slots) {
  std::vector<std::size_t> found;
  for (const std::uint16_t slot : slots) {
    const std::size_t master = map.master_of(slot);
    if (master == redis::SlotMap::kNobody || master == map.master_of(home)) continue;
    if (std::find(found.begin(), found.end(), master) == found.end()) found.push_back(master);
  }
  return found;
}

Masters::Masters(base::IoThread& io, User& user, redis::SlotMap map, std::uint16_t home,
                 const std::vector<std::uint16_t>& slots, std::vector<Streams> streams)
    : user_(user), map_(std::move(map)), of_slot_(redis::kSlots, 0) {
  const std::vector<std::size_t> numbers = needed(map_, home, slots);
  for (const std::uint16_t slot : slots) {
    const auto at = std::find(numbers.begin(), numbers.end(), map_.master_of(slot));
    if (at != numbers.end()) of_slot_[slot] = static_cast<std::uint16_t>(at - numbers.begin() + 1);
  }
  for (Streams& each : streams) {
    others_.push_back(std::make_unique<Other>(*this, others_.size() + 1, io, std::move(each)));
  }
}

Masters::~Masters() = default;

void Masters::command(std::size_t master, std::span<const std::string_view> words, std::size_t bytes,
                      OnAnswer on_answer) {
  Other& other = *others_[master - 1];
  other.commands.send(words);
  other.unanswered.push_back({bytes, std::move(on_answer)});
}

void Masters::listen(std::size_t master, std::initializer_list<std::string_view> words) {
  others_[master - 1]->events.send(words);
}

void Masters::ping() {
  for (const auto& other : others_) {
    command(other->number, std::array<std::string_view, 1>{"PING"}, 0, nullptr);
    other->events.send({"PING"});
  }
}

std::string Masters::silent() {
  std::string place;
  for (const auto& other : others_) {
    const bool heard = other->heard_commands && (other->heard_events || other->events.paused());
    other->heard_commands = other->heard_events = false;
    if (!heard) place = other->place;
  }
  return place;
}

void Masters::pause() {
  for (const auto& other : others_) other->events.pause();
}

void Masters::resume() {
  for (const auto& other : others_) other->events.resume();
}

void Masters::flush() {
  for (const auto& other : others_) {
    if (!closed_) other->commands.flush();
    if (!closed_) other->events.flush();
  }
}

bool Masters::all_answered() const {
  return std::all_of(others_.begin(), others_.end(), [](const auto& other) { return other->unanswered.empty(); });
}

std::size_t Masters::close(std::size_t& commands) {
  closed_ = true;
  std::size_t sum = 0;
  for (const auto& other : others_) {
    for (const auto& command : other->unanswered) {
      sum += command.bytes;
      if (command.bytes > 0 && !command.on_answer) ++commands;
    }
  }
  return sum;
}

}  // namespace crosspoint::cluster
