#include "serializers/cbor_reader.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "serializers/integral.hpp"

namespace crosspoint::serializers {
namespace {

/// Half precision (RFC 8949, appendix D): a sign, five bits of exponent, ten of fraction.
double half_to_double(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const double fraction = half & 1023;
  double value = 0;
  if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else if (exponent < 31) {
    value = std::ldexp(fraction + 1024, exponent - 25);
  } else {
    value = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  return half >> 15 != 0 ? -value : value;
}

}  // namespace

Kind CborReader::kind() const {
  const std::uint8_t* at = next_;
  while (at != end_ && *at >> 5 == kTag) {  // a tag's number follows in 0, 1, 2, 4 or 8 bytes
    const unsigned info = *at & 31;
    const std::size_t size = info < 24 ? 0 : std::size_t{1} << ((info - 24) & 3);
    if (static_cast<std::size_t>(end_ - at) <= size + 1) return Kind::invalid;
    std::uint64_t tag = size == 0 ? info : 0;
    for (std::size_t i = 1; i <= size; ++i) tag = tag << 8 | at[i];
    if (tag >= 2 && tag <= 5) return Kind::invalid;  // big integers, decimal fractions, big floats
    at += size + 1;
  }
  if (failed_ || at == end_) return Kind::invalid;
  switch (*at >> 5) {
    case kUnsigned:
    case kNegative:
      return Kind::integer;
    case kByteString:
      return Kind::binary;
    case kTextString:
      return Kind::text;
    case kArray:
      return Kind::list;
    case kMap:
      return Kind::dict;
    default:
      break;
  }
  switch (*at & 31) {
    case 20:
    case 21:
      return Kind::boolean;
    case 22:
    case 23:
      return Kind::null;
    case 25:
    case 26:
    case 27:
      return Kind::number;
    default:
      return Kind::invalid;
  }
}

bool CborReader::take_head(Head& out) {
  if (failed_ || next_ == end_) return fail();
  const std::uint8_t initial = *next_++;
  out = {static_cast<Major>(initial >> 5), static_cast<std::uint8_t>(initial & 31), 0};
  if (out.info < 24) {
    out.argument = out.info;
    return true;
  }
  if (out.info == 31) {
    out.argument = kIndefinite;
    return out.major >= kByteString && out.major != kTag ? true : fail();
  }
  if (out.info > 27) return fail();
  const std::size_t size = std::size_t{1} << (out.info - 24);
  if (left() < size) return fail();
  for (std::size_t i = 0; i < size; ++i) out.argument = out.argument << 8 | *next_++;
  return out.argument != kIndefinite || out.major == kUnsigned || out.major == kSimple ? true : fail();
}

bool CborReader::skip_tags() {
  Head head{};
  for (int tags = 0; next_ != end_ && *next_ >> 5 == kTag; ++tags) {
    if (tags == kMaxTags || !take_head(head)) return fail();
  }
  return true;
}

bool CborReader::enter(Major major) {
  Head head{};
  if (!skip_tags() || !take_head(head) || head.major != major || depth_ == kReaderDepth) return fail();
  remaining_[static_cast<std::size_t>(depth_++)] = head.argument;
  return true;
}

bool CborReader::more() {
  if (failed_ || depth_ == 0) return false;
  std::uint64_t& remaining = remaining_[static_cast<std::size_t>(depth_ - 1)];
  if (remaining == kIndefinite) {
    if (next_ == end_) return fail();
    if (*next_ != kBreak) return true;
    ++next_;
    remaining = 0;
  }
  if (remaining == 0) {
    --depth_;
    return false;
  }
  --remaining;
  return true;
}

bool CborReader::read_uint(std::uint64_t& out) {
  Head head{};
  if (!skip_tags() || !take_head(head)) return false;
  if (head.major == kUnsigned) {
    out = head.argument;
    return true;
  }
  if (head.major != kSimple) return fail();
  // JavaScript encoders write integers beyond 32 bits as doubles, or as singles where that loses nothing.
  if (head.info == 27) return to_integer(std::bit_cast<double>(head.argument), out) ? true : fail();
  if (head.info != 26) return fail();
  const float single = std::bit_cast<float>(static_cast<std::uint32_t>(head.argument));
  return to_integer(static_cast<double>(single), out) ? true : fail();
}

bool CborReader::read_bool(bool& out) {
  if (failed_ || !skip_tags() || next_ == end_ || (*next_ != 0xf4 && *next_ != 0xf5)) return fail();
  out = *next_++ == 0xf5;
  return true;
}

bool CborReader::take_bytes(std::uint64_t size, std::string_view& out) {
  if (left() < size) return fail();
  out = {reinterpret_cast<const char*>(next_), static_cast<std::size_t>(size)};
  next_ += size;
  return true;
}

bool CborReader::take_chunks(Major major, std::string* out) {
  Head head{};
  std::string_view piece;
  for (;;) {
    if (next_ == end_) return fail();
    if (*next_ == kBreak) {
      ++next_;
      return true;
    }
    if (!take_head(head) || head.major != major || head.info == 31 || !take_bytes(head.argument, piece)) return fail();
    if (major == kTextString && !is_utf8(piece)) return fail();  // each chunk must be valid by itself
    if (out != nullptr) out->append(piece);
  }
}

bool CborReader::take_text(const Head& head, std::string_view& out) {
  if (head.info != 31) return take_bytes(head.argument, out) && is_utf8(out) ? true : fail();
  std::string& whole = scratch_.add();
  if (!take_chunks(kTextString, &whole)) return false;
  out = whole;
  return true;
}

bool CborReader::read_text(std::string_view& out) {
  Head head{};
  if (!skip_tags() || !take_head(head) || head.major != kTextString) return fail();
  return take_text(head, out);
}

bool CborReader::read_number(Number& out) {
  Head head{};
  if (!skip_tags() || !take_head(head)) return false;
  if (head.major == kUnsigned) {
    out = {.natural = head.argument};
    return true;
  }
  if (head.major == kNegative) {  // -1 - argument
    if (head.argument >> 63 != 0) return fail();
    out = {.is = Number::Is::negative, .negative = -1 - static_cast<std::int64_t>(head.argument)};
    return true;
  }
  if (head.major != kSimple || head.info < 25 || head.info > 27) return fail();
  double real = std::bit_cast<double>(head.argument);
  if (head.info == 26) real = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(head.argument)));
  if (head.info == 25) real = half_to_double(static_cast<std::uint16_t>(head.argument));
  out = {.is = Number::Is::real, .real = real};
  return true;
}

