#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "settings/web_services.hpp"

namespace crosspoint::settings {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool parse_address(const std::string& text, std::array<std::uint8_t, 16>& out, bool& is_v6) {
  out = {};
  is_v6 = text.find(':') != std::string::npos;
  return ::inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), out.data()) == 1;
}

bool bit(const std::array<std::uint8_t, 16>& address, unsigned index) {
  return (address[index / 8] >> (7 - index % 8) & 1) != 0;
}

}  // namespace

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  IpNetwork network;
  const auto slash = text.find('/');
  if (!parse_address(std::string(text.substr(0, slash)), network.address, network.is_v6)) return std::nullopt;
  const unsigned bits = network.is_v6 ? 128 : 32;
  network.prefix = bits;
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), network.prefix);
    if (error != std::errc() || end != number.data() + number.size() || network.prefix > bits) return std::nullopt;
  }
  for (unsigned i = network.prefix; i < bits; ++i) {
    if (bit(network.address, i)) return std::nullopt;
  }
  return network;
}

bool IpNetwork::contains(std::string_view ip) const {
  std::array<std::uint8_t, 16> other{};
  bool other_v6 = false;
  if (!parse_address(std::string(ip), other, other_v6)) return false;
  if (other_v6 && !is_v6 && std::equal(kMapped.begin(), kMapped.end(), other.begin())) {
    std::copy(other.begin() + kMapped.size(), other.end(), other.begin());
    other_v6 = false;
  }
  if (other_v6 != is_v6) return false;
  for (unsigned i = 0; i < prefix; ++i) {
    if (bit(address, i) != bit(other, i)) return false;
  }
  return true;
}

}  // namespace crosspoint::settings
