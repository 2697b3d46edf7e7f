#pragma once

#include <map>
#include <string>

#include "common/table.hpp"
#include "common/wamp.hpp"

// Where every connection is: in memory for those who ask, and in a store for the next run of this program.
class World {
 public:
  explicit World(workshop::Session session);

  void come(const std::string& id);
  void hear(const std::string& id, const workshop::Json& message);
  void leave(const std::string& id);
  // Those that are connected, as the router says: what is known of others goes.
  void compare(const workshop::Json& connected);
  workshop::Json connections() const;

 private:
  void keep(const std::string& id);
  void forget(const std::string& id);
  void tell_everybody() const;

  const workshop::Session session_;
  const workshop::Table store_{"cage-connections"};
  std::map<std::string, workshop::Json> states_;  // by connection
};
