#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "auth/authenticator.hpp"
#include "base/io_thread.hpp"
#include "connection/cookie_writer.hpp"
#include "settings/transport.hpp"
#include "transports/cookies.hpp"

namespace crosspoint::connection {

/// A connection that came with a cookie. Belongs to one I/O thread.
class CookieHolder {
 public:
  virtual ~CookieHolder() = default;
  /// Somebody has logged out with the same cookie.
  virtual void on_logout() = 0;
};

/// The cookies of a WebSocket endpoint, and which sign-in each of them stands for. Any thread. A cookie counts while a
/// connection has it, and from the first session on until it expires or is logged out. What peers can make it hold is
/// bounded: beyond `limit` the oldest cookies are forgotten.
class CookieStore final : public transports::CookieIssuer {
 public:
  /// Seconds since the epoch.
  using Clock = std::function<std::int64_t()>;

  /// `backend` keeps cookies over a restart; nullptr: nothing does.
  CookieStore(const settings::Cookie& settings, std::unique_ptr<CookieBackend> backend, Clock clock);
  /// Takes in what the backend has. Call once, at first. False, with the reason in `problem`, if it cannot be read.
  bool load(std::string& problem);

  // transports::CookieIssuer
  std::string admit(std::string_view offered) override;

  /// A connection has the cookie, from now until detach().
  void attach(const std::string& id, base::IoThread& thread, CookieHolder& holder);
  void detach(const std::string& id, const CookieHolder& holder);

  /// The sign-in that the cookie stands for.
  std::optional<auth::CookieLogin> find(const std::string& id);
  /// From now on the cookie stands for this sign-in.
  void remember(const std::string& id, const auth::CookieLogin& login);
  /// From now on the cookie stands for nothing.
  void revoke(const std::string& id);
  /// The same, and all other connections with the cookie are told.
  void log_out(const std::string& id, const CookieHolder& by);

  std::size_t size() const;

 private:
  struct Member {
    base::IoThread* thread;
    CookieHolder* holder;
  };
  // Looked up by hash, so that the time a look-up takes says nothing about the cookies there are.
  using Hash = std::string;

  void insert(Cookie cookie);
  void erase(const Hash& hash);
  void forget_expired();
  void tell(const std::string& id, const CookieHolder* except, base::IoThread& thread);

  const std::size_t length_;
  const std::uint32_t max_age_;
  const std::size_t limit_;
  const Clock clock_;
  std::unique_ptr<CookieBackend> backend_;  // until load()
  const bool readonly_;                     // what is stored stays as it is

  mutable std::mutex mutex_;  // guards all below
  std::unordered_map<Hash, Cookie> cookies_;
  std::set<std::pair<std::int64_t, Hash>> by_expiry_;
  std::unordered_map<Hash, std::vector<Member>> members_;
  std::unique_ptr<CookieWriter> writer_;
};

}  // namespace crosspoint::connection
