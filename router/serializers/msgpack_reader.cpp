#include "serializers/msgpack_reader.hpp"

#include "serializers/integral.hpp"

namespace crosspoint::serializers {

Kind MsgpackReader::kind() const {
  if (failed_ || next_ == end_) return Kind::invalid;
  const std::uint8_t lead = *next_;
  if (lead <= 0x7f || lead >= 0xe0) return Kind::integer;
  if (lead <= 0x8f) return Kind::dict;
  if (lead <= 0x9f) return Kind::list;
  if (lead <= 0xbf) return Kind::text;
  switch (lead) {
    case 0xc0:
      return Kind::null;
    case 0xc2:
    case 0xc3:
      return Kind::boolean;
    case 0xca:
    case 0xcb:
      return Kind::number;
    case 0xd9:
    case 0xda:
    case 0xdb:
      return Kind::text;
    case 0xdc:
    case 0xdd:
      return Kind::list;
    case 0xde:
    case 0xdf:
      return Kind::dict;
    case 0xc1:
      return Kind::invalid;
    case 0xd4:  // msgpackr's form of undefined is an extension of type 0 with a zero in it
      return left() >= 3 && next_[1] == 0 && next_[2] == 0 ? Kind::null : Kind::binary;
    default:
      return lead >= 0xcc && lead <= 0xd3 ? Kind::integer : Kind::binary;
  }
}

bool MsgpackReader::take(std::size_t size, const std::uint8_t*& at) {
  if (left() < size) return fail();
  at = next_;
  next_ += size;
  return true;
}

bool MsgpackReader::take_number(std::size_t size, std::uint64_t& out) {
  const std::uint8_t* at = nullptr;
  if (!take(size, at)) return false;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | at[i];
  out = number;
  return true;
}

bool MsgpackReader::take_length(std::size_t size_bytes, std::size_t& out) {
  std::uint64_t number = 0;
  if (!take_number(size_bytes, number)) return false;
  out = number;
  return true;
}

bool MsgpackReader::enter(std::uint64_t items) {
  if (depth_ == kReaderDepth) return fail();
  remaining_[static_cast<std::size_t>(depth_++)] = items;
  return true;
}

bool MsgpackReader::enter_list() {
  if (failed_ || next_ == end_) return fail();
  const std::uint8_t lead = *next_++;
  if ((lead & 0xf0) == 0x90) return enter(lead & 15);
  std::uint64_t count = 0;
  if (lead != 0xdc && lead != 0xdd) return fail();
  return take_number(lead == 0xdc ? 2 : 4, count) && enter(count);
}

bool MsgpackReader::enter_dict() {
  if (failed_ || next_ == end_) return fail();
  const std::uint8_t lead = *next_++;
  if ((lead & 0xf0) == 0x80) return enter(lead & 15);
  std::uint64_t count = 0;
  if (lead != 0xde && lead != 0xdf) return fail();
  return take_number(lead == 0xde ? 2 : 4, count) && enter(count);
}

bool MsgpackReader::read_uint(std::uint64_t& out) {
  if (failed_ || next_ == end_) return fail();
  const std::uint8_t lead = *next_++;
  if (lead <= 0x7f) {
    out = lead;
    return true;
  }
  if (lead >= 0xcc && lead <= 0xcf) return take_number(std::size_t{1} << (lead - 0xcc), out);
  if (lead >= 0xd0 && lead <= 0xd3) {  // signed types may carry positive numbers
    const unsigned size = 1U << (lead - 0xd0);
    if (!take_number(size, out)) return false;
    return (out >> (size * 8 - 1)) == 0 ? true : fail();
  }
  if (lead != 0xcb) return fail();
  std::uint64_t bits = 0;  // JavaScript encoders write integers beyond 32 bits as doubles
  return take_number(8, bits) && to_integer(std::bit_cast<double>(bits), out) ? true : fail();
}

bool MsgpackReader::read_bool(bool& out) {
  if (failed_ || next_ == end_ || (*next_ & 0xfe) != 0xc2) return fail();
  out = *next_++ == 0xc3;
  return true;
}

bool MsgpackReader::take_text_length(std::uint8_t lead, std::size_t& out) {
  if ((lead & 0xe0) == 0xa0) {
    out = lead & 31;
    return true;
  }
  if (lead < 0xd9 || lead > 0xdb) return fail();
  return take_length(std::size_t{1} << (lead - 0xd9), out);
}

bool MsgpackReader::read_text(std::string_view& out) {
  if (failed_ || next_ == end_) return fail();
  std::size_t size = 0;
  const std::uint8_t* at = nullptr;
  if (!take_text_length(*next_++, size) || !take(size, at)) return false;
  out = {reinterpret_cast<const char*>(at), size};
  return is_utf8(out) ? true : fail();
}

bool MsgpackReader::read_number(Number& out) {
  if (failed_ || next_ == end_) return fail();
  const std::uint8_t lead = *next_++;
  std::uint64_t bits = 0;
  if (lead <= 0x7f) {
    out = {.natural = lead};
    return true;
  }
  if (lead >= 0xe0) {
    out = {.is = Number::Is::negative, .negative = static_cast<std::int8_t>(lead)};
    return true;
  }
  if (lead == 0xca || lead == 0xcb) {
    if (!take_number(lead == 0xca ? 4 : 8, bits)) return false;
    const double real = lead == 0xcb ? std::bit_cast<double>(bits)
                                     : static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    out = {.is = Number::Is::real, .real = real};
    return true;
  }
  if (lead < 0xcc || lead > 0xd3) return fail();
  const std::size_t size = std::size_t{1} << (lead & 3);
  if (!take_number(size, bits)) return false;
  const unsigned unused = 64 - 8 * static_cast<unsigned>(size);
  const auto whole = static_cast<std::int64_t>(bits << unused) >> unused;
  if (lead <= 0xcf || whole >= 0) {
    out = {.natural = bits};
  } else {
    out = {.is = Number::Is::negative, .negative = whole};
  }
  return true;
}

bool MsgpackReader::read_binary(std::string_view& out) {
  if (failed_ || next_ == end_) return fail();
  const std::uint8_t lead = *next_++;
  std::size_t size = std::size_t{1} << ((lead - 0xd4) & 7);  // fixext
  const bool counted = lead >= 0xc4 && lead <= 0xc9;
  if (!counted && (lead < 0xd4 || lead > 0xd8)) return fail();
  if (counted && !take_length(std::size_t{1} << ((lead - 0xc4) % 3), size)) return false;
  const std::uint8_t* at = nullptr;
  const bool extension = lead >= 0xc7;
  if ((extension && !take(1, at)) || !take(size, at)) return false;
  out = {reinterpret_cast<const char*>(at), size};
  return true;
}

base::Bytes MsgpackReader::skip() {
  const std::uint8_t* start = next_;
  if (failed_ || !skip_value(0)) return {};
  return {start, next_};
}

bool MsgpackReader::skip_bytes(std::uint64_t size) {
  if (left() < size) return fail();
  next_ += size;
  return true;
}

bool MsgpackReader::skip_items(std::uint64_t count, bool dict, int depth) {
  if (depth >= kMaxDepth || count > left()) return fail();  // each item is at least a byte
  std::string_view key;
  for (; count > 0; --count) {
    if ((dict && !read_text(key)) || !skip_value(depth + 1)) return false;
  }
  return true;
}

bool MsgpackReader::skip_value(int depth) {
  if (next_ == end_) return fail();
  const std::uint8_t lead = *next_;
  if (lead <= 0x7f || lead >= 0xe0) {
    ++next_;
    return true;
  }
  std::string_view text;
  if (lead >= 0xa0 && lead <= 0xbf) return read_text(text);
  ++next_;
  if (lead <= 0x8f) return skip_items(lead & 15, true, depth);
  if (lead <= 0x9f) return skip_items(lead & 15, false, depth);
  std::uint64_t size = 0;
  switch (lead) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:  // bin
      return take_number(std::size_t{1} << (lead - 0xc4), size) && skip_bytes(size);
    case 0xc7:
    case 0xc8:
    case 0xc9:  // ext: length, type, data
      return take_number(std::size_t{1} << (lead - 0xc7), size) && skip_bytes(size + 1);
    case 0xca:
      return skip_bytes(4);
    case 0xcb:
      return skip_bytes(8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return skip_bytes(std::uint64_t{1} << (lead - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return skip_bytes(std::uint64_t{1} << (lead - 0xd0));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:  // fixext: type, data
      return skip_bytes((std::uint64_t{1} << (lead - 0xd4)) + 1);
    case 0xd9:
    case 0xda:
    case 0xdb:
      --next_;
      return read_text(text);
    case 0xdc:
    case 0xdd:
      return take_number(lead == 0xdc ? 2 : 4, size) && skip_items(size, false, depth);
    case 0xde:
    case 0xdf:
      return take_number(lead == 0xde ? 2 : 4, size) && skip_items(size, true, depth);
    default:
      return fail();  // 0xc1 is never used
  }
}

}  // namespace crosspoint::serializers
