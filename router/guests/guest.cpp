#include "guests/guest.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/log.hpp"

namespace crosspoint::guests {
namespace {

constexpr std::string_view kSystem = "Controller";
/// A line without an end is logged after this: a prompt, or a program that never ends its lines.
constexpr std::chrono::milliseconds kPatience{200};

std::string describe(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 0) return "exited with success";
  return fmt::format("exited with error: exit code {}", WEXITSTATUS(status));
}

}  // namespace

Guest::Output::Output(Guest& guest, boost::asio::io_context& context)
    : descriptor(context), patience(context), lines([&guest](std::string_view line) { guest.log_line(line); }) {}

void Guest::Output::open(int fd) {
  if (fd < 0) return;
  descriptor.assign(fd);
  wait();
}

void Guest::Output::close() {
  patience.cancel();
  if (!descriptor.is_open()) return;
  read();  // what was written before the end
  if (descriptor.is_open()) descriptor.close();
  lines.flush();
}

void Guest::Output::wait() {
  descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (error || !descriptor.is_open()) return;
    read();
    if (descriptor.is_open()) wait();
  });
}

void Guest::Output::read() {
  std::array<char, 16384> buffer;
  // Bounded, so that a guest that writes without pause does not keep the node from everything else.
  for (int round = 0; round < 16; ++round) {
    const ssize_t size = ::read(descriptor.native_handle(), buffer.data(), buffer.size());
    if (size == 0) {
      descriptor.close();
      return lines.flush();
    }
    if (size < 0) break;
    lines.feed({buffer.data(), static_cast<std::size_t>(size)});
  }
  if (!lines.pending()) return;
  patience.expires_after(kPatience);
  patience.async_wait([this](boost::system::error_code error) {
    if (!error) lines.flush();
  });
}

Guest::Guest(boost::asio::io_context& context, const settings::GuestWorker& settings, std::string id)
    : context_(context),
      settings_(settings),
      id_(std::move(id)),
      input_(context),
      output_(*this, context),
      error_output_(*this, context),
      restart_timer_(context),
      kill_timer_(context) {}

bool Guest::prepare(std::string& problem) {
  auto command = find_command(settings_, own_environment(), problem);
  if (!command) return false;
  command_ = std::move(*command);
  if (settings_.watch_directories.empty()) return true;
  watch_ = std::make_unique<DirectoryWatch>(context_, [this](const std::string& path) { on_change(path); });
  return std::all_of(settings_.watch_directories.begin(), settings_.watch_directories.end(),
                     [&](const std::string& directory) { return watch_->add(directory, problem); });
}

void Guest::start() {
  using To = settings::GuestWorker::Output;
  using Input = settings::GuestWorker::Input;
  const Streams streams{settings_.input != Input::close, settings_.output == To::log,
                        settings_.error_output == To::log};
  std::string problem;
  started_ = std::chrono::steady_clock::now();
  if (!start_process(command_, streams, process_, problem)) {
    log::write(log::Level::error, kSystem, "Guest \"{}\" could not be started: {}", id_, problem);
    return start_again("it could not be started");
  }
  log::write(log::Level::info, kSystem, "Guest worker \"{}\" started (PID {})", id_, process_.pid);
  if (process_.input >= 0) input_.assign(process_.input);
  output_.open(process_.output);
  error_output_.open(process_.error_output);
  if (settings_.input == Input::json) write_input(std::make_shared<std::string>(settings_.input_json), 0);
}

void Guest::write_input(const std::shared_ptr<std::string>& text, std::size_t done) {
  while (done < text->size()) {
    const ssize_t size = ::write(input_.native_handle(), text->data() + done, text->size() - done);
    if (size <= 0) break;
    done += static_cast<std::size_t>(size);
  }
  if (done < text->size() && (errno == EAGAIN || errno == EINTR)) {
    return input_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                             [this, text, done](boost::system::error_code error) {
                               if (!error) write_input(text, done);
                             });
  }
  if (done < text->size() || settings_.input_close) input_.close();
}

void Guest::log_line(std::string_view line) const {
  log::write_for(log::Level::info, "Guest", process_.pid, fmt::format("{}: {}", id_, line));
}

void Guest::on_exit(int status) {
  ::kill(-process_.pid, SIGKILL);  // what it has left behind
  output_.close();
  error_output_.close();
  if (input_.is_open()) input_.close();
  kill_timer_.cancel();
  const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  const auto level = good || stopping_ || changed_ ? log::Level::info : log::Level::error;
  log::write(level, kSystem, "Guest \"{}\" (PID {}) {}", id_, process_.pid, describe(status));
  process_ = {};
  if (stopping_) return;
  if (changed_) {
    changed_ = false;
    if (!settings_.watch_restart) return;
    restart_timer_.expires_after(settings_.watch_timeout);
    return restart_timer_.async_wait([this](boost::system::error_code error) {
      if (!error && !stopping_) start();
    });
  }
  if (settings_.restart == settings::Restart::always || (settings_.restart == settings::Restart::on_failure && !good)) {
    start_again(describe(status));
  }
}

void Guest::start_again(const std::string& why) {
  if (settings_.restart == settings::Restart::never || stopping_) return;
  const auto ran = std::chrono::steady_clock::now() - started_;
  if (ran >= kMostWait) wait_ = kFirstWait;
  log::write(log::Level::warn, kSystem, "Guest \"{}\" {}: it will be started again in {:.1f} s", id_, why,
             std::chrono::duration<double>(wait_).count());
  restart_timer_.expires_after(wait_);
  wait_ = std::min(wait_ * 2, kMostWait);
  restart_timer_.async_wait([this](boost::system::error_code error) {
    if (!error && !stopping_ && !running()) start();
  });
}

void Guest::stop() {
  stopping_ = true;
  restart_timer_.cancel();
  watch_.reset();
  if (running()) begin_termination();
}

void Guest::begin_termination() {
  ::kill(-process_.pid, SIGTERM);
  kill_timer_.expires_after(kStopTime);
  kill_timer_.async_wait([this](boost::system::error_code error) {
    if (error || !running()) return;
    log::write(log::Level::warn, kSystem, "Guest \"{}\" (PID {}) does not end within {} s of SIGTERM: SIGKILL", id_,
               process_.pid, kStopTime.count());
    ::kill(-process_.pid, SIGKILL);
  });
}

void Guest::on_change(const std::string& path) {
  if (stopping_ || changed_) return;
  log::write(log::Level::info, kSystem, "{} has changed: guest \"{}\" is {}", path, id_,
             settings_.watch_restart ? "restarted" : "ended");
  restart_timer_.cancel();
  if (running()) {
    changed_ = true;
    begin_termination();
  } else if (settings_.watch_restart) {
    start();
  }
}

}  // namespace crosspoint::guests
