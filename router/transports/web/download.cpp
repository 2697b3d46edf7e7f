#include "transports/web/download.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <httplib.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace crosspoint::transports::web {
namespace {

constexpr int kConnectSeconds = 10;
constexpr int kSilentSeconds = 10;  // so long may nothing come

std::string system_problem() { return std::generic_category().message(errno); }

std::string describe(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
    case httplib::Error::ConnectionTimeout:
      return "the server cannot be reached";
    case httplib::Error::Read:
      return "the connection ended, or stood still, before all of it was there";
    case httplib::Error::ExceedRedirectCount:
      return "it is redirected too often";
    case httplib::Error::SSLConnection:
      return "the TLS handshake failed";
    case httplib::Error::SSLServerVerification:
      return "the server's certificate is not to be trusted";
    default:
      return "HTTP failed: " + httplib::to_string(error);
  }
}

bool write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ::ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Download::Download(std::string url, std::string file) : url_(std::move(url)), file_(std::move(file)) {
  const std::string_view whole = std::string_view(url_).substr(0, url_.find('#'));
  const std::size_t host = whole.find("://") + 3;
  const std::size_t end = std::min(whole.find_first_of("/?", host), whole.size());
  path_ = whole.substr(end);
  if (!path_.starts_with('/')) path_.insert(0, "/");
  client_ = std::make_unique<httplib::Client>(std::string(whole.substr(0, end)));
  client_->set_connection_timeout(kConnectSeconds);
  client_->set_read_timeout(kSilentSeconds);
  client_->set_write_timeout(kSilentSeconds);
  client_->set_follow_location(true);
  client_->set_decompress(false);  // an archive is kept as it is
}

Download::~Download() = default;

void Download::stop() {
  stopped_ = true;
  client_->stop();
}

bool Download::run(const Check& check, std::string& problem) {
  // A name of its own, since another service may be fetching the same file.
  std::string part = file_ + ".XXXXXX";
  const int fd = ::mkostemp(part.data(), O_CLOEXEC);
  if (fd < 0) {
    problem = fmt::format("cannot write {}: {}", part, system_problem());
    return false;
  }
  bool good = fetch_to(fd, problem);
  if (::close(fd) != 0 && good) {
    problem = fmt::format("cannot write {}: {}", part, system_problem());
    good = false;
  }
  good = good && check(part, problem);
  std::error_code error;
  if (good) std::filesystem::rename(part, file_, error);
  if (error) problem = fmt::format("cannot write {}: {}", file_, error.message());
  if (good && !error) return true;
  std::filesystem::remove(part, error);
  return false;
}

bool Download::fetch_to(int fd, std::string& problem) {
  if (!client_->is_valid()) {
    problem = "the URL cannot be used";
    return false;
  }
  std::uint64_t size = 0;
  const auto result = client_->Get(
      path_, {{"Accept-Encoding", "identity"}},
      [&](const httplib::Response& response) {
        if (response.status != 200) problem = fmt::format("the server answers {}", response.status);
        return response.status == 200;
      },
      [&](const char* data, std::size_t length) {
        if (stopped_) return false;
        size += length;
        if (size > kMaxSize) {
          problem = fmt::format("it has more than {} bytes", kMaxSize);
        } else if (!write_all(fd, data, length)) {
          problem = fmt::format("it cannot be written: {}", system_problem());
        }
        return problem.empty();
      });
  if (stopped_) {
    problem = "stopped";
  } else if (problem.empty() && !result) {
    problem = describe(result.error());
  }
  return problem.empty();
}

}  // namespace crosspoint::transports::web
