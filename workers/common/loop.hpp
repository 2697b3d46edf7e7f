#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <functional>

namespace workshop {

/// The loop of a program that has no WAMP session: it waits for what is to be done next, until a signal ends it.
class Loop {
 public:
  Loop();

  /// Runs `job` once, so much later.
  void after(std::chrono::milliseconds delay, std::function<void()> job);

  /// Runs `job` again and again.
  void every(std::chrono::milliseconds interval, const std::function<void()>& job);

  /// Runs until SIGINT or SIGTERM; the exit code for main().
  int run();

 private:
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
};

}  // namespace workshop
