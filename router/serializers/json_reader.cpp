#include "serializers/json_reader.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <charconv>

namespace crosspoint::serializers {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The first quote, backslash or control character from `at` on, or `end`.
const char* find_special(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  for (; end - at >= 16; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
    const __m128i special =
        _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return at + std::countr_zero(mask);
  }
#endif
  for (; at != end; ++at) {
    if (*at == '"' || *at == '\\' || static_cast<unsigned char>(*at) < 0x20) break;
  }
  return at;
}

void append_utf8(std::string& out, unsigned code) {
  const auto add = [&out](unsigned byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xe0 | code >> 12);
    } else {
      add(0xf0 | code >> 18);
      add(0x80 | (code >> 12 & 63));
    }
    add(0x80 | (code >> 6 & 63));
  }
  add(0x80 | (code & 63));
}

/// The number of four hexadecimal digits at `at`, which skip_escape has checked.
unsigned hex4(const char* at) {
  unsigned code = 0;
  for (int i = 0; i < 4; ++i) code = code << 4 | static_cast<unsigned>(hex_value(at[i]));
  return code;
}

}  // namespace

Kind JsonReader::kind() const {
  if (failed_ || next_ == end_) return Kind::invalid;
  switch (*next_) {
    case '[':
      return Kind::list;
    case '{':
      return Kind::dict;
    case '"':
      return Kind::text;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      break;
  }
  if (*next_ != '-' && !is_digit(*next_)) return Kind::invalid;
  const char* at = next_ + 1;
  while (at != end_ && is_digit(*at)) ++at;
  return at != end_ && (*at == '.' || *at == 'e' || *at == 'E') ? Kind::number : Kind::integer;
}

bool JsonReader::expect(char wanted) {
  if (failed_ || next_ == end_ || *next_ != wanted) return fail();
  ++next_;
  skip_space();
  return true;
}

bool JsonReader::enter(char opening) {
  if (depth_ == kReaderDepth || !expect(opening)) return fail();
  closing_[static_cast<std::size_t>(depth_++)] = opening == '[' ? ']' : '}';
  first_ = true;
  return true;
}

bool JsonReader::more() {
  if (failed_ || depth_ == 0) return false;
  const bool result = more_before(closing_[static_cast<std::size_t>(depth_ - 1)]);
  if (!result) --depth_;
  return result;
}

bool JsonReader::more_before(char closing) {
  if (next_ == end_) return fail();
  if (*next_ == closing) {
    ++next_;
    skip_space();
    first_ = false;  // the list or dictionary around has this one as an item
    return false;
  }
  if (first_) {
    first_ = false;
    return true;
  }
  if (!expect(',')) return false;
  return next_ != end_ && *next_ != closing ? true : fail();
}

bool JsonReader::read_key(std::string_view& out) { return read_text(out) && expect(':'); }

bool JsonReader::read_uint(std::uint64_t& out) {
  const char* start = next_;
  if (failed_ || start == end_ || !is_digit(*start)) return fail();
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(start, end_, number);
  if (error != std::errc()) return fail();
  if (*start == '0' && stop != start + 1) return fail();  // no leading zeros
  if (stop != end_ && (*stop == '.' || *stop == 'e' || *stop == 'E')) return fail();
  next_ = stop;
  skip_space();
  out = number;
  return true;
}

bool JsonReader::comma() { return expect(','); }

bool JsonReader::literal(std::string_view word) {
  if (static_cast<std::size_t>(end_ - next_) < word.size() || std::string_view(next_, word.size()) != word) {
    return fail();
  }
  next_ += word.size();
  skip_space();
  return true;
}

bool JsonReader::read_bool(bool& out) {
  if (failed_ || next_ == end_) return fail();
  out = *next_ == 't';
  return literal(out ? "true" : "false");
}

bool JsonReader::skip_escape() {
  if (next_ == end_) return fail();
  const char c = *next_++;
  if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos ? true : fail();
  if (end_ - next_ < 4) return fail();
  for (int i = 0; i < 4; ++i) {
    if (hex_value(next_[i]) < 0) return fail();
  }
  next_ += 4;
  return true;
}

