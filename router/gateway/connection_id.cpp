#include "gateway/connection_id.hpp"

#include <fmt/core.h>

#include <charconv>

namespace crosspoint::gateway {
namespace {

constexpr std::size_t kNodeDigits = 16;

template <class Number>
bool parse_hex(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string to_string(const ConnectionId& id) {
  return fmt::format("{:016x}-{:x}-{:x}", id.node, id.thread, id.number);
}

std::optional<ConnectionId> parse_connection_id(std::string_view text) {
  ConnectionId id;
  if (text.size() < kNodeDigits + 4 || text[kNodeDigits] != '-') return std::nullopt;
  const auto dash = text.find('-', kNodeDigits + 1);
  if (dash == std::string_view::npos || !parse_hex(text.substr(0, kNodeDigits), id.node) ||
      !parse_hex(text.substr(kNodeDigits + 1, dash - kNodeDigits - 1), id.thread) ||
      !parse_hex(text.substr(dash + 1), id.number)) {
    return std::nullopt;
  }
  return id;
}

}  // namespace crosspoint::gateway
