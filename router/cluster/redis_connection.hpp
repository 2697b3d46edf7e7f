#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/io_thread.hpp"
#include "base/out_queue.hpp"
#include "redis/byte_stream.hpp"
#include "redis/protocol.hpp"

namespace crosspoint::cluster {

/// A connection to Redis on an I/O thread: commands are queued and leave in one write per turn, replies come one by
/// one. Belongs to that thread.
class RedisConnection final : public base::Pollable {
 public:
  class User {
   public:
    /// Must not destroy the connection.
    virtual void on_reply(RedisConnection& connection, const redisReply& reply) = 0;
    /// The last call. Must not destroy the connection, either.
    virtual void on_lost(RedisConnection& connection, std::string_view why) = 0;

   protected:
    ~User() = default;
  };

  /// Takes over `stream`, which is ready.
  RedisConnection(base::IoThread& io, std::unique_ptr<redis::ByteStream> stream, User& user);
  ~RedisConnection() override;
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  /// Queues a command; flush() sends what is queued, as far as the kernel takes it now.
  void send(std::span<const std::string_view> command);
  void send(std::initializer_list<std::string_view> command) { send(std::span(command.begin(), command.size())); }
  void flush();

  /// No reply is read until resume(); those that have been read already still come.
  void pause() { paused_ = true; }
  void resume();
  bool paused() const { return paused_; }

  void on_ready(std::uint32_t events) override;

 private:
  void read();
  void take_replies(std::span<const std::uint8_t> bytes);
  void lose(std::string_view why);

  base::IoThread& io_;
  const std::unique_ptr<redis::ByteStream> stream_;
  User& user_;
  redis::ReplyReader reader_;
  base::OutQueue out_;
  bool blocked_ = false;
  bool paused_ = false;
  bool readable_ = false;
  bool lost_ = false;
};

}  // namespace crosspoint::cluster
