#include "guests/directory_watch.hpp"

#include <fmt/core.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace crosspoint::guests {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB;

}  // namespace

DirectoryWatch::DirectoryWatch(boost::asio::io_context& context, std::function<void(const std::string& path)> changed)
    : descriptor_(context, ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), changed_(std::move(changed)) {
  wait();
}

bool DirectoryWatch::add(const std::string& directory, std::string& problem) {
  const int watch = ::inotify_add_watch(descriptor_.native_handle(), directory.c_str(), kEvents | IN_ONLYDIR);
  if (watch < 0) {
    problem = fmt::format("{} cannot be watched: {}", directory, std::strerror(errno));
    return false;
  }
  directories_[watch] = directory;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.is_directory(error) && !entry.is_symlink(error) && !add(entry.path().string(), problem)) return false;
  }
  return true;
}

void DirectoryWatch::wait() {
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    read();
    wait();
  });
}

void DirectoryWatch::read() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  std::string path;
  for (ssize_t size = 0; (size = ::read(descriptor_.native_handle(), buffer.data(), buffer.size())) > 0;) {
    for (const char* at = buffer.data(); at < buffer.data() + size;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      const char* name = at + sizeof event;
      at = name + event.len;
      const auto directory = directories_.find(event.wd);
      if (directory == directories_.end() || event.len == 0) continue;
      path = directory->second + "/" + name;
      std::string problem;
      if ((event.mask & IN_ISDIR) != 0 && (event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) add(path, problem);
    }
  }
  if (!path.empty()) changed_(path);
}

}  // namespace crosspoint::guests
