#include "serializers/attributes.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace crosspoint::serializers {
namespace {

constexpr std::string_view kBoolean = "a boolean";
constexpr std::string_view kIds = "a list of ids";
constexpr std::string_view kTexts = "a list of strings";

/// What each attribute must be; strings are not listed.
constexpr std::pair<std::string_view, std::string_view> kExpected[] = {
    {"acknowledge", kBoolean},
    {"exclude_me", kBoolean},
    {"retain", kBoolean},
    {"retained", kBoolean},
    {"get_retained", kBoolean},
    {"x_acknowledged_delivery", kBoolean},
    {"progress", kBoolean},
    {"receive_progress", kBoolean},
    {"forward_timeout", kBoolean},
    {"force_reregister", kBoolean},
    {"exclude", kIds},
    {"eligible", kIds},
    {"exclude_authid", kTexts},
    {"exclude_authrole", kTexts},
    {"eligible_authid", kTexts},
    {"eligible_authrole", kTexts},
    {"timeout", "a whole number of milliseconds"},
    {"publisher", "an id"},
    {"caller", "an id"},
    {"callee", "an id"},
    {"subscription", "an id"},
    {"registration", "an id"},
    {"forward_for", "a list of dictionaries with session, authid and authrole"},
    {"match", "exact, prefix or wildcard"},
    {"invoke", "single, first, last, roundrobin or random"},
    {"mode", "skip, kill or killnowait"},
};

bool is_custom(std::string_view word) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return word.starts_with("x_") && word.find_first_not_of(kAllowed) == std::string_view::npos;
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return is_custom(word) || std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

std::string_view attribute_problem(std::string_view where, std::string_view name, Scratch& scratch) {
  const auto* const expected =
      std::find_if(std::begin(kExpected), std::end(kExpected), [&](const auto& entry) { return entry.first == name; });
  std::string& text = scratch.add();
  text.append(where).append(".").append(name).append(" must be ");
  text.append(expected != std::end(kExpected) ? expected->second : "a string");
  return text;
}

std::string_view transparency_problem(const wamp::PassthruRef& passthru) {
  constexpr std::array<std::string_view, 3> kAlgorithms{"cryptobox", "mqtt", "xbr"};
  constexpr std::array<std::string_view, 6> kSerializers{"json", "msgpack", "cbor", "ubjson", "opaque", "flatbuffers"};
  if (!passthru) return {};
  for (const auto& [name, value] : passthru->attributes) {
    if (name == "enc_algo" && !is_one_of(value, kAlgorithms)) {
      return "enc_algo must be cryptobox, mqtt, xbr or begin with x_";
    }
    if (name == "enc_serializer" && !is_one_of(value, kSerializers)) {
      return "enc_serializer must be json, msgpack, cbor, ubjson, opaque, flatbuffers or begin with x_";
    }
  }
  return {};
}

}  // namespace crosspoint::serializers
