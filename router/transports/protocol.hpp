#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/chunk.hpp"

namespace crosspoint::transports {

/// What a Stream carries: HTTP, and after an upgrade WebSocket. A stream owns its protocol and calls it on the stream's
/// thread. A protocol may close its stream or replace itself at any time; the stream keeps it alive until the end of
/// the turn.
class Protocol {
 public:
  virtual ~Protocol() = default;

  /// Bytes have arrived; base::IoThread::kReadPadding more are readable behind them. May change them in place.
  /// Returns how many are done with; the rest is given again, with more behind. `owner` is set if the bytes may be
  /// kept by keeping it.
  virtual std::size_t on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) = 0;

  /// How many bytes, counted from the first one not done with, on_bytes needs to get on; 0 if it does not know.
  virtual std::size_t bytes_wanted() const { return 0; }

  /// The queue is about to be written: the moment to append what was gathered for it. Only called for protocols that
  /// asked for it (Stream::ask_before_writing).
  virtual void before_writing() {}

  /// All that was queued has been handed to the kernel.
  virtual void on_drained() {}

  /// The stream is closed, for the reason given, by whichever side. The last call.
  virtual void on_closed(std::string_view reason) = 0;
};

}  // namespace crosspoint::transports
