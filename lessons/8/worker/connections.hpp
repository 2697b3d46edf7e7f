#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/wamp.hpp"

// Who is connected, as what, and what is known of each: one server and any number of clients.
class Connections {
 public:
  explicit Connections(workshop::Session session) : session_(std::move(session)) {}

  void come(const std::string& id);
  void hear(const std::string& id, const workshop::Json& command);
  void leave(const std::string& id);

 private:
  struct Connection {
    int number = 0;  // what clients and the server know it by
    std::string id;  // what the gateway knows it by
    std::string role;
    workshop::Json data = workshop::Json::object();
  };

  void connect(Connection& from, const std::string& role);
  void take_data(Connection& from, workshop::Json data);
  void tell_secret(const workshop::Json& client);
  std::vector<std::string> clients() const;
  Connection* server();
  workshop::Json about(const Connection& client) const;
  void send(const std::string& id, const workshop::Json& message);
  void send_to_clients(const workshop::Json& message);

  const workshop::Session session_;
  std::map<std::string, Connection> connections_;  // by the gateway's id
  std::string server_;                             // its id, or empty
  int last_number_ = 0;
};
