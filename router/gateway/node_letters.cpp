#include "gateway/node_letters.hpp"

#include "serializers/value.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;

std::string to_text(const json& list) {
  std::string text;
  serializers::append_value(wamp::Encoding::msgpack, list, text);
  return text;
}

/// A list that begins with a realm and a number.
bool read_list(std::string_view text, json& list, std::string& realm, std::uint64_t& number) {
  if (!serializers::to_value(wamp::Encoding::msgpack, base::as_bytes(text), list)) return false;
  if (!list.is_array() || list.size() < 2 || !list[0].is_string() || !list[1].is_number_unsigned()) return false;
  realm = list[0].get<std::string>();
  number = list[1].get<std::uint64_t>();
  return true;
}

}  // namespace

std::string write(const NodeAsk& ask) { return to_text({ask.realm, ask.number, ask.name, ask.arguments}); }

std::string write(const NodeAnswer& answer) {
  json list{answer.realm, answer.number};
  if (answer.value) list.push_back(*answer.value);
  return to_text(list);
}

bool read(std::string_view text, NodeAsk& out) {
  json list;
  if (!read_list(text, list, out.realm, out.number) || list.size() != 4) return false;
  if (!list[2].is_string() || !list[3].is_array()) return false;
  out.name = list[2].get<std::string>();
  out.arguments = std::move(list[3]);
  return true;
}

bool read(std::string_view text, NodeAnswer& out) {
  json list;
  if (!read_list(text, list, out.realm, out.number) || list.size() > 3) return false;
  out.value.reset();
  if (list.size() == 3) out.value = std::move(list[2]);
  return true;
}

}  // namespace crosspoint::gateway
