#pragma once

#include <autobahn/autobahn.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

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

using Session = std::shared_ptr<autobahn::wamp_session>;

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

/// A line on the terminal, with the time and the name of the program in front.
void terminal_log(const std::string& text);

/// Sets the name that terminal_log() shows.
void set_log_name(const std::string& name);

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
