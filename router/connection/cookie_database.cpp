#include <sqlite3.h>
#include <sys/stat.h>

#include <string_view>

#include "connection/cookie_writer.hpp"

namespace crosspoint::connection {
namespace {

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS cookies (id TEXT PRIMARY KEY, created INTEGER NOT NULL, max_age INTEGER NOT NULL, "
    "realm TEXT NOT NULL, authid TEXT NOT NULL, role TEXT NOT NULL, method TEXT NOT NULL, extra TEXT NOT NULL) "
    "WITHOUT ROWID";

class CookieDatabase final : public CookieBackend {
 public:
  explicit CookieDatabase(const settings::Cookie& settings) : settings_(settings), path_(settings.store_path) {
    // Crossbar's path is a directory.
    struct stat file {};
    if (::stat(path_.c_str(), &file) == 0 && S_ISDIR(file.st_mode)) path_ += "/cookies.sqlite";
  }

  bool open(std::string& problem) {
    const int flags = settings_.readonly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const mode_t before = ::umask(0077);  // cookies are secrets
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(path_.c_str(), &opened, flags, nullptr);
    database_.reset(opened);
    const bool good = result == SQLITE_OK && prepare();
    ::umask(before);
    if (!good) problem = "cannot use the cookie database " + path_ + ": " + error();
    return good;
  }

  bool load(std::vector<Cookie>& out, std::string& problem) override {
    const Statement rows = compile("SELECT id, created, max_age, realm, authid, role, method, extra FROM cookies");
    if (rows) {
      while (sqlite3_step(rows.get()) == SQLITE_ROW) out.push_back(read(rows.get()));
    }
    if (sqlite3_errcode(database_.get()) == SQLITE_DONE) return true;
    problem = "cannot read the cookie database " + path_ + ": " + error();
    return false;
  }

  std::string apply(const std::vector<CookieChange>& changes) override {
    bool good = run("BEGIN");
    for (const auto& change : changes) good = good && (change.erased ? remove(change.cookie) : put(change.cookie));
    if (good && run("COMMIT")) return {};
    const std::string problem = path_ + ": " + error();
    run("ROLLBACK");
    return problem;
  }

 private:
  bool prepare() {
    if (settings_.readonly) return true;
    // One store uses the database, and finds out at once if there is another.
    if (!run("PRAGMA locking_mode = EXCLUSIVE") || !run("PRAGMA journal_mode = WAL") ||
        !run(settings_.sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF") || !run(kSchema)) {
      return false;
    }
    if (settings_.purge_on_startup && !run("DELETE FROM cookies")) return false;
    constexpr std::uint64_t kPage = 4096;
    const std::string pages = std::to_string(settings_.max_size / kPage);
    return run(("PRAGMA max_page_count = " + pages).c_str());
  }

  bool put(const Cookie& cookie) {
    if (!put_) put_ = compile("INSERT OR REPLACE INTO cookies VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    if (!put_) return false;
    sqlite3_stmt* statement = put_.get();
    bind(statement, 1, cookie.id);
    sqlite3_bind_int64(statement, 2, cookie.created);
    sqlite3_bind_int64(statement, 3, cookie.max_age);
    bind(statement, 4, cookie.login.realm);
    bind(statement, 5, cookie.login.authid);
    bind(statement, 6, cookie.login.role);
    bind(statement, 7, cookie.login.method);
    bind(statement, 8, cookie.login.extra);
    return finish(statement);
  }

  bool remove(const Cookie& cookie) {
    if (!remove_) remove_ = compile("DELETE FROM cookies WHERE id = ?");
    if (!remove_) return false;
    bind(remove_.get(), 1, cookie.id);
    return finish(remove_.get());
  }

  /// The text must stay until finish().
  static void bind(sqlite3_stmt* statement, int place, const std::string& text) {
    sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }

  static bool finish(sqlite3_stmt* statement) {
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK;
  }

  static Cookie read(sqlite3_stmt* row) {
    const auto text = [row](int column) {
      const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
      return std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
    };
    Cookie cookie;
    cookie.id = text(0);
    cookie.created = sqlite3_column_int64(row, 1);
    cookie.max_age = static_cast<std::uint32_t>(sqlite3_column_int64(row, 2));
    cookie.login = {text(3), text(4), text(5), text(6), text(7)};
    return cookie;
  }

  Statement compile(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr);
    return Statement(statement);
  }
  bool run(const char* sql) { return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK; }
  std::string error() const {
    if (!database_) return "out of memory";
    return sqlite3_errcode(database_.get()) == SQLITE_BUSY ? "another router uses it" : sqlite3_errmsg(database_.get());
  }

  const settings::Cookie settings_;
  std::string path_;
  std::unique_ptr<sqlite3, Close> database_;
  Statement put_, remove_;  // closed before the database
};

}  // namespace

std::unique_ptr<CookieBackend> open_cookie_database(const settings::Cookie& settings, std::string& problem) {
  auto database = std::make_unique<CookieDatabase>(settings);
  if (!database->open(problem)) return nullptr;
  return database;
}

}  // namespace crosspoint::connection
