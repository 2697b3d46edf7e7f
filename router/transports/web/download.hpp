#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace httplib {
class Client;
}

namespace crosspoint::transports::web {

/// Fetches a file over HTTP or HTTPS, whose certificate must be good by the system's authorities. Blocks its thread:
/// not for I/O threads.
class Download {
 public:
  /// More is not taken.
  static constexpr std::uint64_t kMaxSize = 1024ULL * 1024 * 1024;
  /// Whether what has come, in the file `name`, is what it should be; says why not in `problem`.
  using Check = std::function<bool(const std::string& name, std::string& problem)>;

  /// From `url` (http:// or https://, and a host) to `file`, which must not be there.
  Download(std::string url, std::string file);
  ~Download();
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  /// Tries it once. The file appears when it is whole and `check` is content. False, with the reason in `problem`, if
  /// it does not; nothing is left over then.
  bool run(const Check& check, std::string& problem);

  /// Any thread: has run() return soon, for good.
  void stop();

 private:
  bool fetch_to(int fd, std::string& problem);

  const std::string url_;
  const std::string file_;
  std::string path_;  // of the URL, with its query
  std::unique_ptr<httplib::Client> client_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace crosspoint::transports::web
