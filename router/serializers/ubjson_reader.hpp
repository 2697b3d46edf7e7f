#pragma once

#include <array>

#include "serializers/reader.hpp"
#include "serializers/scratch.hpp"
#include "serializers/ubjson_cursor.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::serializers {

/// Reader of UBJSON (draft 12). Binary values are lists of unsigned bytes with type and number in front, as Autobahn
/// writes them.
class UbjsonReader {
 public:
  static constexpr auto kEncoding = wamp::Encoding::ubjson;

  UbjsonReader(base::Bytes bytes, Scratch&) : at_{bytes.data(), bytes.data() + bytes.size()} {}

  Kind kind() const;
  bool enter_list() { return enter('['); }
  bool enter_dict() { return enter('{'); }
  bool more();
  bool read_key(std::string_view& out) { return (!failed_ && at_.text(out)) || fail(); }
  bool read_uint(std::uint64_t& out);
  bool read_bool(bool& out);
  bool read_text(std::string_view& out);
  bool read_number(Number& out);
  bool read_binary(std::string_view& out);
  base::Bytes skip();
  bool ok() const { return !failed_; }
  bool at_end() const { return at_.next == at_.end; }

 private:
  struct Level {        // of a list or dictionary entered
    std::size_t left;   // items; UbjsonCursor::Container::kOpen: a bracket ends it
    std::uint8_t type;  // of all items; 0: each has its own
    std::uint8_t closing;
  };

  bool fail() {
    failed_ = true;
    return false;
  }
  /// The type that all items of the innermost container have; 0 if each says its own.
  std::uint8_t common_type() const { return depth_ > 0 ? levels_[static_cast<std::size_t>(depth_ - 1)].type : 0; }
  /// The type of the next value: of its marker, or of all items of the container.
  bool take_type(std::uint8_t& out);
  bool enter(std::uint8_t opening);
  bool skip_typed(std::uint8_t type, int depth);
  bool skip_items(bool dict, int depth);

  UbjsonCursor at_;
  std::array<Level, kReaderDepth> levels_;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace crosspoint::serializers
