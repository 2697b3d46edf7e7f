#pragma once

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include "serializers/write_buffer.hpp"
#include "wamp/payload.hpp"

/// Writers with the same functions: JSON, MessagePack, CBOR and UBJSON. The counts given to begin_list and begin_dict
/// must be kept; begin and end must nest. Where the count is only known at the end, open() begins and close() ends.
namespace crosspoint::serializers {

class JsonWriter {
 public:
  static constexpr auto kEncoding = wamp::Encoding::json;
  explicit JsonWriter(WriteBuffer& out) : out_(out) {}

  void begin_list(std::size_t) { open('['); }
  void end_list() { close(']'); }
  void begin_dict(std::size_t) { open('{'); }
  void end_dict() { close('}'); }
  void key(std::string_view name) {
    text(name);
    out_.push(':');
    comma_ = false;
  }
  void number(std::uint64_t value) {
    separate();
    auto* start = reinterpret_cast<char*>(out_.reserve(20));
    out_.advance(static_cast<std::size_t>(std::to_chars(start, start + 20, value).ptr - start));
  }
  void negative(std::int64_t value) {
    separate();
    auto* start = reinterpret_cast<char*>(out_.reserve(20));
    out_.advance(static_cast<std::size_t>(std::to_chars(start, start + 20, value).ptr - start));
  }
  /// JSON has no infinities and no "not a number": they become null.
  void real(double value);
  void null() { raw(base::as_bytes("null")); }
  void boolean(bool value) { raw(base::as_bytes(value ? "true" : "false")); }
  void text(std::string_view value);
  /// As a string that begins with U+0000 and goes on in base64 ("Binary conversion of JSON Strings").
  void binary(std::string_view value);
  std::size_t open(bool dict) {
    dict ? begin_dict(0) : begin_list(0);
    return 0;
  }
  void close(std::size_t, bool dict, std::size_t) { dict ? end_dict() : end_list(); }
  void raw(base::Bytes value) {
    separate();
    out_.append(value);
  }
  /// Goes on after the bytes of a payload are put here by somebody else.
  void begin_payload() { separate(); }
  static std::string_view tail() { return "]"; }

 private:
  void separate() {
    if (comma_) out_.push(',');
    comma_ = true;
  }
  void open(char bracket) {
    separate();
    out_.push(static_cast<std::uint8_t>(bracket));
    comma_ = false;
  }
  void close(char bracket) {
    out_.push(static_cast<std::uint8_t>(bracket));
    comma_ = true;
  }

  WriteBuffer& out_;
  bool comma_ = false;
};

/// What MessagePack and CBOR have in common: lengths first, nothing at the end.
class BinaryWriter {
 public:
  void end_list() {}
  void end_dict() {}
  void raw(base::Bytes value) { out_.append(value); }
  void begin_payload() {}
  static std::string_view tail() { return ""; }
  std::size_t open(bool) {
    out_.push(0);  // the head, if a byte is enough for it
    return out_.size() - 1;
  }

 protected:
  static constexpr std::size_t kLongestHead = 9;

  /// As a single where that loses nothing, which saves half of the bytes.
  void put_real(double value, std::uint8_t lead_single, std::uint8_t lead_double) {
    const auto single = static_cast<float>(value);
    if (static_cast<double>(single) == value) return put(lead_single, std::bit_cast<std::uint32_t>(single), 4);
    put(lead_double, std::bit_cast<std::uint64_t>(value), 8);
  }
  /// Puts what `write_head` writes where open() left a byte for it.
  template <class WriteHead>
  void put_head(std::size_t start, WriteHead&& write_head) {
    std::array<std::uint8_t, kLongestHead> head;
    const std::size_t end = out_.size();
    write_head();
    const std::size_t size = out_.size() - end;
    std::memcpy(head.data(), out_.data() + end, size);
    out_.cut(end);
    if (size > 1) out_.insert(start, size - 1);
    std::memcpy(out_.data() + start, head.data(), size);
  }
  explicit BinaryWriter(WriteBuffer& out) : out_(out) {}
  /// `lead` and the low `size` bytes of `value`, big-endian.
  void put(std::uint8_t lead, std::uint64_t value, std::size_t size) {
    std::uint8_t* at = out_.reserve(9);
    *at++ = lead;
    for (std::size_t i = size; i-- > 0;) *at++ = static_cast<std::uint8_t>(value >> (8 * i));
    out_.advance(size + 1);
  }
  WriteBuffer& out_;
};

class MsgpackWriter : public BinaryWriter {
 public:
  static constexpr auto kEncoding = wamp::Encoding::msgpack;
  explicit MsgpackWriter(WriteBuffer& out) : BinaryWriter(out) {}

