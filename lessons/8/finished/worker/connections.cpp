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

void Connections::connect(Connection& from, const std::string& role) {
  if (!from.role.empty() || (role != "client" && role != "server")) {
    return terminal_log("A connection says once that it is a client or a server");
  }
  from.role = role;
  if (role == "client") {
    if (server() == nullptr) return;
    send(server_, about(from));
    send(from.id, {{"data", server()->data}});
  } else {
    if (server() != nullptr) {
      terminal_log("It takes the place of connection " + std::to_string(server()->number));
      server()->role.clear();
    }
    server_ = from.id;
    send_to_clients({{"data", from.data}});
    for (const std::string& client : clients()) send(server_, about(connections_.at(client)));
  }
}

void Connections::take_data(Connection& from, Json data) {
  if (from.role.empty() || !data.is_object()) {
    return terminal_log("Data is an object, from a connection that has said what it is");
  }
  if (from.role == "server" && data.contains("clients")) {
    for (const Json& client : data["clients"]) tell_secret(client);
    data.erase("clients");
    if (data.empty()) return;
  }
  Json merged = from.data;
  merged.update(data);
  if (workshop::text_of(merged).size() > most_data) return terminal_log("That is too much to keep");
  from.data = merged;
  if (from.role == "server") {
    send_to_clients({{"data", from.data}});
  } else if (server() != nullptr) {
    send(server_, about(from));
  }
}

void Connections::tell_secret(const Json& client) {
  for (const std::string& id : clients()) {
    if (client.is_object() && workshop::id_at(client, "id") == std::uint64_t(connections_.at(id).number)) {
      return send(id, {{"data", {{"clients", {client}}}}});
    }
  }
  terminal_log("There is no such client: " + workshop::text_of(client));
}

void Connections::leave(const std::string& id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const Connection gone = found->second;
  connections_.erase(found);
  terminal_log("Connection " + std::to_string(gone.number) + " is gone");
  if (gone.role == "client" && server() != nullptr) send(server_, {{"disconnect", "client"}, {"id", gone.number}});
  if (gone.role != "server") return;
  server_.clear();
  send_to_clients({{"disconnect", "server"}});
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
