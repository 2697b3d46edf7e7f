#pragma once

#include <functional>
#include <memory>
#include <string>

/// Messages from one program to another over ZeroMQ that survive the crash of either. The sender writes each into a
/// file first, and keeps the file until the receiver says that it is done with the message. In between it sends the
/// message again and again. A message is two parts, an id and a text; the answer is the id. (ZeroMQ's sockets for one
/// direction, PUSH and PULL, give no answers. These are a DEALER and a ROUTER.)
namespace workshop {

/// The receiving end, bound to an endpoint like "tcp://127.0.0.1:9116".
class ZmqReceiver {
 public:
  /// Runs in a thread of the receiver's own, for one message at a time, and may wait. When it returns, or throws
  /// because the message is not worth anything, that was it for the message. If it throws Unreachable the sender tries
  /// again.
  using Handler = std::function<void(const std::string& message)>;

  ZmqReceiver(const std::string& endpoint, Handler handler);
  ~ZmqReceiver();
  ZmqReceiver(const ZmqReceiver&) = delete;
  ZmqReceiver& operator=(const ZmqReceiver&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The sending end. What another one with the same outbox has left behind is sent too, in the order of time. Which of
/// the last hundred messages were done the receiver knows; a message may reach its handler twice only if one of the
/// two programs crashes in between.
class ZmqSender {
 public:
  /// The outbox is a table of that name (table.hpp).
  ZmqSender(const std::string& outbox, const std::string& endpoint);
  ~ZmqSender();
  ZmqSender(const ZmqSender&) = delete;
  ZmqSender& operator=(const ZmqSender&) = delete;

  /// True as soon as the message is in the outbox, on the disk; false if the message is too large (1 MiB) or a thousand
  /// are there already. Throws Unreachable if the disk does not take it. May be called from any thread, but waits for
  /// the disk: use it beside a session, not in its thread.
  bool send(const std::string& message);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace workshop
