#include <catch2/catch.hpp>

#include <fcntl.h>
#include <spdlog/details/log_msg.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/log_sinks.hpp"

using namespace crosspoint;
namespace fs = std::filesystem;

namespace {

/// A folder of its own for one test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "crosspoint-log-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for temporary files");
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const char* name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Sends what the process writes to a descriptor to a file instead, for as long as it lives.
class Redirected {
 public:
  Redirected(int fd, const std::string& path) : fd_(fd), saved_(::dup(fd)) {
    flush();
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ::dup2(file, fd_);
    ::close(file);
  }
  ~Redirected() {
    flush();
    ::dup2(saved_, fd_);
    ::close(saved_);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  static void flush() {
    std::fflush(nullptr);
    std::cout.flush();
  }
  int fd_;
  int saved_;
};

struct Output {
  std::string out;
  std::string error;
};

/// What the terminal gets of `write`.
template <class Write>
Output output_of(const log::Options& options, Write&& write) {
  const Folder folder;
  {
    const Redirected out(1, folder / "out");
    const Redirected error(2, folder / "error");
    log::start(options);
    write();
    log::stop();
  }
  return {content(folder / "out"), content(folder / "error")};
}

std::string line_of(log::Format format, std::string_view text) {
  log::Options options;
  options.format = format;
  return output_of(options, [&] { log::write_for(log::Level::info, "Guest", 42, text); }).out;
}

spdlog::details::log_msg message(spdlog::level::level_enum level, std::string_view text, int days_from_now = 0) {
  spdlog::details::log_msg made("log", level, {text.data(), text.size()});
  made.time += std::chrono::hours(24 * days_from_now);
  return made;
}

}  // namespace

TEST_CASE("a line has the time, the system and process it is from, and the text") {
  const std::regex standard(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[Guest          42\] hello\n)");
  const std::string line = line_of(log::Format::standard, "hello");
  INFO(line);
  REQUIRE(std::regex_match(line, standard));
  REQUIRE(line_of(log::Format::syslogd, "hello") == "[Guest          42] hello\n");
  REQUIRE(line_of(log::Format::none, "hello") == "hello\n");
}

TEST_CASE("what peers send can neither forge a line nor drive a terminal") {
  REQUIRE(line_of(log::Format::none, "a\nb\r\x1b[2J\x7f\tc") == "a\\x0ab\\x0d\\x1b[2J\\x7f\\x09c\n");
  REQUIRE(line_of(log::Format::none, std::string_view("\0", 1)) == "\\x00\n");
  REQUIRE(line_of(log::Format::none, "\xc2\x9b") == "\\xc2\\x9b\n");  // U+009B begins a command, as ESC [ does
  for (const std::string text : {"\u00fc\u20ac\U0001f600", "\u00a0", "\xc2", "{} %s \\"}) {
    REQUIRE(line_of(log::Format::none, text) == text + "\n");
  }
}

TEST_CASE("lines up to info go to the standard output, warnings and errors to the error output") {
  log::Options options;
  options.format = log::Format::none;
  options.level = log::Level::debug;
  const auto [out, error] = output_of(options, [] {
    log::trace("trace");
    log::debug("debug {}", 1);
    log::info("info");
    log::warn("warn");
    log::error("error");
  });
  REQUIRE(out == "debug 1\ninfo\n");
  REQUIRE(error == "warn\nerror\n");
}

TEST_CASE("below its level, and once it has ended, the log writes nothing") {
  log::Options options;
  options.format = log::Format::none;
  options.level = log::Level::error;
  const auto [out, error] = output_of(options, [] {
    REQUIRE_FALSE(log::enabled(log::Level::warn));
    log::warn("no");
    log::error("yes");
  });
  REQUIRE(out.empty());
  REQUIRE(error == "yes\n");
  REQUIRE_FALSE(log::enabled(log::Level::error));
  log::error("nobody hears this");
}

TEST_CASE("with a file all levels go there in standard format, behind what it already has") {
  const Folder folder;
  const std::string path = folder / "node.log";
  std::ofstream(path) << "before\n";
  log::Options options;
  options.file = path;
  options.format = log::Format::none;
  options.level = log::Level::trace;
  log::start(options);
  log::trace("one");
  log::error("two");
  log::stop();
  const std::regex lines(R"(before\n\S+ \[Router +\d+\] one\n\S+ \[Router +\d+\] two\n)");
  REQUIRE(std::regex_match(content(path), lines));
}

TEST_CASE("threads may go on writing while the log is stopped, and started again") {
  const Folder folder;
  log::Options options;
  options.file = folder / "node.log";
  std::atomic<bool> ended = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!ended) log::info("a line");
    });
  }
  for (int i = 0; i < 20; ++i) {
    log::start(options);
    const auto written = fs::file_size(options.file);
    while (fs::file_size(options.file) == written) std::this_thread::yield();
    log::stop();
  }
  ended = true;
  for (auto& thread : threads) thread.join();
  std::ifstream stream(options.file);
  const std::regex whole(R"(\S+ \[Router +\d+\] (a line|\d+ log lines were dropped so far))");
  for (std::string line; std::getline(stream, line);) REQUIRE(std::regex_match(line, whole));
}

TEST_CASE("a file that cannot be opened is an error at the start") {
  const Folder folder;
  log::Options options;
  options.file = folder / "no such folder/node.log";
  REQUIRE_THROWS_AS(log::start(options), std::system_error);
}

TEST_CASE("the first line of a new day begins a new file; the old one is named after its day") {
  const Folder folder;
  const std::string path = folder / "node.log";
  const auto sink = log::make_file_sink(path);
  sink->log(message(spdlog::level::info, "today"));
  REQUIRE(folder.files() == 1);
  sink->log(message(spdlog::level::info, "tomorrow", 1));
  sink->log(message(spdlog::level::info, "tomorrow, too", 1));
  REQUIRE(content(path) == "tomorrow\ntomorrow, too\n");
  REQUIRE(folder.files() == 2);
  for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path())) {
    if (entry.path() == path) continue;
    REQUIRE(std::regex_match(entry.path().filename().string(), std::regex(R"(node\.log\.\d{4}_\d\d_\d\d)")));
    REQUIRE(content(entry.path().string()) == "today\n");
  }
}

TEST_CASE("a terminal gets levels in colours, and no others than asked for") {
  const Folder folder;
  const std::string path = folder / "terminal";
  std::FILE* file = std::fopen(path.c_str(), "we");
  const auto sink = log::make_stream_sink(file, spdlog::level::debug, spdlog::level::warn, true);
  REQUIRE_FALSE(sink->should_log(spdlog::level::trace));
  sink->log(message(spdlog::level::info, "info"));
  sink->log(message(spdlog::level::warn, "warn"));
  sink->log(message(spdlog::level::err, "error"));  // somebody else's
  std::fclose(file);
  REQUIRE(content(path) == "info\n\x1b[33mwarn\x1b[0m\n");
}