  void begin_list(std::size_t count) { counted(count, 0x90, 15, 0xdc); }
  void begin_dict(std::size_t count) { counted(count, 0x80, 15, 0xde); }
  void key(std::string_view name) { text(name); }
  void number(std::uint64_t value) {
    if (value < 0x80) return out_.push(static_cast<std::uint8_t>(value));
    if (value <= 0xff) return put(0xcc, value, 1);
    if (value <= 0xffff) return put(0xcd, value, 2);
    if (value <= 0xffffffff) return put(0xce, value, 4);
    put(0xcf, value, 8);
  }
  void negative(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0) return number(bits);
    if (value >= -32) return out_.push(static_cast<std::uint8_t>(value));
    if (value >= INT8_MIN) return put(0xd0, bits, 1);
    if (value >= INT16_MIN) return put(0xd1, bits, 2);
    if (value >= INT32_MIN) return put(0xd2, bits, 4);
    put(0xd3, bits, 8);
  }
  void real(double value) { put_real(value, 0xca, 0xcb); }
  void null() { out_.push(0xc0); }
  void boolean(bool value) { out_.push(value ? 0xc3 : 0xc2); }
  void binary(std::string_view value) {
    if (value.size() <= 0xff) {
      put(0xc4, value.size(), 1);
    } else if (value.size() <= 0xffff) {
      put(0xc5, value.size(), 2);
    } else {
      put(0xc6, value.size(), 4);
    }
    out_.append(value);
  }
  void close(std::size_t start, bool dict, std::size_t count) {
    put_head(start, [&] { dict ? begin_dict(count) : begin_list(count); });
  }
  void text(std::string_view value) {
    if (value.size() > 31 && value.size() <= 0xff) {
      put(0xd9, value.size(), 1);
    } else {
      counted(value.size(), 0xa0, 31, 0xda);
    }
    out_.append(value);
  }

 private:
  void counted(std::size_t count, std::uint8_t fix, std::size_t fix_most, std::uint8_t lead16) {
    if (count <= fix_most) return out_.push(static_cast<std::uint8_t>(fix | count));
    if (count <= 0xffff) return put(lead16, count, 2);
    put(static_cast<std::uint8_t>(lead16 + 1), count, 4);
  }
};

class CborWriter : public BinaryWriter {
 public:
  static constexpr auto kEncoding = wamp::Encoding::cbor;
  explicit CborWriter(WriteBuffer& out) : BinaryWriter(out) {}

  void begin_list(std::size_t count) { head(0x80, count); }
  void begin_dict(std::size_t count) { head(0xa0, count); }
  void key(std::string_view name) { text(name); }
  void number(std::uint64_t value) { head(0x00, value); }
  void negative(std::int64_t value) {
    if (value >= 0) return number(static_cast<std::uint64_t>(value));
    head(0x20, ~static_cast<std::uint64_t>(value));
  }
  void real(double value) { put_real(value, 0xfa, 0xfb); }
  void null() { out_.push(0xf6); }
  void boolean(bool value) { out_.push(value ? 0xf5 : 0xf4); }
  void binary(std::string_view value) {
    head(0x40, value.size());
    out_.append(value);
  }
  void close(std::size_t start, bool dict, std::size_t count) {
    put_head(start, [&] { dict ? begin_dict(count) : begin_list(count); });
  }
  void text(std::string_view value) {
    head(0x60, value.size());
    out_.append(value);
  }

 private:
  void head(std::uint8_t major, std::uint64_t value) {
    if (value < 24) return out_.push(static_cast<std::uint8_t>(major | value));
    if (value <= 0xff) return put(major | 24, value, 1);
    if (value <= 0xffff) return put(major | 25, value, 2);
    if (value <= 0xffffffff) return put(major | 26, value, 4);
    put(major | 27, value, 8);
  }
};

class UbjsonWriter {
 public:
  static constexpr auto kEncoding = wamp::Encoding::ubjson;
  explicit UbjsonWriter(WriteBuffer& out) : out_(out) {}

  void begin_list(std::size_t) { out_.push('['); }
  void end_list() { out_.push(']'); }
  void begin_dict(std::size_t) { out_.push('{'); }
  void end_dict() { out_.push('}'); }
  void key(std::string_view name) {
    number(name.size());
    out_.append(name);
  }
  void number(std::uint64_t value);
  void negative(std::int64_t value);
  /// UBJSON has no infinities and no "not a number": they become null.
  void real(double value);
  void null() { out_.push('Z'); }
  void boolean(bool value) { out_.push(value ? 'T' : 'F'); }
  /// As a list of unsigned bytes with type and number in front.
  void binary(std::string_view value) {
    out_.append("[$U#");
    key(value);
  }
  std::size_t open(bool dict) {
    out_.push(dict ? '{' : '[');
    return 0;
  }
  void close(std::size_t, bool dict, std::size_t) { out_.push(dict ? '}' : ']'); }
  void text(std::string_view value) {
    out_.push('S');
    key(value);
  }
  void raw(base::Bytes value) { out_.append(value); }
  void begin_payload() {}
  static std::string_view tail() { return "]"; }

 private:
  /// `type` and the low `size` bytes of `value`, big-endian.
  void put(char type, std::uint64_t value, std::size_t size);

  WriteBuffer& out_;
};

}  // namespace crosspoint::serializers
