#include "connections.hpp"

using workshop::Json;
using workshop::terminal_log;

namespace {

// Nobody makes us keep more than this for one connection.
constexpr std::size_t most_data = 64 * 1024;

}  // namespace

void Connections::come(const std::string& id) {
  Connection& connection = connections_[id];
  connection.number = ++last_number_;
  connection.id = id;
  terminal_log("Connection " + std::to_string(connection.number) + " is there");
}

void Connections::hear(const std::string& id, const Json& command) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& from = found->second;
  terminal_log("Connection " + std::to_string(from.number) + " says " + workshop::text_of(command));
  if (command.contains("connect")) connect(from, workshop::text_at(command, "connect"));
  if (command.contains("data")) take_data(from, command["data"]);
}

void Connections::connect(Connection& from, const std::string& role) {}

void Connections::take_data(Connection& from, Json data) {}

void Connections::tell_secret(const Json& client) {}

void Connections::leave(const std::string& id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const Connection gone = found->second;
  connections_.erase(found);
  terminal_log("Connection " + std::to_string(gone.number) + " is gone");
}

std::vector<std::string> Connections::clients() const {
  std::vector<std::string> ids;
  for (const auto& [id, connection] : connections_) {
    if (connection.role == "client") ids.push_back(id);
  }
  return ids;
}

Connections::Connection* Connections::server() {
  const auto found = connections_.find(server_);
  return found != connections_.end() ? &found->second : nullptr;
}

// A client's data as the server gets it: in the same form in which it answers.
Json Connections::about(const Connection& client) const {
  Json data = client.data;
  data["id"] = client.number;
  return {{"data", {{"clients", {data}}}}};
}

void Connections::send(const std::string& id, const Json& message) {
  workshop::call(session_, "crosspoint.gateway.send", {id, message}, [](const Json&) {});
}

void Connections::send_to_clients(const Json& message) {
  workshop::call(session_, "crosspoint.gateway.send_many", {clients(), message}, [](const Json&) {});
}
