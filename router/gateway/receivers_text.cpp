#include "gateway/receivers_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/connection_id.hpp"
#include "serializers/value.hpp"

namespace crosspoint::gateway {

using nlohmann::json;

json to_value(const Receiver& receiver) {
  return {receiver.kind == Receiver::Kind::procedure ? 1 : 0, receiver.name, receiver.via};
}

bool read_receiver(const json& value, Receiver& out) {
  const bool good = value.is_array() && value.size() == 3 && (value[0] == 0 || value[0] == 1) &&
                    std::all_of(value.begin() + 1, value.end(), [](const json& text) { return text.is_string(); });
  if (!good) return false;
  out = {value[0] == 1 ? Receiver::Kind::procedure : Receiver::Kind::connection, value[1].get<std::string>(),
         value[2].get<std::string>()};
  return out.kind == Receiver::Kind::procedure || parse_connection_id(out.name).has_value();
}

std::uint64_t node_of(const Receiver& receiver, std::uint64_t own) {
  if (receiver.kind == Receiver::Kind::procedure) return own;
  const auto id = parse_connection_id(receiver.name);
  return id ? id->node : own;
}

std::string write_receivers(const std::vector<Receiver>& receivers) {
  std::string text;
  if (receivers.empty()) return text;
  json list = json::array();
  for (const Receiver& receiver : receivers) list.push_back(to_value(receiver));
  serializers::append_value(wamp::Encoding::json, list, text);
  return text;
}

void read_receivers(std::string_view text, std::vector<Receiver>& out) {
  json list;
  if (!serializers::to_value(wamp::Encoding::json, base::as_bytes(text), list) || !list.is_array()) return;
  for (const json& value : list) {
    Receiver receiver;
    if (read_receiver(value, receiver)) out.push_back(std::move(receiver));
  }
}

}  // namespace crosspoint::gateway
