#pragma once

#include <autobahn/autobahn.hpp>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/background.hpp"
#include "common/log.hpp"

/// What the workshop's C++ clients and guest workers share: a WAMP session over WebSocket, made with Autobahn|Cpp. One
/// thread: all handlers run inside Worker::run().
namespace workshop {

/// Where to connect, and as whom.
struct Login {
  std::string url;  ///< "ws://127.0.0.1:8003/ws"
  std::string realm;
  std::string user;    ///< the authid
  std::string secret;  ///< for WAMP-CRA; never logged
};

/// What the router said when it let us in.
struct Welcome {
  std::uint64_t session = 0;
  std::string authid;
  std::string authrole;
};

/// What the router tells about an event beside its arguments. The publisher is there only if its role discloses it.
struct EventDetails {
  std::uint64_t publisher = 0;  ///< the publisher's session
  std::string publisher_authid;
  std::string publisher_authrole;
  std::string topic;  ///< only if the subscription is for a pattern
};

/// Autobahn's session, and what our functions in wamp.hpp need beside it.
class WampSession : public autobahn::wamp_session {
 public:
  explicit WampSession(boost::asio::io_service& service);

  boost::asio::io_service& io;
  EventDetails event_details;  ///< of the event that is being handled
  Background procedures;       ///< for procedures that have to wait

  /// The PUBLISH whose answer somebody waits for, one at a time. The session's thread has it.
  struct {
    std::uint64_t request = 0;
    std::shared_ptr<std::promise<void>> answer;
  } unanswered;
  std::mutex publishing;  ///< held by who waits

  /// The queue of that name for jobs that are done one after the other.
  Background& queue(const std::string& name);
  /// Ends all threads.
  void stop_jobs();

 private:
  std::mutex mutex_;
  std::map<std::string, Background> queues_;
};

using Session = std::shared_ptr<WampSession>;

/// One session from connecting to its end.
class Worker {
 public:
  using OpenHandler = std::function<void(Session session, const Welcome& welcome)>;

  explicit Worker(Login login);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Called once the session is open: the place to subscribe and register.
  void on_open(OpenHandler handler);

  /// Connects, signs in and serves until the connection ends or a signal (SIGINT, SIGTERM) arrives. Returns the exit
  /// code for main(): 0 after a signal, 1 if the router could not be reached, refused us or went away, so that a
  /// supervisor starts the program again.
  int run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Waits for what a request to the router leads to, without holding up the session: `done` is called with the future
/// when it is ready. Failures are for `done` to handle (future.get() throws them).
template <class Future, class Done>
void when_ready(Future future, Done done) {
  // The continuation's own future has to be kept until it has run.
  auto kept = std::make_shared<boost::future<void>>();
  *kept = future.then(boost::launch::sync, [done = std::move(done), kept](Future ready) mutable {
    done(std::move(ready));
    kept.reset();
  });
}

}  // namespace workshop
