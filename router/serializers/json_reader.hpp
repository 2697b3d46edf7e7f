#pragma once

#include <array>

#include "serializers/reader.hpp"
#include "serializers/scratch.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::serializers {

/// Reader of JSON (RFC 8259). The bytes must be valid UTF-8: whoever makes the reader has checked that.
class JsonReader {
 public:
  static constexpr auto kEncoding = wamp::Encoding::json;

  JsonReader(base::Bytes bytes, Scratch& scratch)
      : next_(reinterpret_cast<const char*>(bytes.data())), end_(next_ + bytes.size()), scratch_(scratch) {
    skip_space();
  }

  Kind kind() const;
  bool enter_list() { return enter('['); }
  bool enter_dict() { return enter('{'); }
  bool more();
  bool read_key(std::string_view& out);
  bool read_uint(std::uint64_t& out);
  bool read_bool(bool& out);
  bool read_text(std::string_view& out);
  bool read_number(Number& out);
  /// JSON has no binary values; kind() never says so.
  bool read_binary(std::string_view&) { return fail(); }
  /// Between two values that stand outside of a list, as the elements of a payload do.
  bool comma();
  base::Bytes skip();
  bool ok() const { return !failed_; }
  bool at_end() const { return next_ == end_; }

 private:
  bool fail() {
    failed_ = true;
    return false;
  }
  void skip_space() {
    while (next_ != end_ && (*next_ == ' ' || *next_ == '\n' || *next_ == '\r' || *next_ == '\t')) ++next_;
  }
  bool enter(char opening);
  bool more_before(char closing);
  bool expect(char wanted);
  bool literal(std::string_view word);
  /// Moves behind the closing quote of the string whose opening quote is next; says where the text between stands.
  bool skip_string(std::string_view& text, bool& escaped);
  bool skip_escape();
  bool skip_number();
  bool skip_value(int depth);
  bool skip_list(int depth);
  bool skip_dict(int depth);
  bool unescape(std::string_view text, std::string& out);

  const char* next_;
  const char* end_;
  Scratch& scratch_;
  std::array<char, kReaderDepth> closing_;  // of those entered
  int depth_ = 0;
  bool first_ = false;  // no item of the innermost list or dictionary has been read
  bool failed_ = false;
};

}  // namespace crosspoint::serializers
