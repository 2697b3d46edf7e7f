#include "serializers/ubjson_reader.hpp"

#include "serializers/integral.hpp"

namespace crosspoint::serializers {

Kind UbjsonReader::kind() const {
  UbjsonCursor ahead = at_;
  std::uint8_t type = common_type();
  if (failed_ || (type == 0 && !ahead.marker(type))) return Kind::invalid;
  switch (type) {
    case 'Z':
      return Kind::null;
    case 'T':
    case 'F':
      return Kind::boolean;
    case 'i':
    case 'U':
    case 'I':
    case 'l':
    case 'L':
      return Kind::integer;
    case 'd':
    case 'D':
    case 'H':
      return Kind::number;
    case 'C':
    case 'S':
      return Kind::text;
    case '{':
      return Kind::dict;
    case '[': {
      UbjsonCursor::Container list;
      if (!ahead.container(list)) return Kind::invalid;
      return UbjsonCursor::is_binary(list) ? Kind::binary : Kind::list;
    }
    default:
      return Kind::invalid;
  }
}

bool UbjsonReader::take_type(std::uint8_t& out) {
  if (failed_) return false;
  out = common_type();
  return out != 0 || at_.marker(out) || fail();
}

bool UbjsonReader::enter(std::uint8_t opening) {
  std::uint8_t type = 0;
  UbjsonCursor::Container container;
  if (!take_type(type) || type != opening || depth_ == kReaderDepth || !at_.container(container)) return fail();
  const std::uint8_t closing = opening == '[' ? ']' : '}';
  levels_[static_cast<std::size_t>(depth_++)] = {container.count, container.type, closing};
  return true;
}

bool UbjsonReader::more() {
  if (failed_ || depth_ == 0) return false;
  Level& level = levels_[static_cast<std::size_t>(depth_ - 1)];
  if (level.left == UbjsonCursor::Container::kOpen) {
    if (!at_.closes(level.closing)) return at_.next != at_.end || fail();
  } else if (level.left > 0) {
    --level.left;
    return true;
  }
  --depth_;
  return false;
}

bool UbjsonReader::read_uint(std::uint64_t& out) {
  std::uint8_t type = 0;
  if (!take_type(type)) return fail();
  if (type == 'D') {  // as JavaScript encoders write integers beyond 32 bits
    double real = 0;
    return (at_.real(type, real) && to_integer(real, out)) || fail();
  }
  std::int64_t number = 0;
  if (!at_.integer(type, number) || number < 0) return fail();
  out = static_cast<std::uint64_t>(number);
  return true;
}

bool UbjsonReader::read_bool(bool& out) {
  std::uint8_t type = 0;
  if (!take_type(type) || (type != 'T' && type != 'F')) return fail();
  out = type == 'T';
  return true;
}

bool UbjsonReader::read_text(std::string_view& out) {
  std::uint8_t type = 0;
  if (!take_type(type) || type == 'H' || !at_.text_of(type, out)) return fail();
  return true;
}

bool UbjsonReader::read_number(Number& out) {
  std::uint8_t type = 0;
  if (!take_type(type)) return false;
  if (type == 'd' || type == 'D') {
    out = {.is = Number::Is::real};
    return at_.real(type, out.real) || fail();
  }
  if (type == 'H') {
    std::string_view digits;
    return (at_.text_of(type, digits) && parse_number(digits, out)) || fail();
  }
  std::int64_t whole = 0;
  if (!at_.integer(type, whole)) return fail();
  if (whole < 0) {
    out = {.is = Number::Is::negative, .negative = whole};
  } else {
    out = {.natural = static_cast<std::uint64_t>(whole)};
  }
  return true;
}

bool UbjsonReader::read_binary(std::string_view& out) {
  std::uint8_t type = 0;
  UbjsonCursor::Container list;
  const std::uint8_t* at = nullptr;
  if (!take_type(type) || type != '[' || !at_.container(list) || !UbjsonCursor::is_binary(list)) return fail();
  if (!at_.take(list.count, at)) return fail();
  out = {reinterpret_cast<const char*>(at), list.count};
  return true;
}

base::Bytes UbjsonReader::skip() {
  if (failed_) return {};
  at_.skip_no_ops();
  const std::uint8_t* start = at_.next;
  std::uint8_t type = 0;
  if (!take_type(type) || !skip_typed(type, 0)) {
    failed_ = true;
    return {};
  }
  return {start, at_.next};
}

bool UbjsonReader::skip_items(bool dict, int depth) {
  UbjsonCursor::Container container;
  if (depth >= kMaxDepth || !at_.container(container)) return false;
  const std::size_t size = container.type == 'C' ? 0 : UbjsonCursor::fixed_size(container.type);
  if (!dict && size > 0) {
    const std::uint8_t* ignored = nullptr;
    return container.count != UbjsonCursor::Container::kOpen && container.count <= at_.left() / size &&
           at_.take(container.count * size, ignored);
  }
  const bool open = container.count == UbjsonCursor::Container::kOpen;
  const std::uint8_t closing = dict ? '}' : ']';
  std::string_view key;
  for (std::size_t left = container.count; open ? !at_.closes(closing) : left > 0; --left) {
    std::uint8_t type = container.type;
    if ((dict && !at_.text(key)) || (type == 0 && !at_.marker(type)) || !skip_typed(type, depth + 1)) return false;
  }
  return true;
}

bool UbjsonReader::skip_typed(std::uint8_t type, int depth) {
  std::string_view text;
  const std::uint8_t* ignored = nullptr;
  switch (type) {
    case 'Z':
    case 'T':
    case 'F':
      return true;
    case 'C':
    case 'S':
    case 'H':
      return at_.text_of(type, text);
    case '[':
    case '{':
      return skip_items(type == '{', depth);
    default: {
      const std::size_t size = UbjsonCursor::fixed_size(type);
      return size > 0 && at_.take(size, ignored);
    }
  }
}

}  // namespace crosspoint::serializers
