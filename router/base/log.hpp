#pragma once

#include <fmt/core.h>

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

/// The node's log. Any thread may write at any time: lines go through a bounded queue to one thread that does the
/// output, so that a slow terminal or disk never holds up routing (the oldest waiting lines give way, and a line says
/// how many). Nothing is logged before start().
namespace crosspoint::log {

enum class Level : int { trace, debug, info, warn, error, none };

/// Line formats of `--logformat`: `standard` is "<ISO time> [<system> <pid>] <text>", `syslogd` leaves out the time,
/// `none` everything but the text.
enum class Format { standard, syslogd, none };

struct Options {
  Level level = Level::info;
  Format format = Format::standard;
  bool color = false;
  /// Write all levels to this file in standard format, a new one each day (the old one is renamed to
  /// FILE.YYYY_MM_DD), and nothing to the terminal. Empty: info and below to stdout, the rest to stderr.
  std::string file;
};

/// Starts the output. Throws std::system_error if the file cannot be opened. Call once, before the threads start.
void start(const Options& options);
/// Writes what is queued and ends the output.
void stop();

namespace detail {
extern std::atomic<int> level;
void write(Level severity, std::string_view system, long pid, std::string_view text);
}  // namespace detail

inline bool enabled(Level level) { return static_cast<int>(level) >= detail::level.load(std::memory_order_relaxed); }
/// Parses a value of `--loglevel`; false if it is none of them.
bool parse_level(std::string_view text, Level& out);

/// A line of this process, from the part of it that `system` names (Controller, Router).
template <class... Arguments>
void write(Level level, std::string_view system, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!enabled(level)) return;
  detail::write(level, system, 0, fmt::format(format, std::forward<Arguments>(arguments)...));
}
/// A line that another process wrote, a guest say.
inline void write_for(Level level, std::string_view system, long pid, std::string_view text) {
  if (enabled(level)) detail::write(level, system, pid, text);
}

inline constexpr std::string_view kRouter = "Router";

template <class... Arguments>
void trace(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(Level::trace, kRouter, format, std::forward<Arguments>(arguments)...);
}
template <class... Arguments>
void debug(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(Level::debug, kRouter, format, std::forward<Arguments>(arguments)...);
}
template <class... Arguments>
void info(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(Level::info, kRouter, format, std::forward<Arguments>(arguments)...);
}
template <class... Arguments>
void warn(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(Level::warn, kRouter, format, std::forward<Arguments>(arguments)...);
}
template <class... Arguments>
void error(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  write(Level::error, kRouter, format, std::forward<Arguments>(arguments)...);
}

}  // namespace crosspoint::log
