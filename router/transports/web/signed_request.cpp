#include "transports/web/signed_request.hpp"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <ctime>

#include "transports/url.hpp"

namespace crosspoint::transports::web {
namespace {

using Clock = std::chrono::system_clock;

std::string hmac(const EVP_MD* hash, std::string_view secret, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::HMAC(hash, secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(data.data()),
         data.size(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

/// As Python's urlsafe_b64encode has it: '-' and '_' for '+' and '/', and with padding.
std::string to_url_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

/// Takes the same time wherever two texts of one length differ.
bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Takes between `least` and `most` digits, and then `separator`, from the front of `text`.
bool take(std::string_view& text, std::size_t least, std::size_t most, char separator, int& number) {
  std::size_t digits = 0;
  number = 0;
  while (digits < text.size() && digits < most && std::isdigit(static_cast<unsigned char>(text[digits])) != 0) {
    number = number * 10 + (text[digits++] - '0');
  }
  if (digits < least || digits == text.size() || text[digits] != separator) return false;
  text.remove_prefix(digits + 1);
  return true;
}

SignatureCheck wrong(unsigned status, std::string problem) {
  SignatureCheck check;
  check.status = status;
  check.problem = std::move(problem);
  return check;
}

SignatureCheck malformed(std::string_view name, std::string_view expected) {
  return wrong(400, fmt::format("invalid signed request: '{}' must be {}", name, expected));
}

}  // namespace

std::optional<Parameters> parse_query(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const auto end = query.find('&');
    std::string pair(query.substr(0, end));
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    std::replace(pair.begin(), pair.end(), '+', ' ');
    const auto equals = std::min(pair.find('='), pair.size());
    std::string name;
    std::string value;
    if (!percent_decode(std::string_view(pair).substr(0, equals), name)) return std::nullopt;
    if (equals < pair.size() && !percent_decode(std::string_view(pair).substr(equals + 1), value)) return std::nullopt;
    parameters.emplace(std::move(name), std::move(value));
  }
  return parameters;
}

std::optional<Clock::time_point> parse_timestamp(std::string_view text) {
  std::tm time{};
  int fraction = 0;
  const std::string_view whole = text;
  if (!take(text, 4, 4, '-', time.tm_year) || !take(text, 1, 2, '-', time.tm_mon) ||
      !take(text, 1, 2, 'T', time.tm_mday) || !take(text, 1, 2, ':', time.tm_hour) ||
      !take(text, 1, 2, ':', time.tm_min) || !take(text, 1, 2, '.', time.tm_sec)) {
    return std::nullopt;
  }
  const std::size_t digits = text.size() - 1;
  if (text.size() < 2 || !take(text, 1, 6, 'Z', fraction) || !text.empty()) return std::nullopt;
  for (std::size_t i = digits; i < 6; ++i) fraction *= 10;
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  const std::tm given = time;
  const std::time_t seconds = ::timegm(&time);
  // What timegm had to put right was no date; a leap second is one that Unix time does not have.
  const bool same = given.tm_year == time.tm_year && given.tm_mon == time.tm_mon && given.tm_mday == time.tm_mday &&
                    given.tm_hour == time.tm_hour && given.tm_min == time.tm_min && given.tm_sec == time.tm_sec;
  if (!same || whole.empty()) return std::nullopt;
  return Clock::from_time_t(seconds) + std::chrono::microseconds(fraction);
}

SignatureCheck check_signature(const Parameters& parameters, std::string_view body, std::string_view key,
                               std::string_view secret, std::chrono::seconds limit, Clock::time_point now) {
  const auto find = [&](std::string_view name) -> const std::string* {
    const auto at = parameters.find(name);
    return at != parameters.end() ? &at->second : nullptr;
  };
  if (!secret.empty()) {
    for (const char* name : {"key", "timestamp", "seq", "nonce", "signature"}) {
      if (find(name) == nullptr) return wrong(400, fmt::format("signed request required, but '{}' is missing", name));
    }
  }
  SignatureCheck check;
  if (const auto* timestamp = find("timestamp")) {
    const auto time = parse_timestamp(*timestamp);
    if (!time) return malformed("timestamp", "UTC as in '2011-10-14T16:59:51.123Z'");
    if (limit.count() > 0 && (*time > now + limit || *time < now - limit)) {
      return wrong(400, "the request's timestamp is too old, or in the future");
    }
    check.timestamp = *time;
  }
  for (const char* name : {"seq", "nonce"}) {
    const auto* value = find(name);
    if (value != nullptr && !is_integer(*value)) return malformed(name, "an integer");
  }
  if (secret.empty()) return check;
  if (!equal(*find("key"), key)) return wrong(401, "the request's key is not known");
  const std::string digest = hmac(
      ::EVP_sha256(), secret, fmt::format("{}{}{}{}{}", key, *find("timestamp"), *find("seq"), *find("nonce"), body));
  if (!equal(*find("signature"), to_url_base64(digest))) return wrong(401, "the request's signature is wrong");
  std::memcpy(&check.digest, digest.data(), sizeof check.digest);
  return check;
}

bool is_github_signature(std::string_view header, std::string_view body, std::string_view secret) {
  std::string given(header);
  for (char& c : given) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string expected = "sha1=";
  for (const char c : hmac(::EVP_sha1(), secret, body))
    expected += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return equal(given, expected);
}

}  // namespace crosspoint::transports::web
