#include "storage/sqlite.hpp"

namespace crosspoint::storage {

bool Database::open(const std::string& path) {
  sqlite3* handle = nullptr;
  // Used by one thread at a time, which is what this flag asks of us.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  return result == SQLITE_OK;
}

bool Database::run(const char* sql) { return sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

Statement Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                     nullptr);
  return Statement(statement);
}

std::string Database::error() const {
  return handle_ != nullptr ? sqlite3_errmsg(handle_.get()) : std::string("out of memory");
}

Statement& Statement::bind(int place, std::int64_t value) {
  failed_ = sqlite3_bind_int64(handle_.get(), place, value) != SQLITE_OK || failed_;
  return *this;
}

Statement& Statement::bind(int place, std::string_view text) {
  failed_ = sqlite3_bind_text64(handle_.get(), place, text.data() != nullptr ? text.data() : "", text.size(),
                                SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK ||
            failed_;
  return *this;
}

Statement& Statement::bind_bytes(int place, std::string_view bytes) {
  failed_ =
      sqlite3_bind_blob64(handle_.get(), place, bytes.data(), bytes.size(), SQLITE_STATIC) != SQLITE_OK || failed_;
  return *this;
}

Statement& Statement::bind_null(int place) {
  failed_ = sqlite3_bind_null(handle_.get(), place) != SQLITE_OK || failed_;
  return *this;
}

bool Statement::step() {
  if (failed_) return false;
  const int result = sqlite3_step(handle_.get());
  failed_ = result != SQLITE_ROW && result != SQLITE_DONE;
  return result == SQLITE_ROW;
}

void Statement::reset() {
  sqlite3_reset(handle_.get());
  failed_ = false;
}

bool Statement::run() {
  while (step()) {
  }
  const bool good = !failed_;
  reset();
  return good;
}

std::string_view Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_.get(), column));
  return {data, data != nullptr ? static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)) : 0};
}

}  // namespace crosspoint::storage
