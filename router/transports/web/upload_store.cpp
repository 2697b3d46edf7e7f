#include "transports/web/upload_store.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include "base/log.hpp"
#include "serializers/reader.hpp"

namespace crosspoint::transports::web {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxChunks = 1 << 20;
constexpr std::string_view kStart = "upload-";
constexpr std::string_view kEnding = ".part";

/// A name that a file of the directory may have. The first dot is for files of ours.
bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name.front() != '.' && serializers::is_utf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](unsigned char c) { return c < ' ' || c == 0x7f || c == '/' || c == '\\'; });
}

/// How many bytes a chunk must have; nothing makes sense if the result is not what the client sends.
std::uint64_t size_of(const UploadChunk& chunk) {
  return chunk.number < chunk.total_chunks ? chunk.chunk_size
                                           : chunk.total_size - (chunk.total_chunks - 1) * chunk.chunk_size;
}

std::string system_problem(std::string_view what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

struct File {
  int fd = -1;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::string UploadStore::open() {
  struct stat complete {};
  struct stat temporary {};
  if (::stat(settings_.directory.c_str(), &complete) != 0 || !S_ISDIR(complete.st_mode)) {
    return fmt::format("there is no directory {}", settings_.directory);
  }
  ::mkdir(settings_.temp_directory.c_str(), 0700);
  if (::stat(settings_.temp_directory.c_str(), &temporary) != 0 || !S_ISDIR(temporary.st_mode)) {
    return fmt::format("the directory {} cannot be made", settings_.temp_directory);
  }
  for (const auto* directory : {&settings_.directory, &settings_.temp_directory}) {
    if (::access(directory->c_str(), W_OK | X_OK) != 0) {
      return fmt::format("nothing can be written to the directory {}", *directory);
    }
  }
  if (complete.st_dev != temporary.st_dev) {
    return fmt::format("the directories {} and {} must be on one file system, so that files can be renamed",
                       settings_.directory, settings_.temp_directory);
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(settings_.temp_directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kStart) && name.ends_with(kEnding)) fs::remove(entry.path(), error);
  }
  return {};
}

UploadOutcome UploadStore::check(const UploadChunk& chunk) const {
  if (!is_file_name(chunk.name)) return {400, "the file's name cannot be used"};
  if (chunk.total_size > settings_.max_file_size) {
    return {413,
            fmt::format("a file of {} bytes is too large: the limit is {}", chunk.total_size, settings_.max_file_size)};
  }
  const auto& types = settings_.file_types;
  const std::string ending = fs::path(chunk.name).extension().string();
  if (!types.empty() && std::find(types.begin(), types.end(), ending) == types.end()) {
    return {415, fmt::format("files of type \"{}\" are not taken", ending)};
  }
  if (chunk.total_chunks < 1 || chunk.total_chunks > kMaxChunks || chunk.number < 1 ||
      chunk.number > chunk.total_chunks || chunk.chunk_size < 1 || chunk.chunk_size > settings::kMaxUploadChunkSize ||
      (chunk.total_chunks - 1) * chunk.chunk_size > chunk.total_size || chunk.content.size() != size_of(chunk)) {
    return {400, "the chunk's number and size do not fit the file's"};
  }
  return {};
}

UploadOutcome UploadStore::begin(const UploadChunk& chunk, Files::iterator& at) {
  if (unfinished_.size() >= settings_.max_uploads ||
      chunk.total_size > settings_.max_unfinished_size - std::min(reserved_, settings_.max_unfinished_size)) {
    return {503, "too much is being uploaded: try again later"};
  }
  Unfinished file;
  file.total_size = chunk.total_size;
  file.chunk_size = chunk.chunk_size;
  file.chunks.resize(chunk.total_chunks);
  File made;
  do {
    file.path = fmt::format("{}/{}{}-{}{}", settings_.temp_directory, kStart, ::getpid(), ++made_, kEnding);
    made.fd = ::open(file.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  } while (made.fd < 0 && errno == EEXIST);
  if (made.fd < 0) return {500, system_problem("a temporary file cannot be made")};
  reserved_ += chunk.total_size;
  at = unfinished_.emplace(chunk.name, std::move(file)).first;
  return {};
}

UploadOutcome UploadStore::add(const UploadChunk& chunk, Time now) {
  if (auto refused = check(chunk); refused.status != 200) return refused;
  remove_stale(now);
  auto at = unfinished_.find(chunk.name);
  UploadOutcome outcome;
  outcome.first = at == unfinished_.end();
  if (outcome.first) {
    if (auto refused = begin(chunk, at); refused.status != 200) return refused;
  } else if (at->second.total_size != chunk.total_size || at->second.chunk_size != chunk.chunk_size ||
             at->second.chunks.size() != chunk.total_chunks) {
    return {409, "another file of that name is being uploaded"};
  }
  Unfinished& file = at->second;
  file.touched = now;
  std::string problem = write(file, chunk);
  if (problem.empty()) {
    const std::size_t index = chunk.number - 1;
    if (!file.chunks[index]) {
      file.chunks[index] = true;
      ++file.count;
      file.received += chunk.content.size();
    }
    outcome.received = file.received;
    if (file.count < file.chunks.size()) return outcome;
    problem = finish(at->first, file);
    outcome.finished = problem.empty();
  }
  if (!problem.empty()) {
    log::error("upload: {}: {}", chunk.name, problem);
    outcome = {500, "the file could not be written"};
  }
  remove(at);
  return outcome;
}

std::string UploadStore::write(const Unfinished& file, const UploadChunk& chunk) const {
  const File out{::open(file.path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (out.fd < 0) return system_problem(file.path);
  std::string_view content = chunk.content;
  std::uint64_t offset = (chunk.number - 1) * chunk.chunk_size;
  while (!content.empty()) {
    const ssize_t size = ::pwrite(out.fd, content.data(), content.size(), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return system_problem(file.path);
    content.remove_prefix(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
  return {};
}

std::string UploadStore::finish(const std::string& name, const Unfinished& file) const {
  const File done{::open(file.path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (done.fd < 0 || ::fdatasync(done.fd) != 0) return system_problem(file.path);
  if (settings_.permissions != 0 && ::fchmod(done.fd, settings_.permissions) != 0) return system_problem(file.path);
  const std::string path = settings_.directory + "/" + name;
  return ::rename(file.path.c_str(), path.c_str()) == 0 ? std::string() : system_problem(path);
}

bool UploadStore::has(std::string_view name, std::uint64_t number) const {
  const auto at = unfinished_.find(name);
  return at != unfinished_.end() && number >= 1 && number <= at->second.chunks.size() && at->second.chunks[number - 1];
}

void UploadStore::remove_stale(Time now) {
  for (auto at = unfinished_.begin(); at != unfinished_.end();) {
    const auto next = std::next(at);
    if (now - at->second.touched >= std::chrono::seconds(settings_.upload_timeout)) {
      log::info("upload: {} was not finished and has been removed", at->first);
      remove(at);
    }
    at = next;
  }
}

void UploadStore::remove(Files::iterator at) {
  ::unlink(at->second.path.c_str());  // not there any more if it was renamed
  reserved_ -= at->second.total_size;
  unfinished_.erase(at);
}

}  // namespace crosspoint::transports::web
