#include "common/table.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "common/log.hpp"
#include "common/unreachable.hpp"

namespace workshop {
namespace {

constexpr std::size_t kLongestId = 160;  // a file's name has at most 255 bytes

/// A file that is gone again unless it was given another name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& folder) : path_(folder + "/.new-" + random_text(16)) {
    // Users' tokens are in these files.
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor_ < 0) fail("creating");
  }
  ~TemporaryFile() {
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("writing");
      done += static_cast<std::size_t>(count);
    }
    if (::fsync(descriptor_) != 0) fail("writing");
  }

  /// Puts it in its place in a folder, unless something is there: link(), other than rename(), never replaces.
  bool add(const std::string& folder, const std::string& place) {
    const bool is_there = ::link(path_.c_str(), place.c_str()) != 0;
    if (is_there && errno != EEXIST) fail("placing");
    write_entry(folder);
    return !is_there;
  }

  /// The same whatever is there.
  void put(const std::string& folder, const std::string& place) {
    if (::rename(path_.c_str(), place.c_str()) != 0) fail("placing");
    write_entry(folder);
  }

 private:
  void write_entry(const std::string& folder) {
    // The folder's entry has to be on the disk as well, also if another program has just made it.
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool is_written = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (descriptor >= 0) ::close(descriptor);
    if (!is_written) fail("placing");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Unreachable(what + " " + path_ + " failed: " + std::strerror(errno));
  }

  std::string path_;
  int descriptor_ = -1;
};

std::string hex(const unsigned char* bytes, std::size_t count) {
  static const char* const digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
  return text;
}

}  // namespace

Table::Table(const std::string& name)
    : name_(name), folder_(environment("WORKSHOP_DB", "db") + "/" + name), data_(folder_ + "/data") {}

std::string Table::id_of(const std::string& text) {
  std::string id;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '@';
    if (plain) {
      id += c;
    } else {
      id += "%" + hex(&byte, 1);
    }
  }
  if (id.size() <= kLongestId) return id;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return id.substr(0, kLongestId - 2 * sizeof digest) + hex(digest, sizeof digest);
}

std::string Table::next_id() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  return std::to_string(microseconds) + "-" + random_text(6);
}

bool Table::add(const std::string& id, const Json& document) const {
  std::error_code failed;  // then there is no place for the file either, which says why
  std::filesystem::create_directories(data_, failed);
  TemporaryFile temporary(folder_);
  temporary.write(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  return temporary.add(data_, file(id));
}

void Table::put(const std::string& id, const Json& document) const {
  std::error_code failed;  // then there is no place for the file either, which says why
  std::filesystem::create_directories(data_, failed);
  TemporaryFile temporary(folder_);
  temporary.write(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  temporary.put(data_, file(id));
}

bool Table::has(const std::string& id) const { return std::filesystem::exists(file(id)); }

std::optional<Json> Table::get(const std::string& id) const {
  std::ifstream in(file(id));
  if (!in && has(id)) throw Unreachable("reading " + file(id) + " failed");
  if (!in) return std::nullopt;
  Json document = Json::parse(in, nullptr, false);
  if (document.is_discarded()) {
    terminal_log("The document " + file(id) + " is not JSON; it counts as missing");
    return std::nullopt;
  }
  return document;
}

std::vector<std::string> Table::ids() const {
  std::vector<std::string> ids;
  std::error_code failed;  // there is no folder yet
  for (std::filesystem::directory_iterator entry(data_, failed), end; entry != end; entry.increment(failed)) {
    if (entry->path().extension() == ".json") ids.push_back(entry->path().stem().string());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

void Table::remove(const std::string& id) const {
  if (::unlink(file(id).c_str()) == 0 || errno == ENOENT) return;
  throw Unreachable("removing " + file(id) + " failed: " + std::strerror(errno));
}

std::string random_text(std::size_t length) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr unsigned kLetters = sizeof letters - 1;
  std::string text;
  while (text.size() < length) {
    unsigned char byte = 0;
    if (RAND_bytes(&byte, 1) != 1) throw std::runtime_error("the system has no random numbers");
    // The last bytes would favour the first letters.
    if (byte < 256 / kLetters * kLetters) text += letters[byte % kLetters];
  }
  return text;
}

}  // namespace workshop
