#pragma once

#include <array>

#include "serializers/reader.hpp"
#include "serializers/scratch.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::serializers {

/// Reader of CBOR (RFC 8949), definite and indefinite lengths. Dictionary keys must be text, as WAMP demands. Tags are
/// passed over, but kind() does not know big numbers (tags 2 to 5).
class CborReader {
 public:
  static constexpr auto kEncoding = wamp::Encoding::cbor;

  CborReader(base::Bytes bytes, Scratch& scratch)
      : next_(bytes.data()), end_(next_ + bytes.size()), scratch_(scratch) {}

  Kind kind() const;
  bool enter_list() { return enter(kArray); }
  bool enter_dict() { return enter(kMap); }
  bool more();
  bool read_key(std::string_view& out) { return read_text(out); }
  bool read_uint(std::uint64_t& out);
  bool read_bool(bool& out);
  bool read_text(std::string_view& out);
  bool read_number(Number& out);
  bool read_binary(std::string_view& out);
  base::Bytes skip();
  bool ok() const { return !failed_; }
  bool at_end() const { return next_ == end_; }

 private:
  // Major types (RFC 8949, 3.1).
  enum Major : std::uint8_t { kUnsigned, kNegative, kByteString, kTextString, kArray, kMap, kTag, kSimple };
  static constexpr std::uint8_t kBreak = 0xff;
  /// Tags that one value may have. They nest as lists do, and other decoders take them by recursion, too.
  static constexpr int kMaxTags = 16;
  static constexpr std::uint64_t kIndefinite = ~std::uint64_t{0};

  struct Head {
    Major major;
    std::uint8_t info;       // the low five bits
    std::uint64_t argument;  // kIndefinite if info is 31
  };

  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }
  bool fail() {
    failed_ = true;
    return false;
  }
  bool enter(Major major);
  bool take_head(Head& out);
  bool take_bytes(std::uint64_t size, std::string_view& out);
  bool take_text(const Head& head, std::string_view& out);
  bool take_chunks(Major major, std::string* out);
  bool skip_tags();
  bool skip_value(int depth);
  bool skip_items(const Head& head, int depth);

  const std::uint8_t* next_;
  const std::uint8_t* end_;
  Scratch& scratch_;
  std::array<std::uint64_t, kReaderDepth> remaining_;  // items in those entered
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace crosspoint::serializers
