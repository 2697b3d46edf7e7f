#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <optional>

#include "transports/web/mime_types.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

std::string http_time(std::time_t time) { return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(time)); }

/// An open file and what the system says of it.
struct OpenFile {
  int fd = -1;
  struct stat info {};

  explicit OpenFile(const std::string& path) : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd >= 0 && ::fstat(fd, &info) != 0) close();
  }
  ~OpenFile() { close(); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  bool is_file() const { return fd >= 0 && S_ISREG(info.st_mode); }
  bool is_directory() const { return fd >= 0 && S_ISDIR(info.st_mode); }
  int release() { return std::exchange(fd, -1); }
  void close() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
};

/// "bytes=a-b" of a file of `size` bytes (RFC 9110, 14.2); only single ranges.
enum class Range { none, good, unsatisfiable };
Range parse_range(std::string_view header, std::uint64_t size, std::uint64_t& first, std::uint64_t& last) {
  if (!header.starts_with("bytes=") || header.find(',') != std::string_view::npos) return Range::none;
  header.remove_prefix(6);
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return Range::none;
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
  };
  const auto from = number(header.substr(0, dash));
  const auto to = number(header.substr(dash + 1));
  if (!from && !to) return Range::none;
  if (!from) {  // the last so many bytes
    if (dash != 0) return Range::none;
    if (*to == 0 || size == 0) return Range::unsatisfiable;
    first = size - std::min(*to, size);
    last = size - 1;
    return Range::good;
  }
  if (!to && dash + 1 != header.size()) return Range::none;
  if (to && *to < *from) return Range::none;
  if (*from >= size) return Range::unsatisfiable;
  first = *from;
  last = std::min(to.value_or(size - 1), size - 1);
  return Range::good;
}

/// Files of a directory and those below it.
class StaticFiles final : public HttpService {
 public:
  explicit StaticFiles(const settings::StaticFiles& settings) : settings_(settings) {}

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override {
    const HttpRequest& request = exchange->request();
    if (request.method != "GET" && request.method != "HEAD") return exchange->respond(method_not_allowed("GET, HEAD"));
    if (!is_safe_path(rest)) return exchange->respond(not_found(request));
    const std::string path = settings_.directory + "/" + std::string(rest);
    OpenFile file(path);
    // "/page.html/" names no file
    if (file.is_file() && !request.path.ends_with('/')) return exchange->respond(serve(request, file, path));
    if (file.is_directory()) return exchange->respond(serve_directory(request, path));
    exchange->respond(missing(request));
  }

 private:
  HttpResponse serve_directory(const HttpRequest& request, const std::string& path) const {
    if (!request.path.ends_with('/')) {
      const auto mark = request.target.find('?');
      const std::string target = request.target.substr(0, mark) + "/" +
                                 (mark == std::string::npos ? std::string() : request.target.substr(mark));
      HttpResponse response = HttpResponse::text(302, "see " + target + "\n");
      // A target that begins with two slashes would name another host.
      response.set("Location", "/" + target.substr(target.find_first_not_of('/')));
      return response;
    }
    for (const char* index : {"index.html", "index.htm"}) {
      OpenFile file(path + "/" + index);
      if (file.is_file()) return serve(request, file, index);
    }
    return settings_.enable_directory_listing ? list(request, path) : missing(request);
  }

  HttpResponse missing(const HttpRequest& request) const {
    if (!settings_.default_file.empty()) {
      const std::string path = settings_.directory + "/" + settings_.default_file;
      OpenFile file(path);
      if (file.is_file()) return serve(request, file, path);
    }
    return not_found(request);
  }

  std::string type_of(const std::string& path) const {
    const std::string ending = std::filesystem::path(path).extension().string();
    const auto configured = settings_.mime_types.find(ending);
    return configured != settings_.mime_types.end() ? configured->second : std::string(mime_type(ending));
  }

  void set_headers(const HttpRequest& request, const struct stat& info, const std::string& etag,
                   HttpResponse& response) const {
    response.set("ETag", etag);
    response.set("Last-Modified", http_time(info.st_mtime));
    response.set("Accept-Ranges", "bytes");
    if (settings_.cache_timeout) {
      response.set("Cache-Control", fmt::format("max-age={}, public", *settings_.cache_timeout));
      response.set("Expires", http_time(std::time(nullptr) + *settings_.cache_timeout));
    }
    allow_cross_origin(request, response);
  }

  static bool is_unchanged(const HttpRequest& request, const struct stat& info, const std::string& etag) {
    const std::string known = request.joined_header("if-none-match");
    if (!known.empty()) return known == "*" || known.find(etag) != std::string::npos;
    return request.header("if-modified-since") == http_time(info.st_mtime);
  }

  HttpResponse serve(const HttpRequest& request, OpenFile& file, const std::string& path) const {
    HttpResponse response;
    const auto size = static_cast<std::uint64_t>(file.info.st_size);
    const std::string etag =
        fmt::format("\"{:x}-{:x}-{:x}\"", file.info.st_mtim.tv_sec, file.info.st_mtim.tv_nsec, size);
    set_headers(request, file.info, etag, response);
    if (is_unchanged(request, file.info, etag)) {
      response.status = 304;
      return response;
    }
    response.set("Content-Type", type_of(path));
    std::uint64_t first = 0;
    std::uint64_t last = size == 0 ? 0 : size - 1;
    const std::string_view condition = request.header("if-range");
    const bool ranged = condition.empty() || condition == etag;
    switch (ranged ? parse_range(request.header("range"), size, first, last) : Range::none) {
      case Range::unsatisfiable:
        response.status = 416;
        response.set("Content-Range", fmt::format("bytes */{}", size));
        return response;
      case Range::good:
        response.status = 206;
        response.set("Content-Range", fmt::format("bytes {}-{}/{}", first, last, size));
        break;
      case Range::none:
        break;
    }
    response.file = {file.release(), first, size == 0 ? 0 : last - first + 1};
    return response;
  }

  static HttpResponse list(const HttpRequest& request, const std::string& path) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
      names.push_back(entry.path().filename().string() + (entry.is_directory(error) ? "/" : ""));
    }
    std::sort(names.begin(), names.end());
    const std::string title = escape_html(request.path);
    std::string page = fmt::format(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{0}</title></head>"
        "<body><h1>{0}</h1><ul>\n<li><a href=\"../\">../</a></li>\n",
        title);
    for (const auto& name : names) {
      page += fmt::format("<li><a href=\"./{}\">{}</a></li>\n", encode(name), escape_html(name));
    }
    return HttpResponse::html(200, page + "</ul></body></html>\n");
  }

  static std::string encode(const std::string& name) {
    std::string result;
    for (const unsigned char c : name) {
      const bool plain =
          std::isalnum(c) != 0 || std::string_view("-._~/").find(static_cast<char>(c)) != std::string_view::npos;
      result += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    }
    return result;
  }

  settings::StaticFiles settings_;
};

}  // namespace

std::unique_ptr<HttpService> make_static_files(const settings::StaticFiles& settings) {
  return std::make_unique<StaticFiles>(settings);
}

}  // namespace crosspoint::transports::web
