#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/chunk.hpp"

/// HTTP/1.1 requests and responses as the path services see them; the parser stays in http_protocol.cpp.
namespace crosspoint::transports {

struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target;  ///< as sent: "/a%20b?x=1"
  std::string path;    ///< decoded, without query, always beginning with '/': "/a b"
  std::string query;   ///< as sent, without the '?'
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case, in the order received
  std::string body;
  bool http_1_0 = false;
  bool keep_alive = true;

  /// The first value of a header (name in lower case); empty if there is none.
  std::string_view header(std::string_view name) const;
  /// All values of a header, joined by ", ".
  std::string joined_header(std::string_view name) const;
};

/// A part of a file that is sent as a body.
struct FileRange {
  int fd = -1;  ///< owned by the response
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct HttpResponse {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< without Content-Length, Date, Server and Connection
  std::string body;
  FileRange file;      ///< instead of `body`, if its fd is set
  bool close = false;  ///< end the connection after it

  HttpResponse() = default;
  HttpResponse(HttpResponse&& other) noexcept { *this = std::move(other); }
  HttpResponse& operator=(HttpResponse&& other) noexcept;
  HttpResponse(const HttpResponse&) = delete;
  HttpResponse& operator=(const HttpResponse&) = delete;
  ~HttpResponse();

  void set(std::string name, std::string value) { headers.emplace_back(std::move(name), std::move(value)); }

  /// True if there is a header of that name (in lower case).
  bool has(std::string_view name) const;

  /// A short plain-text answer.
  static HttpResponse text(unsigned status, std::string body);
  static HttpResponse html(unsigned status, std::string body);
};

/// "Not Found" for 404; empty for numbers without a name.
std::string_view status_text(unsigned status);

}  // namespace crosspoint::transports
