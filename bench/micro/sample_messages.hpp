#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::bench {

enum class Sample { publish, call, event, publish_128k };

/// A message as a client or router of that serializer sends it. The small ones carry a list of three values and a
/// dictionary of two, about 100 bytes; publish_128k carries a text of 128 KiB.
class SampleMessage {
 public:
  SampleMessage(Sample sample, wamp::Encoding encoding);

  base::Bytes bytes() const { return {bytes_.data(), size_}; }
  /// Bytes with room behind them, as in the buffers that connections read into.
  const std::vector<std::uint8_t>& padded() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t size_;
};

}  // namespace crosspoint::bench
