#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "auth/authenticator.hpp"
#include "settings/transport.hpp"

namespace crosspoint::connection {

/// A cookie that stands for a sign-in. Its id is a secret.
struct Cookie {
  std::string id;
  auth::CookieLogin login;
  std::int64_t created = 0;   ///< seconds since the epoch
  std::uint32_t max_age = 0;  ///< seconds

  std::int64_t expiry() const { return created + max_age; }
};

/// A change of what is stored: a new version of a cookie, or its end.
struct CookieChange {
  Cookie cookie;
  bool erased = false;
};

/// Where cookies outlive the program. One thread at a time.
class CookieBackend {
 public:
  virtual ~CookieBackend() = default;
  /// All that is stored. False, with the reason in `problem`, if it cannot be read.
  virtual bool load(std::vector<Cookie>& out, std::string& problem) = 0;
  /// Makes changes last. Returns what is wrong, or nothing.
  virtual std::string apply(const std::vector<CookieChange>& changes) = 0;
};

/// Cookies in a file of JSON lines, in Crossbar's format: each change is a line at the end. The file is written anew
/// when most of its lines are out of date. nullptr, with the reason in `problem`, if it cannot be used.
std::unique_ptr<CookieBackend> open_cookie_file(const settings::Cookie& settings, std::string& problem);

/// Cookies in an SQLite database.
std::unique_ptr<CookieBackend> open_cookie_database(const settings::Cookie& settings, std::string& problem);

/// Has changes made by a thread of its own, since disks are slow. Any thread. What waits is bounded by the number of
/// cookies: a later change of a cookie takes the place of an earlier one. All is done when the destructor returns.
class CookieWriter {
 public:
  explicit CookieWriter(std::unique_ptr<CookieBackend> backend);
  ~CookieWriter();
  CookieWriter(const CookieWriter&) = delete;
  CookieWriter& operator=(const CookieWriter&) = delete;

  void write(CookieChange change);

 private:
  void run();

  std::unique_ptr<CookieBackend> backend_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, CookieChange> waiting_;  // by id; guarded by mutex_
  bool ending_ = false;                          // guarded by mutex_
  std::thread thread_;
};

}  // namespace crosspoint::connection
