#include "base/log.hpp"

#include <fmt/chrono.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "base/log_sinks.hpp"

namespace crosspoint::log {
namespace detail {
std::atomic<int> level{static_cast<int>(Level::none)};
}

namespace {

/// Lines that may wait for the output thread.
constexpr std::size_t kQueuedLines = 8192;

struct State {
  /// Held by those who write, and alone by who starts or stops the log.
  std::shared_mutex mutex;
  Format format = Format::standard;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  std::atomic<std::size_t> reported_drops{0};
};

State& state() {
  static State instance;
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  constexpr std::array kLevels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                               spdlog::level::warn,  spdlog::level::err,   spdlog::level::off};
  return kLevels[static_cast<std::size_t>(level)];
}

/// "2017-12-08T09:46:23-0600"
void append_time(std::string& line) {
  const std::time_t now = std::time(nullptr);
  fmt::format_to(std::back_inserter(line), "{:%Y-%m-%dT%H:%M:%S%z} ", fmt::localtime(now));
}

/// What peers send ends up in lines: control characters must not forge further lines or drive a terminal. Besides
/// ASCII's there are those of U+0080 to U+009F, C2 80 to C2 9F in UTF-8, which some terminals obey as well.
void append_printable(std::string& line, std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at(i) == 0xc2 && at(i + 1) >= 0x80 && at(i + 1) < 0xa0) {
      fmt::format_to(std::back_inserter(line), "\\xc2\\x{:02x}", at(++i));
    } else if (at(i) < 0x20 || at(i) == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", at(i));
    } else {
      line.push_back(text[i]);
    }
  }
}

std::string make_line(std::string_view system, long pid, std::string_view text) {
  std::string line;
  line.reserve(text.size() + 64);
  const Format format = state().format;
  if (format == Format::standard) append_time(line);
  if (format != Format::none) fmt::format_to(std::back_inserter(line), "[{:<10} {:>6}] ", system, pid);
  append_printable(line, text);
  return line;
}

void report_drops() {
  auto& current = state();
  const std::size_t drops = current.pool->overrun_counter();
  if (drops == current.reported_drops.exchange(drops)) return;
  current.logger->log(spdlog::level::warn,
                      make_line(kRouter, ::getpid(), fmt::format("{} log lines were dropped so far", drops)));
}

}  // namespace

void start(const Options& options) {
  auto& current = state();
  const std::lock_guard lock(current.mutex);
  current.format = options.file.empty() ? options.format : Format::standard;
  std::vector<spdlog::sink_ptr> sinks;
  if (options.file.empty()) {
    sinks.push_back(make_stream_sink(stdout, spdlog::level::trace, spdlog::level::info, options.color));
    sinks.push_back(make_stream_sink(stderr, spdlog::level::warn, spdlog::level::critical, options.color));
  } else {
    sinks.push_back(make_file_sink(options.file));
  }
  current.pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  current.logger = std::make_shared<spdlog::async_logger>("crosspoint", sinks.begin(), sinks.end(), current.pool,
                                                          spdlog::async_overflow_policy::overrun_oldest);
  current.logger->set_level(spdlog::level::trace);
  detail::level.store(static_cast<int>(options.level));
}

void stop() {
  detail::level.store(static_cast<int>(Level::none));
  auto& current = state();
  const std::lock_guard lock(current.mutex);
  current.pool.reset();    // joins its thread once the queue is empty
  current.logger.reset();  // which has used it until then
}

bool parse_level(std::string_view text, Level& out) {
  constexpr std::array<std::pair<std::string_view, Level>, 6> kNames{{{"none", Level::none},
                                                                      {"error", Level::error},
                                                                      {"warn", Level::warn},
                                                                      {"info", Level::info},
                                                                      {"debug", Level::debug},
                                                                      {"trace", Level::trace}}};
  for (const auto& [name, level] : kNames) {
    if (name == text) {
      out = level;
      return true;
    }
  }
  return false;
}

void detail::write(Level severity, std::string_view system, long pid, std::string_view text) {
  auto& current = state();
  const std::shared_lock lock(current.mutex);
  if (!current.logger) return;
  current.logger->log(to_spdlog(severity), make_line(system, pid != 0 ? pid : ::getpid(), text));
  if (current.pool->overrun_counter() != current.reported_drops.load(std::memory_order_relaxed)) report_drops();
}

}  // namespace crosspoint::log
