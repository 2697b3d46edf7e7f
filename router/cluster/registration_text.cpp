#include "cluster/registration_text.hpp"

#include <nlohmann/json.hpp>

#include "serializers/reader.hpp"
#include "serializers/value.hpp"

namespace crosspoint::cluster {
namespace {

using nlohmann::json;

/// A number of an enumeration, in the order that all nodes know.
template <class Enum>
bool read_choice(const json& object, const char* name, Enum last, Enum& out) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number_unsigned()) return false;
  const auto number = at->get<std::uint64_t>();
  if (number > static_cast<std::uint64_t>(last)) return false;
  out = static_cast<Enum>(number);
  return true;
}

bool read_number(const json& object, const char* name, std::uint64_t& out) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number_unsigned()) return false;
  out = at->get<std::uint64_t>();
  return true;
}

bool read_text(const json& object, const char* name, std::string& out) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_string()) return false;
  out = at->get<std::string>();
  return true;
}

bool flag(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

bool read(const json& object, Registry::Entry& out) {
  realm::Claim& claim = out.claim;
  if (!object.is_object() || !read_text(object, "realm", out.realm) || !read_text(object, "uri", claim.uri) ||
      !read_choice(object, "match", wamp::Match::wildcard, claim.match) ||
      !read_choice(object, "invoke", wamp::InvocationPolicy::random, claim.invoke) ||
      !read_number(object, "number", claim.number) || !read_number(object, "session", claim.session)) {
    return false;
  }
  read_number(object, "order", out.order);
  claim.force = flag(object, "force");
  claim.forward_timeout = flag(object, "forward_timeout");
  claim.reroutes = flag(object, "reroutes");
  return wamp::is_id(claim.session) && wamp::is_id(claim.number) &&
         wamp::is_valid_pattern(claim.uri, claim.match, wamp::UriCheck::loose);
}

bool parse(std::string_view text, json& out) {
  return serializers::is_utf8(text) && serializers::to_value(wamp::Encoding::json, base::as_bytes(text), out);
}

}  // namespace

std::string write_entry(const Registry::Entry& entry) {
  const realm::Claim& claim = entry.claim;
  json object{{"realm", entry.realm},
              {"uri", claim.uri},
              {"match", static_cast<unsigned>(claim.match)},
              {"invoke", static_cast<unsigned>(claim.invoke)},
              {"number", claim.number},
              {"session", claim.session}};
  if (entry.order != 0) object["order"] = entry.order;
  if (claim.force) object["force"] = true;
  if (claim.forward_timeout) object["forward_timeout"] = true;
  if (claim.reroutes) object["reroutes"] = true;
  std::string text;
  serializers::append_value(wamp::Encoding::json, object, text);
  return text;
}

std::vector<std::string> write_entries(std::span<const Registry::Entry> entries) {
  std::vector<std::string> texts;
  for (const Registry::Entry& entry : entries) {
    const std::string text = write_entry(entry);
    if (texts.empty() || texts.back().size() + text.size() > kLongestEntries) texts.emplace_back("[");
    if (texts.back().size() > 1) texts.back().push_back(',');
    texts.back() += text;
  }
  for (std::string& text : texts) text.push_back(']');
  return texts;
}

bool read_entry(std::string_view text, Registry::Entry& out) {
  json object;
  return parse(text, object) && read(object, out);
}

bool read_entries(std::string_view text, std::vector<Registry::Entry>& out) {
  json list;
  if (!parse(text, list) || !list.is_array()) return false;
  for (const json& item : list) {
    if (!read(item, out.emplace_back())) return false;
  }
  return true;
}

}  // namespace crosspoint::cluster