bool JsonReader::skip_string(std::string_view& text, bool& escaped) {
  if (failed_ || next_ == end_ || *next_ != '"') return fail();
  const char* start = ++next_;
  escaped = false;
  for (;;) {
    next_ = find_special(next_, end_);
    if (next_ == end_) return fail();
    const char c = *next_++;
    if (c == '"') break;
    if (c != '\\' || !skip_escape()) return fail();  // a control character
    escaped = true;
  }
  text = {start, static_cast<std::size_t>(next_ - 1 - start)};
  skip_space();
  return true;
}

bool JsonReader::unescape(std::string_view text, std::string& out) {
  constexpr std::string_view kShort = "\"\\/bfnrt";
  constexpr std::string_view kMeaning = "\"\\/\b\f\n\r\t";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t plain = std::min(text.find('\\', i), text.size()) - i;
    out.append(text, i, plain);
    i += plain;
    if (i == text.size()) break;
    const char c = text[++i];
    if (c != 'u') {
      out.push_back(kMeaning[kShort.find(c)]);
      continue;
    }
    unsigned code = hex4(text.data() + i + 1);
    i += 4;
    if (code >= 0xdc00 && code < 0xe000) return false;  // the second half of a pair without its first
    if (code >= 0xd800 && code < 0xdc00) {
      if (i + 6 >= text.size() || text[i + 1] != '\\' || text[i + 2] != 'u') return false;
      const unsigned low = hex4(text.data() + i + 3);
      if (low < 0xdc00 || low >= 0xe000) return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      i += 6;
    }
    append_utf8(out, code);
  }
  return true;
}

bool JsonReader::read_text(std::string_view& out) {
  bool escaped = false;
  if (!skip_string(out, escaped)) return false;
  if (!escaped) return true;
  std::string& plain = scratch_.add();
  if (!unescape(out, plain)) return fail();
  out = plain;
  return true;
}

bool JsonReader::read_number(Number& out) { return parse_number(base::as_text(skip()), out) || fail(); }

base::Bytes JsonReader::skip() {
  const char* start = next_;
  if (failed_ || !skip_value(0)) return {};
  const char* stop = next_;  // white space behind the value is not part of it
  while (stop[-1] == ' ' || stop[-1] == '\n' || stop[-1] == '\r' || stop[-1] == '\t') --stop;
  return base::as_bytes({start, static_cast<std::size_t>(stop - start)});
}

bool JsonReader::skip_number() {
  if (*next_ == '-') ++next_;
  const auto digits = [this] {
    const char* start = next_;
    while (next_ != end_ && is_digit(*next_)) ++next_;
    return next_ - start;
  };
  const bool zero = next_ != end_ && *next_ == '0';
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return fail();
  if (next_ != end_ && *next_ == '.') {
    ++next_;
    if (digits() == 0) return fail();
  }
  if (next_ != end_ && (*next_ == 'e' || *next_ == 'E')) {
    ++next_;
    if (next_ != end_ && (*next_ == '+' || *next_ == '-')) ++next_;
    if (digits() == 0) return fail();
  }
  skip_space();
  return true;
}

bool JsonReader::skip_list(int depth) {
  if (depth >= kMaxDepth || !expect('[')) return fail();
  first_ = true;
  while (more_before(']')) {
    if (!skip_value(depth + 1)) return false;
  }
  return ok();
}

bool JsonReader::skip_dict(int depth) {
  if (depth >= kMaxDepth || !expect('{')) return fail();
  first_ = true;
  std::string_view key;
  bool escaped = false;
  while (more_before('}')) {
    if (!skip_string(key, escaped) || !expect(':') || !skip_value(depth + 1)) return false;
  }
  return ok();
}

bool JsonReader::skip_value(int depth) {
  if (next_ == end_) return fail();
  std::string_view text;
  bool escaped = false;
  switch (*next_) {
    case '"':
      return skip_string(text, escaped);
    case '[':
      return skip_list(depth);
    case '{':
      return skip_dict(depth);
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      return *next_ == '-' || is_digit(*next_) ? skip_number() : fail();
  }
}

}  // namespace crosspoint::serializers