bool CborReader::read_binary(std::string_view& out) {
  Head head{};
  if (!skip_tags() || !take_head(head) || head.major != kByteString) return fail();
  if (head.info != 31) return take_bytes(head.argument, out);
  std::string& whole = scratch_.add();
  if (!take_chunks(kByteString, &whole)) return false;
  out = whole;
  return true;
}

base::Bytes CborReader::skip() {
  const std::uint8_t* start = next_;
  if (failed_ || !skip_value(0)) return {};
  return {start, next_};
}

bool CborReader::skip_items(const Head& head, int depth) {
  const bool dict = head.major == kMap;
  if (depth >= kMaxDepth || (head.info != 31 && head.argument > left())) return fail();
  Head key{};
  std::string_view text;
  for (std::uint64_t done = 0; done < head.argument; ++done) {
    if (head.info == 31) {
      if (next_ == end_) return fail();
      if (*next_ == kBreak) {
        ++next_;
        return true;
      }
    }
    if (dict) {
      if (!skip_tags() || !take_head(key) || key.major != kTextString) return fail();
      if (key.info == 31 ? !take_chunks(kTextString, nullptr) : !take_text(key, text)) return false;
    }
    if (!skip_value(depth + 1)) return false;
  }
  return true;
}

bool CborReader::skip_value(int depth) {
  Head head{};
  std::string_view bytes;
  if (!skip_tags() || !take_head(head)) return false;
  switch (head.major) {
    case kUnsigned:
    case kNegative:
      return true;
    case kByteString:
      return head.info == 31 ? take_chunks(kByteString, nullptr) : take_bytes(head.argument, bytes);
    case kTextString:
      return head.info == 31 ? take_chunks(kTextString, nullptr) : take_text(head, bytes);
    case kArray:
    case kMap:
      return skip_items(head, depth);
    default:
      // false, true, null, undefined and floats; other simple values have no meaning in WAMP
      return (head.info >= 20 && head.info <= 23) || (head.info >= 25 && head.info <= 27) ? true : fail();
  }
}

}  // namespace crosspoint::serializers
