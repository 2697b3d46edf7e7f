#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error_text.hpp"
#include "base/log.hpp"
#include "connection/cookie_writer.hpp"

namespace crosspoint::connection {
namespace {

using nlohmann::json;

/// Lines that may be out of date before the file is written anew, besides as many as there are cookies.
constexpr std::size_t kSpareLines = 1000;

/// "2026-01-02T03:04:05.000Z"
std::string time_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.000Z", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

std::int64_t read_time(const std::string& text) {
  std::tm parts{};
  return ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) != nullptr ? ::timegm(&parts) : 0;
}

std::string line_of(const Cookie& cookie, const char* status) {
  const bool deleted = std::string_view(status) == "deleted";
  const json extra = cookie.login.extra.empty() ? json() : json::parse(cookie.login.extra, nullptr, false);
  const std::string now = time_text(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  return json{{"cbtid", cookie.id},
              {"status", status},
              {"created", time_text(cookie.created)},
              {"modified", deleted ? json() : json(now)},
              {"deleted", deleted ? json(now) : json()},
              {"max_age", cookie.max_age},
              {"authid", cookie.login.authid},
              {"authrole", cookie.login.role},
              {"authmethod", cookie.login.method},
              {"authrealm", cookie.login.realm},
              {"authextra", extra}}
             .dump(-1, ' ', false, json::error_handler_t::replace) +
         "\n";
}

std::string text(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

/// False if the line is no record of a cookie.
bool read_line(const std::string& line, Cookie& cookie, bool& deleted) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return false;
  cookie.id = text(object, "cbtid");
  const auto max_age = object.find("max_age");
  if (cookie.id.empty() || max_age == object.end() || !max_age->is_number_unsigned()) return false;
  cookie.created = read_time(text(object, "created"));
  cookie.max_age = max_age->get<std::uint32_t>();
  cookie.login = {
      text(object, "authrealm"), text(object, "authid"), text(object, "authrole"), text(object, "authmethod"), {}};
  if (const auto extra = object.find("authextra"); extra != object.end() && extra->is_object()) {
    cookie.login.extra = extra->dump();
  }
  deleted = !text(object, "deleted").empty();
  return true;
}

class CookieFile final : public CookieBackend {
 public:
  CookieFile(std::string path, bool purge) : path_(std::move(path)), purge_(purge) {}
  ~CookieFile() override {
    if (fd_ >= 0) ::close(fd_);
  }
  CookieFile(const CookieFile&) = delete;
  CookieFile& operator=(const CookieFile&) = delete;

  bool open(std::string& problem) {
    fd_ = open_locked(path_, O_APPEND);
    if (fd_ < 0) problem = "cannot use the cookie file " + path_ + ": " + lock_error();
    return fd_ >= 0;
  }

  bool load(std::vector<Cookie>& out, std::string& problem) override {
    std::ifstream stream(path_);
    if (!stream) {
      problem = "cannot read the cookie file " + path_ + ": " + base::error_text(errno);
      return false;
    }
    std::map<std::string, Cookie> cookies;
    std::size_t bad = 0;
    for (std::string line; std::getline(stream, line); ++lines_) {
      Cookie cookie;
      bool deleted = false;
      if (!read_line(line, cookie, deleted)) {
        ++bad;  // the last one may be cut short
      } else if (deleted || cookie.login.authid.empty()) {
        cookies.erase(cookie.id);
      } else {
        cookies.insert_or_assign(cookie.id, cookie);
      }
    }
    if (bad > 0) log::warn("{}: {} lines are no records of cookies and count for nothing", path_, bad);
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    for (auto& [id, cookie] : cookies) {
      if (purge_ && cookie.expiry() <= now) continue;
      current_[id] = line_of(cookie, "modified");
      out.push_back(std::move(cookie));
    }
    if (purge_ || bad > 0) problem = rewrite();
    return problem.empty();
  }

  std::string apply(const std::vector<CookieChange>& changes) override {
    std::string lines;
    for (const auto& [cookie, erased] : changes) {
      const bool known = current_.contains(cookie.id);
      if (erased && !known) continue;
      const std::string line = line_of(cookie, erased ? "deleted" : known ? "modified" : "created");
      lines += line;
      ++lines_;
      if (erased) {
        current_.erase(cookie.id);
      } else {
        current_[cookie.id] = line;
      }
    }
    if (lines_ > 2 * current_.size() + kSpareLines) return rewrite();
    return write_all(fd_, lines) ? std::string() : path_ + ": " + base::error_text(errno);
  }

 private:
  /// The file is for one store at a time, and for nobody else to read.
  static int open_locked(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(fd);
      errno = error;
      return -1;
    }
    return fd;
  }

  static std::string lock_error() { return errno == EWOULDBLOCK ? "another router uses it" : base::error_text(errno); }

  static bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fdatasync(fd) == 0;
  }

  /// Puts a file with the current lines only in place of the old one.
  std::string rewrite() {
    const std::string draft = path_ + ".new";
    const int fd = open_locked(draft, O_APPEND | O_TRUNC);
    if (fd < 0) return draft + ": " + lock_error();
    std::string lines;
    for (const auto& [id, line] : current_) lines += line;
    if (!write_all(fd, lines) || ::rename(draft.c_str(), path_.c_str()) != 0) {
      const std::string problem = draft + ": " + base::error_text(errno);
      ::close(fd);
      return problem;
    }
    ::close(fd_);
    fd_ = fd;
    lines_ = current_.size();
    return {};
  }

  const std::string path_;
  const bool purge_;
  int fd_ = -1;
  std::size_t lines_ = 0;
  std::map<std::string, std::string> current_;  // by id: the line that counts
};

}  // namespace

std::unique_ptr<CookieBackend> open_cookie_file(const settings::Cookie& settings, std::string& problem) {
  auto file = std::make_unique<CookieFile>(settings.store_path, settings.purge_on_startup);
  if (!file->open(problem)) return nullptr;
  return file;
}

}  // namespace crosspoint::connection
