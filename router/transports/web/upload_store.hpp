#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "settings/file_services.hpp"

namespace crosspoint::transports::web {

/// A piece of a file that a client sends.
struct UploadChunk {
  std::string_view name;  ///< of the file; anything, as a client sent it
  std::uint64_t total_size = 0;
  std::uint64_t chunk_size = 0;    ///< of all chunks but the last one, which takes what is left
  std::uint64_t total_chunks = 0;  ///< from 1
  std::uint64_t number = 0;        ///< from 1
  std::string_view content;
};

/// What has become of it.
struct UploadOutcome {
  unsigned status = 200;  ///< of HTTP
  std::string problem{};
  bool first = false;          ///< of its file
  bool finished = false;       ///< the file is complete, under its name
  std::uint64_t received = 0;  ///< bytes of the file so far
};

/// The files being uploaded to one service. Chunks are written to their place in a temporary file, which is renamed
/// when all are there. What is unfinished is bounded in number and size, and does not outlive the program. For one
/// thread.
class UploadStore {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit UploadStore(const settings::Upload& settings) : settings_(settings) {}

  /// Makes the temporary directory and removes what an earlier run has left there. Returns what is wrong, or nothing.
  std::string open();
  UploadOutcome add(const UploadChunk& chunk, Time now);
  /// True if that chunk of an unfinished file is there.
  bool has(std::string_view name, std::uint64_t number) const;
  /// Removes the files that have had no chunk for too long.
  void remove_stale(Time now);
  std::size_t unfinished() const { return unfinished_.size(); }

 private:
  struct Unfinished {
    std::string path;
    std::uint64_t total_size = 0;
    std::uint64_t chunk_size = 0;
    std::vector<bool> chunks;  // those that are there
    std::uint64_t count = 0;   // of them
    std::uint64_t received = 0;
    Time touched;
  };
  using Files = std::map<std::string, Unfinished, std::less<>>;

  UploadOutcome check(const UploadChunk& chunk) const;
  UploadOutcome begin(const UploadChunk& chunk, Files::iterator& at);
  /// Returns what is wrong, or nothing.
  std::string write(const Unfinished& file, const UploadChunk& chunk) const;
  std::string finish(const std::string& name, const Unfinished& file) const;
  void remove(Files::iterator at);

  settings::Upload settings_;
  Files unfinished_;
  std::uint64_t reserved_ = 0;  // bytes of them all, when they are complete
  std::uint64_t made_ = 0;      // temporary files so far
};

}  // namespace crosspoint::transports::web
