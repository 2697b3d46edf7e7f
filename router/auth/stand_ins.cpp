#include "auth/stand_ins.hpp"

#include <cstdint>

#include "auth/crypto.hpp"

namespace crosspoint::auth {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::string_view kLowerHex = "0123456789abcdef";
constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool is_made_of(std::string_view text, std::string_view alphabet) {
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}

}  // namespace

StandIns::StandIns(std::string_view method, std::string_view secrets)
    : key_(secrets.empty() ? random_bytes(kKeySize) : hmac_sha256(secrets, std::string(method) + " stand-in")) {}

std::string StandIns::seed(std::string_view authid) const { return hmac_sha256(key_, authid); }

std::size_t StandIns::choose(std::string_view seed, std::size_t count) {
  if (count == 0) return 0;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | static_cast<unsigned char>(seed[i]);
  return static_cast<std::size_t>(number % count);
}

std::string StandIns::text_like(std::string_view seed, std::string_view text) {
  std::string_view all;
  if (is_made_of(text, kLowerHex)) {
    all = kLowerHex;
  } else if (is_made_of(text, kUpperHex)) {
    all = kUpperHex;
  }
  std::string made;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i % kKeySize == 0) bytes = hmac_sha256(seed, "text " + std::to_string(i / kKeySize));
    std::string_view alphabet = all;
    for (const std::string_view one : {kDigits, kLower, kUpper}) {
      if (alphabet.empty() && one.find(text[i]) != std::string_view::npos) alphabet = one;
    }
    made.push_back(alphabet.empty() ? text[i]
                                    : alphabet[static_cast<unsigned char>(bytes[i % kKeySize]) % alphabet.size()]);
  }
  return made;
}

}  // namespace crosspoint::auth
