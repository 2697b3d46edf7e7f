#include "realm/session_details.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace crosspoint::realm {

using nlohmann::json;

std::string describe(const Session& session) {
  std::string text = session.peer->describe(*session.identity);
  if (!session.details) return text;
  text.back() = ',';  // no member is in both
  return text.append(*session.details, 1, std::string::npos);
}

std::string modify_details(Session& session, const std::string& changes, std::size_t most_bytes) {
  const json own = json::parse(session.peer->describe(*session.identity));
  json details = session.details ? json::parse(*session.details) : json::object();
  const json changed = json::parse(changes);
  for (const auto& [name, value] : changed.items()) {
    if (own.contains(name)) return fmt::format("\"{}\" of a session cannot be changed", name);
    if (value.is_null()) {
      details.erase(name);
    } else {
      details[name] = value;
    }
  }
  if (details.empty()) {
    session.details.reset();
    return {};
  }
  std::string text = details.dump();
  if (text.size() > most_bytes) {
    return fmt::format("what is added to a session's details may take at most {} bytes", most_bytes);
  }
  session.details = std::make_unique<const std::string>(std::move(text));
  return {};
}

}  // namespace crosspoint::realm
