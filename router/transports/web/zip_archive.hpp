#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct zip;
struct zip_file;

namespace crosspoint::transports::web {

/// A ZIP archive that is open for reading. The list of entries is constant; what reads is for one thread at a time.
class ZipArchive {
 public:
  struct Entry {
    std::uint64_t index = 0;
    std::uint64_t size = 0;  ///< of the contents
    std::uint32_t crc = 0;
  };

  /// nullptr, with the reason in `problem`, if the file is no archive that can be read.
  static std::unique_ptr<ZipArchive> open(const std::string& file, std::string& problem);
  ~ZipArchive();
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;

  /// nullptr if there is no such file in it. Directories are none.
  const Entry* find(std::string_view name) const;
  std::size_t size() const { return entries_.size(); }

  /// One entry that is being read. Must not outlive the archive.
  class Reader {
   public:
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    /// Replaces `out` by the next bytes, at most `most`; empty when all is read. False, with the reason in `problem`,
    /// if the entry is damaged. The last bytes come only if the checksum is right.
    bool read(std::size_t most, std::string& out, std::string& problem);
    std::uint64_t left() const { return left_; }

   private:
    friend class ZipArchive;
    Reader(zip_file* file, std::uint64_t size) : file_(file), left_(size) {}
    zip_file* file_;
    std::uint64_t left_;
  };
  /// nullptr, with the reason in `problem`, if that cannot be (it is encrypted, say).
  std::unique_ptr<Reader> read(const Entry& entry, std::string& problem);

 private:
  explicit ZipArchive(zip* handle) : handle_(handle) {}

  zip* handle_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace crosspoint::transports::web
