#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/unreachable.hpp"

struct redisContext;
struct redisReply;

namespace workshop {

/// The server answered with an error.
class RedisError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A few commands of a Redis server, for short texts that many programs look up. Each waits for the answer, half a
/// second at most, and throws RedisError if there is none; after that nothing is tried for a second, so that a server
/// that is away costs little. May be used from any thread, but not from that of a session.
class Redis {
 public:
  /// "redis://127.0.0.1:6379"; the variable REDIS_URL if none is given.
  explicit Redis(const std::string& url = "");
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  /// What has been neither set nor read for a week is gone.
  void set(const std::string& key, const std::string& value);
  std::optional<std::string> get(const std::string& key);

  /// Lists of texts are kept as a JSON array.
  void set_array(const std::string& key, const std::vector<std::string>& values);
  std::vector<std::string> get_array(const std::string& key);
  /// Adds what is not in it yet.
  void add_to_array(const std::string& key, const std::string& value);

  /// For the page that shows what is there: at most so many keys, a key's text without making it live longer, and its
  /// remaining seconds (-1: for ever).
  std::vector<std::string> keys(std::size_t most);
  std::optional<std::string> look(const std::string& key);
  long long lifetime(const std::string& key);

 private:
  using Reply = std::unique_ptr<redisReply, void (*)(redisReply*)>;

  Reply command(const std::vector<std::string>& words);
  Reply send(const std::vector<std::string>& words);
  void connect();
  void disconnect(const std::string& why);

  std::string host_;
  int port_ = 6379;
  std::string password_;
  std::string database_;
  std::mutex mutex_;
  redisContext* context_ = nullptr;
  std::chrono::steady_clock::time_point not_before_{};
  bool told_ = false;  ///< the log has it that the server is away
};

}  // namespace workshop
