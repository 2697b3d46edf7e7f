#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "realm/event_log.hpp"
#include "realm/session_key.hpp"
#include "realm/shard_message.hpp"

struct redisReply;

namespace crosspoint::cluster {

/// What the parts of shared history ask of the link.
class HistoryWire {
 public:
  /// Takes what Redis answers. Is not called if the connection is lost before.
  using OnAnswer = std::function<void(const redisReply& reply)>;

  /// A command for Redis, which can be reached. `bytes` of publications wait for its answer.
  virtual void run(std::span<const std::string_view> words, std::size_t bytes, OnAnswer on_answer) = 0;
  virtual void deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) = 0;
  /// Something in Redis cannot be used.
  virtual void complain(std::string_view key, std::string_view problem) = 0;

 protected:
  ~HistoryWire() = default;
};

/// The stream in Redis that has one entry of `event-history`: its events, and beside it their number and size and what
/// each node has written last (docs/cluster.md).
struct HistoryStream {
  std::string events;  ///< key
  std::string state;   ///< key
  realm::EventLog::Limits limits;
};

/// Puts what sessions of this node publish into the streams of shared history, each event once and in order: an event
/// is kept until Redis has answered, and offered again when a connection was lost before that or there was none. No
/// I/O: belongs to the link's thread.
class HistoryWriter {
 public:
  /// An event on its way to one or more streams.
  struct Event {
    std::string time;  ///< microseconds since 1970, in text
    std::string topic;
    std::string text;        ///< as in a channel
    std::string trustlevel;  ///< in text; empty if it has none
    std::size_t realm = 0;
    realm::SessionKey publisher;
    wamp::RequestId request = 0;  ///< 0: nobody wants to know
    wamp::PublicationId publication = 0;
    std::size_t missing = 0;  ///< streams that do not have it yet
    std::string problem;
  };

  HistoryWriter(std::string sender, HistoryWire& wire) : sender_(std::move(sender)), wire_(wire) {}

  /// The number of a stream. Before the threads start.
  std::size_t add_stream(HistoryStream stream);
  const HistoryStream& stream(std::size_t number) const { return streams_[number].where; }

  void write(const std::shared_ptr<Event>& event, std::span<const std::size_t> streams, std::size_t bytes);
  void connected();
  void disconnected();
  bool is_connected() const { return connected_; }

  /// Events that wait for Redis, counted once for each stream.
  std::size_t waiting() const;

 private:
  struct Pending {
    std::uint64_t number = 0;
    std::shared_ptr<Event> event;
  };
  struct Stream {
    HistoryStream where;
    std::deque<Pending> pending;  // oldest first
    std::size_t bytes = 0;        // of what is pending
    std::uint64_t last_number = 0;
  };

  void send(std::size_t stream, const Pending& pending, std::size_t bytes);
  void on_answer(std::size_t stream, const redisReply& reply);
  void tell(Event& event);
  static void trim(Stream& stream);

  const std::string sender_;
  HistoryWire& wire_;
  std::vector<Stream> streams_;
  bool connected_ = false;
};

}  // namespace crosspoint::cluster
