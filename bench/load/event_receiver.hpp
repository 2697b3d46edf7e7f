#pragma once

#include <cstdint>
#include <string>

#include "load/client.hpp"
#include "load/test_payload.hpp"

namespace crosspoint::bench {

/// The topic or procedure of one run, and only of it: two runs at the same router must not hear each other.
class UriMaker {
 public:
  explicit UriMaker(base::Random& random);
  std::string operator()(std::string_view kind, std::size_t number) const;

 private:
  std::string prefix_;
};

/// How many messages may be under way: what the command line says, else 256, less if together they were larger than
/// 1 MiB. Routers drop events for receivers whose queues grow beyond a limit.
std::size_t window_of(const Options& options, std::size_t usual);

/// One subscriber: subscribes, and checks that each event is the next one of its publisher.
class EventReceiver {
 public:
  EventReceiver(std::string topic, std::uint64_t source) : topic_(std::move(topic)), source_(source) {}

  void subscribe(Client& client);
  bool subscribed() const { return subscription_ != 0; }
  /// Handles a message to the subscriber. Returns the number of the event, or 0 if it was none. Throws Failure if it
  /// is not the event that was next.
  std::uint64_t take(const wamp::Message& message, TestPayload& payload);
  std::uint64_t last() const { return last_; }

 private:
  std::string topic_;
  std::uint64_t source_;
  wamp::SubscriptionId subscription_ = 0;
  std::uint64_t last_ = 0;
};

/// Publishes the next message of a source. The first one asks for an acknowledgement, so that a publisher who may not
/// publish is told.
void publish(Client& client, std::string_view topic, const TestPayload::Content& content, TestPayload& payload);

}  // namespace crosspoint::bench
