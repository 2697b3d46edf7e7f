#pragma once

#include <functional>
#include <memory>
#include <string>

namespace workshop {

class Loop;

/// The receiving end (PULL) of a ZeroMQ pipe, bound to an endpoint like "tcp://127.0.0.1:9116". It waits in a thread of
/// its own and hands each message to the handler in the loop's thread, the next one when the handler is done with it:
/// what comes faster than that waits at the senders.
class ZmqReceiver {
 public:
  using Handler = std::function<void(const std::string& message)>;

  /// In the loop of a Worker.
  template <class SomeLoop>
  ZmqReceiver(SomeLoop& loop, const std::string& endpoint, Handler handler)
      : ZmqReceiver([&loop](std::function<void()> job) { loop.post(std::move(job)); }, endpoint, std::move(handler),
                    false) {}
  /// What has arrived when this loop ends is handled all the same, in the destructor, for two seconds at most.
  ZmqReceiver(Loop& loop, const std::string& endpoint, Handler handler);
  ~ZmqReceiver();
  ZmqReceiver(const ZmqReceiver&) = delete;
  ZmqReceiver& operator=(const ZmqReceiver&) = delete;

 private:
  using Post = std::function<void(std::function<void()>)>;
  ZmqReceiver(Post post, const std::string& endpoint, Handler handler, bool finishes);

  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// The sending end (PUSH). It never waits: while the receiver is away a thousand messages are kept for it.
class ZmqSender {
 public:
  explicit ZmqSender(const std::string& endpoint);
  ~ZmqSender();
  ZmqSender(const ZmqSender&) = delete;
  ZmqSender& operator=(const ZmqSender&) = delete;

  /// False if the message could not be taken. May be called from any thread.
  bool send(const std::string& message);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace workshop
