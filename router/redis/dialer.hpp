#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "redis/client.hpp"
#include "settings/redis.hpp"
#include "transports/tls_context.hpp"

namespace crosspoint::redis {

/// Opens connections to a Redis server as the settings say: TLS, user and password, database. Belongs to one thread,
/// which may wait, but for what is said otherwise.
class Dialer {
 public:
  /// `patience`: for each step. `name` is what CLIENT LIST shows; empty: none.
  Dialer(settings::Redis settings, std::chrono::milliseconds patience, std::string name = {});

  /// Reads the files of TLS, so that what is wrong with them is known early. False, and why in `problem`.
  bool check(std::string& problem);

  /// A connection that is signed in and has been answered. nullptr, and why in `problem`.
  std::unique_ptr<Client> dial(std::string& problem);

  /// Any thread: nothing is waited for any more.
  void cancel() { canceled_.store(true, std::memory_order_relaxed); }

  /// Any thread: the server, for people.
  const std::string& place() const { return place_; }

 private:
  std::unique_ptr<Client> connect(const settings::RedisUrl& url, std::string& problem);
  bool sign_in(Client& client, const settings::RedisUrl& url, std::string& problem) const;

  const settings::Redis settings_;
  const std::chrono::milliseconds patience_;
  const std::string name_;
  const std::string place_;
  transports::TlsContext tls_;
  std::atomic<bool> canceled_{false};
};

}  // namespace crosspoint::redis
