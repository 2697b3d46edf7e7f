#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "redis/client.hpp"
#include "redis/slot_map.hpp"
#include "settings/redis.hpp"
#include "transports/tls_context.hpp"

namespace crosspoint::redis {

/// Opens connections to a Redis server as the settings say: TLS, user and password, database; a server that is named by
/// its sentinels is asked for each time. Belongs to one thread, which may wait, but for what is said otherwise.
class Dialer {
 public:
  /// `patience`: for each step. `name` is what CLIENT LIST shows; empty: none.
  Dialer(settings::Redis settings, std::chrono::milliseconds patience, std::string name = {});

  /// From now on the server may belong to a Redis Cluster with sharded channels: dial() asks it where the masters are,
  /// and connects to the one that has `key`. Otherwise such a server is refused.
  void allow_cluster(std::string key) { cluster_key_ = std::move(key); }

  /// Reads the files of TLS, so that what is wrong with them is known early. False, and why in `problem`.
  bool check(std::string& problem);

  /// A connection to the master that is signed in and has been answered. nullptr, and why in `problem`.
  std::unique_ptr<Client> dial(std::string& problem);
  /// Another one to the server that dial() has found.
  std::unique_ptr<Client> dial_again(std::string& problem) {
    return slots_.masters().empty() ? dial_server(server_, problem) : dial_home(problem);
  }
  /// The masters of the Redis Cluster that the last dial() has found; empty if it was a server by itself.
  const SlotMap& slots() const { return slots_; }
  /// A connection to one of them.
  std::unique_ptr<Client> dial_master(std::size_t master, std::string& problem);
  /// The server, for people: that of the last dial(), as far as it is known.
  std::string place() const;

  /// Whether sentinels are asked at all.
  bool has_sentinels() const { return !settings_.sentinels.empty(); }
  /// Asks them again. True if a server other than that of the last dial() is the master now, which `place` is.
  bool has_moved(std::string& place);

  /// Any thread: nothing is waited for any more.
  void cancel() { canceled_.store(true, std::memory_order_relaxed); }

 private:
  std::unique_ptr<Client> connect(const settings::RedisUrl& url, std::string& problem);
  std::unique_ptr<Client> dial_server(const settings::RedisUrl& url, std::string& problem);
  std::unique_ptr<Client> dial_home(std::string& problem);
  bool prepare(Client& client, const settings::RedisUrl& url, std::string& problem) const;
  bool check_role(Client& client, std::string& problem) const;
  bool look_for_masters(Client& client, const settings::RedisUrl& url, std::string& problem);
  settings::RedisUrl url_of(const Address& address) const;
  bool ask_sentinel(const settings::RedisUrl& sentinel, settings::RedisUrl& master, std::string& problem);

  const settings::Redis settings_;
  const std::chrono::milliseconds patience_;
  const std::string name_;
  std::string cluster_key_;     // empty: no Redis Cluster
  settings::RedisUrl server_;   // of the last dial(); without a port before
  SlotMap slots_;               // of the last dial()
  std::vector<Address> known_;  // masters of the last Redis Cluster
  transports::TlsContext tls_;
  std::atomic<bool> canceled_{false};
};

}  // namespace crosspoint::redis
