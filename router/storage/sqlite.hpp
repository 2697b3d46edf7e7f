#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// SQLite's handles with owners, and no more of it than the router needs. One thread at a time.
namespace crosspoint::storage {

class Statement;

/// A database file. After a function that returned false, error() says why.
class Database {
 public:
  bool open(const std::string& path);
  /// Runs statements that give no rows.
  bool run(const char* sql);
  Statement prepare(std::string_view sql);
  std::string error() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement, to be used many times: bind, step until done, reset.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* handle = nullptr) : handle_(handle) {}

  bool good() const { return handle_ != nullptr; }
  // Places count from 1. What is bound has to live until reset().
  Statement& bind(int place, std::int64_t value);
  Statement& bind(int place, std::string_view text);
  Statement& bind_bytes(int place, std::string_view bytes);
  Statement& bind_null(int place);
  /// True: there is a row. False: there is none (any more), or failed() is true.
  bool step();
  bool failed() const { return failed_; }
  void reset();
  /// Steps a statement that gives no rows, and resets it. False if it failed.
  bool run();

  // Columns of the current row, counted from 0; views are valid until the next step.
  std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  std::string_view bytes(int column) const;
  bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  bool failed_ = false;
};

}  // namespace crosspoint::storage
