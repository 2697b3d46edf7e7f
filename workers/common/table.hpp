#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json.hpp"

namespace workshop {

/// JSON documents on disk, one file each: <folder>/<table>/data/<id>.json, where the folder is that of the variable
/// WORKSHOP_DB, or db/. A file is written beside its place and then put there, so that nobody ever reads half of one.
/// Several programs may use a table at a time. If the disk fails these throw Unreachable.
class Table {
 public:
  explicit Table(const std::string& name);

  /// Any text as an id: what a file's name must not have is escaped as in a URL, and what is too long shortened.
  static std::string id_of(const std::string& text);

  /// An id that no other document has, in the order of time.
  static std::string next_id();

  /// Writes a document that is not there yet; false if it is. Then it is on the disk.
  bool add(const std::string& id, const Json& document) const;

  /// Writes a document in place of the one that is there, if there is one.
  void put(const std::string& id, const Json& document) const;

  bool has(const std::string& id) const;
  std::optional<Json> get(const std::string& id) const;

  /// All ids, in order.
  std::vector<std::string> ids() const;

  /// Not an error if it is not there.
  void remove(const std::string& id) const;

 private:
  std::string file(const std::string& id) const { return data_ + "/" + id + ".json"; }

  std::string name_;
  std::string folder_;
  std::string data_;
};

/// So many random letters and digits, for passwords, tokens and the like.
std::string random_text(std::size_t length);

}  // namespace workshop
