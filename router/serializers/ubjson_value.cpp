#include "serializers/ubjson_value.hpp"

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "serializers/reader.hpp"
#include "serializers/ubjson_cursor.hpp"

namespace crosspoint::serializers {
namespace {

using nlohmann::json;

class Parser {
 public:
  explicit Parser(base::Bytes bytes) : at_{bytes.data(), bytes.data() + bytes.size()} {}

  bool whole(json& out) {
    std::uint8_t type = 0;
    return at_.marker(type) && value(type, out, 0) && at_.next == at_.end;
  }

 private:
  bool value(std::uint8_t type, json& out, int depth) {
    switch (type) {
      case 'Z':
        out = nullptr;
        return true;
      case 'T':
      case 'F':
        out = type == 'T';
        return true;
      case 'd':
      case 'D':
        return real(type, out);
      case 'C':
      case 'S':
      case 'H':
        return text(type, out);
      case '[':
        return list(out, depth);
      case '{':
        return dict(out, depth);
      default: {
        std::int64_t number = 0;
        if (!at_.integer(type, number)) return false;
        out = number < 0 ? json(number) : json(static_cast<std::uint64_t>(number));
        return true;
      }
    }
  }

  bool real(std::uint8_t type, json& out) {
    double number = 0;
    if (!at_.real(type, number)) return false;
    out = number;
    return true;
  }

  bool text(std::uint8_t type, json& out) {
    std::string_view text;
    if (!at_.text_of(type, text)) return false;
    out = type == 'H' ? json::parse(text, nullptr, false) : json(text);
    return !out.is_discarded();
  }

  bool list(json& out, int depth) {
    UbjsonCursor::Container container;
    if (depth >= kMaxDepth || !at_.container(container)) return false;
    if (UbjsonCursor::is_binary(container)) {
      const std::uint8_t* at = nullptr;
      if (!at_.take(container.count, at)) return false;
      out = json::binary({at, at + container.count});
      return true;
    }
    out = json::array();
    for (std::size_t left = container.count; another(container, left, ']'); --left) {
      std::uint8_t type = container.type;
      if ((type == 0 && !at_.marker(type)) || !value(type, out.emplace_back(), depth + 1)) return false;
    }
    return true;
  }

  bool dict(json& out, int depth) {
    UbjsonCursor::Container container;
    if (depth >= kMaxDepth || !at_.container(container)) return false;
    out = json::object();
    std::string_view key;
    for (std::size_t left = container.count; another(container, left, '}'); --left) {
      std::uint8_t type = container.type;
      if (!at_.text(key) || (type == 0 && !at_.marker(type))) return false;
      if (!value(type, out[std::string(key)], depth + 1)) return false;
    }
    return true;
  }

  bool another(const UbjsonCursor::Container& container, std::size_t left, std::uint8_t closing) {
    return container.count == UbjsonCursor::Container::kOpen ? !at_.closes(closing) : left > 0;
  }

  UbjsonCursor at_;
};

void append_number(std::uint64_t value, std::size_t size, char type, std::string& out) {
  out.push_back(type);
  for (std::size_t i = size; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

void append_integer(std::int64_t value, std::string& out) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= 0 && value <= 0xff) return append_number(bits, 1, 'U', out);
  if (value >= INT8_MIN && value < 0) return append_number(bits, 1, 'i', out);
  if (value >= INT16_MIN && value <= INT16_MAX) return append_number(bits, 2, 'I', out);
  if (value >= INT32_MIN && value <= INT32_MAX) return append_number(bits, 4, 'l', out);
  append_number(bits, 8, 'L', out);
}

void append_sized(std::string_view bytes, std::string& out) {
  append_integer(static_cast<std::int64_t>(bytes.size()), out);
  out.append(bytes);
}

}  // namespace

bool parse_ubjson(base::Bytes bytes, json& out) { return Parser(bytes).whole(out); }

void append_ubjson(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::boolean:
      return out.push_back(value.get<bool>() ? 'T' : 'F');
    case json::value_t::number_integer:
      return append_integer(value.get<std::int64_t>(), out);
    case json::value_t::number_unsigned:
      if (value.get<std::uint64_t>() <= INT64_MAX) return append_integer(value.get<std::int64_t>(), out);
      out.push_back('H');
      return append_sized(std::to_string(value.get<std::uint64_t>()), out);
    case json::value_t::number_float:
      if (!std::isfinite(value.get<double>())) return out.push_back('Z');
      return append_number(std::bit_cast<std::uint64_t>(value.get<double>()), 8, 'D', out);
    case json::value_t::string:
      out.push_back('S');
      return append_sized(value.get_ref<const std::string&>(), out);
    case json::value_t::binary:
      out.append("[$U#");
      return append_sized({reinterpret_cast<const char*>(value.get_binary().data()), value.get_binary().size()}, out);
    case json::value_t::array:
      out.push_back('[');
      for (const auto& item : value) append_ubjson(item, out);
      return out.push_back(']');
    case json::value_t::object:
      out.push_back('{');
      for (const auto& [key, item] : value.items()) {
        append_sized(key, out);
        append_ubjson(item, out);
      }
      return out.push_back('}');
    default:
      return out.push_back('Z');
  }
}

}  // namespace crosspoint::serializers
