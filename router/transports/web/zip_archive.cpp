#include "transports/web/zip_archive.hpp"

#include <zip.h>

#include <algorithm>

namespace crosspoint::transports::web {

std::unique_ptr<ZipArchive> ZipArchive::open(const std::string& file, std::string& problem) {
  int code = 0;
  zip* handle = ::zip_open(file.c_str(), ZIP_RDONLY, &code);
  if (handle == nullptr) {
    zip_error_t error;
    ::zip_error_init_with_code(&error, code);
    problem = file + ": " + ::zip_error_strerror(&error);
    ::zip_error_fini(&error);
    return nullptr;
  }
  std::unique_ptr<ZipArchive> archive(new ZipArchive(handle));
  const auto count = static_cast<std::uint64_t>(std::max<zip_int64_t>(0, ::zip_get_num_entries(handle, 0)));
  for (std::uint64_t index = 0; index < count; ++index) {
    zip_stat_t info;
    ::zip_stat_init(&info);
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_CRC;
    if (::zip_stat_index(handle, index, 0, &info) != 0 || (info.valid & kNeeded) != kNeeded) continue;
    const std::string_view name = info.name;
    if (!name.empty() && !name.ends_with('/')) archive->entries_[std::string(name)] = {index, info.size, info.crc};
  }
  return archive;
}

ZipArchive::~ZipArchive() { ::zip_discard(handle_); }

const ZipArchive::Entry* ZipArchive::find(std::string_view name) const {
  const auto at = entries_.find(name);
  return at != entries_.end() ? &at->second : nullptr;
}

std::unique_ptr<ZipArchive::Reader> ZipArchive::read(const Entry& entry, std::string& problem) {
  zip_file* file = ::zip_fopen_index(handle_, entry.index, 0);
  if (file != nullptr) return std::unique_ptr<Reader>(new Reader(file, entry.size));
  problem = ::zip_strerror(handle_);
  return nullptr;
}

ZipArchive::Reader::~Reader() { ::zip_fclose(file_); }

bool ZipArchive::Reader::read(std::size_t most, std::string& out, std::string& problem) {
  out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(most, left_)));
  std::size_t done = 0;
  while (done < out.size()) {
    const zip_int64_t got = ::zip_fread(file_, out.data() + done, out.size() - done);
    if (got <= 0) {
      problem = got == 0 ? "it is shorter than it says" : ::zip_file_strerror(file_);
      return false;
    }
    done += static_cast<std::size_t>(got);
  }
  left_ -= done;
  if (left_ > 0) return true;
  // The library compares the checksum when it is asked for more than there is.
  char beyond = 0;
  const zip_int64_t got = ::zip_fread(file_, &beyond, 1);
  if (got == 0) return true;
  problem = got > 0 ? "it is longer than it says" : ::zip_file_strerror(file_);
  return false;
}

}  // namespace crosspoint::transports::web
