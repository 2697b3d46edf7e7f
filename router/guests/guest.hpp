#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "guests/command.hpp"
#include "guests/directory_watch.hpp"
#include "guests/line_splitter.hpp"
#include "guests/process.hpp"
#include "settings/node.hpp"

namespace crosspoint::guests {

/// A worker of type `guest`: any program, started with the node, its output in the node's log, started again if that is
/// configured, and never left behind. Belongs to the node's main thread.
class Guest {
 public:
  /// Restarts wait this long at first, twice as long after each failure, and at most kMostWait; a guest that ran for
  /// kMostWait begins anew.
  static constexpr std::chrono::milliseconds kFirstWait{500};
  static constexpr std::chrono::milliseconds kMostWait{30000};
  /// From SIGTERM to SIGKILL.
  static constexpr std::chrono::seconds kStopTime{5};

  Guest(boost::asio::io_context& context, const settings::GuestWorker& settings, std::string id);
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  /// Finds out whether it can be started. Returns false and says why in `problem` if not.
  bool prepare(std::string& problem);
  void start();
  /// Ends it: SIGTERM to its process group, SIGKILL after kStopTime. running() tells when it is over.
  void stop();
  bool running() const { return process_.pid > 0; }
  int pid() const { return process_.pid; }
  /// The process has ended, with the status that waitpid() gave.
  void on_exit(int status);

 private:
  /// One of the guest's output streams.
  struct Output {
    Output(Guest& guest, boost::asio::io_context& context);
    void open(int fd);
    void close();
    void wait();
    /// Reads what there is; the end of a line may come later, or never.
    void read();

    boost::asio::posix::stream_descriptor descriptor;
    boost::asio::steady_timer patience;
    LineSplitter lines;
  };

  void log_line(std::string_view line) const;
  void write_input(const std::shared_ptr<std::string>& text, std::size_t done);
  void start_again(const std::string& why);
  void begin_termination();
  void on_change(const std::string& path);

  boost::asio::io_context& context_;
  const settings::GuestWorker& settings_;
  const std::string id_;
  Command command_;
  Process process_;
  boost::asio::posix::stream_descriptor input_;
  Output output_;
  Output error_output_;
  boost::asio::steady_timer restart_timer_;
  boost::asio::steady_timer kill_timer_;
  std::unique_ptr<DirectoryWatch> watch_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::milliseconds wait_ = kFirstWait;
  bool stopping_ = false;
  bool changed_ = false;  // ended by us because a watched file changed
};

}  // namespace crosspoint::guests
