#pragma once

#include <spdlog/sinks/sink.h>

#include <string>

namespace crosspoint::log {

/// Lines of level `least` to `most` to a standard stream (stdout or stderr).
spdlog::sink_ptr make_stream_sink(std::FILE* stream, spdlog::level::level_enum least, spdlog::level::level_enum most,
                                  bool color);

/// All lines to a file that is renamed to FILE.YYYY_MM_DD when the local day has changed. Throws std::system_error.
spdlog::sink_ptr make_file_sink(const std::string& path);

}  // namespace crosspoint::log
