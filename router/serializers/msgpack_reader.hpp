#pragma once

#include <array>
#include <bit>
#include <cstring>

#include "serializers/reader.hpp"
#include "serializers/scratch.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::serializers {

/// Reader of MessagePack (https://msgpack.org, the 2013 specification with str, bin and ext). Dictionary keys must be
/// strings, as WAMP demands.
class MsgpackReader {
 public:
  static constexpr auto kEncoding = wamp::Encoding::msgpack;

  MsgpackReader(base::Bytes bytes, Scratch&) : next_(bytes.data()), end_(next_ + bytes.size()) {}

  Kind kind() const;
  bool enter_list();
  bool enter_dict();
  bool more() {
    if (failed_ || depth_ == 0) return false;
    std::uint64_t& remaining = remaining_[static_cast<std::size_t>(depth_ - 1)];
    if (remaining == 0) {
      --depth_;
      return false;
    }
    --remaining;
    return true;
  }
  bool read_key(std::string_view& out) { return read_text(out); }
  bool read_uint(std::uint64_t& out);
  bool read_bool(bool& out);
  bool read_text(std::string_view& out);
  bool read_number(Number& out);
  /// Also the data of an extension, whose type is lost.
  bool read_binary(std::string_view& out);
  base::Bytes skip();
  bool ok() const { return !failed_; }
  bool at_end() const { return next_ == end_; }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }
  bool fail() {
    failed_ = true;
    return false;
  }
  bool enter(std::uint64_t items);
  bool take(std::size_t size, const std::uint8_t*& at);
  /// A big-endian number of 1, 2, 4 or 8 bytes.
  bool take_number(std::size_t size, std::uint64_t& out);
  bool take_length(std::size_t size_bytes, std::size_t& out);
  bool take_text_length(std::uint8_t lead, std::size_t& out);
  bool skip_value(int depth);
  bool skip_bytes(std::uint64_t size);
  bool skip_items(std::uint64_t count, bool dict, int depth);

  const std::uint8_t* next_;
  const std::uint8_t* end_;
  std::array<std::uint64_t, kReaderDepth> remaining_;  // items in those entered
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace crosspoint::serializers
