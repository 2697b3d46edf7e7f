#include "base/log_sinks.hpp"

#include <fmt/chrono.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>

namespace crosspoint::log {
namespace {

// Only the log's one thread calls the sinks, so none of them locks.
using Base = spdlog::sinks::base_sink<spdlog::details::null_mutex>;

std::string_view color_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "\x1b[2m";
    case spdlog::level::warn:
      return "\x1b[33m";
    case spdlog::level::err:
    case spdlog::level::critical:
      return "\x1b[31m";
    default:
      return "";
  }
}

class StreamSink final : public Base {
 public:
  StreamSink(std::FILE* stream, spdlog::level::level_enum most, bool color)
      : stream_(stream), most_(most), color_(color) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (message.level > most_) return;
    const std::string_view start = color_ ? color_of(message.level) : "";
    std::fwrite(start.data(), 1, start.size(), stream_);
    std::fwrite(message.payload.data(), 1, message.payload.size(), stream_);
    if (!start.empty()) std::fputs("\x1b[0m", stream_);
    std::fputc('\n', stream_);
    std::fflush(stream_);
  }
  void flush_() override { std::fflush(stream_); }

  std::FILE* stream_;
  spdlog::level::level_enum most_;
  bool color_;
};

class FileSink final : public Base {
 public:
  explicit FileSink(std::string path) : path_(std::move(path)) {
    open();
    if (!file_) throw std::system_error(errno, std::generic_category(), path_);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string day = day_of(spdlog::log_clock::to_time_t(message.time));
    if (day != day_) rotate(day);
    if (!file_) return;  // the disk was full or the folder gone at the last rotation; tried again the next day
    std::fwrite(message.payload.data(), 1, message.payload.size(), file_.get());
    std::fputc('\n', file_.get());
    std::fflush(file_.get());
  }
  void flush_() override {
    if (file_) std::fflush(file_.get());
  }

  static std::string day_of(std::time_t time) { return fmt::format("{:%Y_%m_%d}", fmt::localtime(time)); }

  void open() {
    file_.reset(std::fopen(path_.c_str(), "ae"));
    day_ = day_of(std::time(nullptr));
  }
  void rotate(const std::string& day) {
    file_.reset();
    if (std::rename(path_.c_str(), (path_ + "." + day_).c_str()) != 0) {
      std::fprintf(stderr, "cannot rename the log file %s: going on in it\n", path_.c_str());
    }
    open();
    day_ = day;
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string day_;
};

}  // namespace

spdlog::sink_ptr make_stream_sink(std::FILE* stream, spdlog::level::level_enum least, spdlog::level::level_enum most,
                                  bool color) {
  auto sink = std::make_shared<StreamSink>(stream, most, color);
  sink->set_level(least);
  return sink;
}

spdlog::sink_ptr make_file_sink(const std::string& path) { return std::make_shared<FileSink>(path); }

}  // namespace crosspoint::log
