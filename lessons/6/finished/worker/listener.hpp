#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/redis.hpp"
#include "common/wamp.hpp"
#include "common/zeromq.hpp"

// Keeps what is said in the chat, and who is there.
class Listener {
 public:
  Listener(workshop::Session session, std::uint64_t own_session, workshop::Redis& redis);

  void start();

 private:
  void topic_is_there(std::uint64_t id, const std::string& topic);
  void topic_is_gone(std::uint64_t id);
  void store_message(const std::string& author, const std::string& topic, const std::string& text);
  void somebody_came(std::uint64_t id, std::uint64_t subscriber);
  void look_who_is_there(std::uint64_t id);
  void set_users(std::uint64_t id, const workshop::Json& sessions);

  const workshop::Session session_;
  const std::uint64_t own_session_;
  workshop::Redis& redis_;
  workshop::ZmqSender storage_;
  std::set<std::uint64_t> topics_;
  std::map<std::uint64_t, int> changes_;
};
