#include "transports/http_message.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>

#include <ostream>

#include <boost/beast/http/status.hpp>

namespace crosspoint::transports {

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::string HttpRequest::joined_header(std::string_view name) const {
  std::string joined;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

HttpResponse& HttpResponse::operator=(HttpResponse&& other) noexcept {
  status = other.status;
  headers = std::move(other.headers);
  body = std::move(other.body);
  close = other.close;
  std::swap(file, other.file);
  return *this;
}

HttpResponse::~HttpResponse() {
  if (file.fd >= 0) ::close(file.fd);
}

bool HttpResponse::has(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return std::equal(header.first.begin(), header.first.end(), name.begin(), name.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
    });
  });
}

HttpResponse HttpResponse::text(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.set("Content-Type", "text/plain; charset=utf-8");
  return response;
}

HttpResponse HttpResponse::html(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.set("Content-Type", "text/html; charset=utf-8");
  return response;
}

std::string_view status_text(unsigned status) {
  const auto text = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  return {text.data(), text.size()};
}

}  // namespace crosspoint::transports
