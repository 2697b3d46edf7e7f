#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/redis_connection.hpp"
#include "redis/slot_map.hpp"

namespace crosspoint::cluster {

/// The masters of a Redis Cluster that topics are spread over, but for the home master: number 0, to which the link
/// itself is connected. Of each of the others it has two connections, as the link has. Belongs to the link's thread.
class Masters {
 public:
  /// Takes the answer to a command. Is not called if the connection is lost before.
  using OnAnswer = std::function<void(const redisReply& reply)>;

  class User {
   public:
    /// A master has answered a command, which came with these; `on_answer` may be empty.
    virtual void on_master_answer(std::size_t bytes, const OnAnswer& on_answer, const redisReply& reply) = 0;
    /// It has something to say to who listens.
    virtual void on_master_event(std::size_t master, const redisReply& reply) = 0;
    /// One of the connections is lost. Must not destroy the masters, as the others must not.
    virtual void on_master_lost(std::string_view why) = 0;

   protected:
    ~User() = default;
  };

  /// Connections to one, and where it is.
  struct Streams {
    std::unique_ptr<redis::ByteStream> commands;
    std::unique_ptr<redis::ByteStream> events;
    std::string place;
  };

  /// Those masters of `map` that have one of `slots`, but for that of the slot `home`: indexes into map.masters(), of
  /// master 1, 2 and so on.
  static std::vector<std::size_t> needed(const redis::SlotMap& map, std::uint16_t home,
                                         const std::vector<std::uint16_t>& slots);

  /// `streams` are those of needed().
  Masters(base::IoThread& io, User& user, redis::SlotMap map, std::uint16_t home,
          const std::vector<std::uint16_t>& slots, std::vector<Streams> streams);
  ~Masters();
  Masters(const Masters&) = delete;
  Masters& operator=(const Masters&) = delete;

  const redis::SlotMap& map() const { return map_; }
  /// The number of the master of a slot, one of `slots`.
  std::size_t master_of(std::uint16_t slot) const { return of_slot_[slot]; }
  std::size_t count() const { return others_.size() + 1; }

  // Of another master than 0; what is sent leaves with flush().
  void command(std::size_t master, std::span<const std::string_view> words, std::size_t bytes, OnAnswer on_answer);
  void listen(std::size_t master, std::initializer_list<std::string_view> words);

  // All of them.
  void ping();
  /// The connection of one that has said nothing since the last call, though it was asked; empty: none.
  std::string silent();
  void pause();
  void resume();
  void flush();
  bool all_answered() const;
  /// Bytes of what has not been answered, and how many commands have any that nobody waits for. Nothing is told to the
  /// user any more.
  std::size_t close(std::size_t& commands);

 private:
  struct Other;

  User& user_;
  const redis::SlotMap map_;
  std::vector<std::uint16_t> of_slot_;
  std::vector<std::unique_ptr<Other>> others_;
  bool closed_ = false;
};

}  // namespace crosspoint::cluster
