#include "transports/web/cgi_message.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "transports/address.hpp"

namespace crosspoint::transports::web {
namespace {

constexpr std::size_t kMaxHead = 32 * 1024;
/// Of the node's environment: where programs are, and how text is written. The rest may hold secrets.
constexpr std::array kInherited{"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"};
/// Headers that scripts may not set, because they belong to the connection.
constexpr std::array<std::string_view, 6> kOurs{"connection",        "content-length", "keep-alive",
                                                "transfer-encoding", "trailer",        "upgrade"};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// "8080" of "tcp4:127.0.0.1:8080".
std::string port_of(const std::string& address) {
  if (!address.starts_with("tcp")) return "";
  return address.substr(address.rfind(':') + 1);
}

/// The variable of a header, or nothing if scripts must not see it: programs that are run may take HTTP_PROXY for their
/// own setting, and a name with '_' could stand for another header.
std::string header_variable(const std::string& name) {
  if (name == "content-type" || name == "content-length" || name == "proxy") return "";
  std::string variable = "HTTP_";
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-') return "";
    variable.push_back(c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return variable;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string::npos;
  });
}

bool is_value(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

}  // namespace

std::vector<std::string> cgi_environment(const HttpRequest& request, const CgiConnection& connection,
                                         const std::string& script_file, const std::string& script_name,
                                         const std::string& path_info) {
  std::vector<std::string> all;
  for (const char* name : kInherited) {
    if (const char* value = std::getenv(name)) all.push_back(fmt::format("{}={}", name, value));
  }
  const auto add = [&all](std::string_view name, std::string_view value) {
    all.push_back(fmt::format("{}={}", name, value));
  };
  std::string host(request.header("host"));
  if (const auto colon = host.rfind(':'); colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    host.resize(colon);
  }
  add("GATEWAY_INTERFACE", "CGI/1.1");
  add("SERVER_SOFTWARE", connection.server);
  add("SERVER_PROTOCOL", request.http_1_0 ? "HTTP/1.0" : "HTTP/1.1");
  add("SERVER_NAME", host.empty() ? ip_of(connection.own_address) : host);
  add("SERVER_PORT", port_of(connection.own_address));
  add("REQUEST_METHOD", request.method);
  add("REQUEST_URI", request.target);
  add("SCRIPT_FILENAME", script_file);
  add("SCRIPT_NAME", script_name);
  add("QUERY_STRING", request.query);
  add("REMOTE_ADDR", ip_of(connection.peer_address));
  add("REMOTE_PORT", port_of(connection.peer_address));
  add("REDIRECT_STATUS", "200");  // PHP's cgi asks for it
  if (connection.secure) add("HTTPS", "on");
  if (!path_info.empty()) add("PATH_INFO", path_info);
  if (const auto type = request.header("content-type"); !type.empty()) add("CONTENT_TYPE", type);
  if (!request.body.empty()) add("CONTENT_LENGTH", std::to_string(request.body.size()));
  std::vector<std::string> seen;
  for (const auto& [name, value] : request.headers) {
    const std::string variable = header_variable(name);
    if (variable.empty() || std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    add(variable, request.joined_header(name));
  }
  return all;
}

CgiHead::State CgiHead::feed(std::string_view part) {
  text_ += part;
  std::size_t start = 0;
  while (true) {
    const auto end = text_.find('\n', start);
    if (end == std::string::npos) break;
    const std::string_view line = trimmed(std::string_view(text_).substr(start, end - start));
    start = end + 1;
    if (line.empty()) {
      rest_ = text_.substr(start);
      return response_.headers.empty() && !has_status_ ? State::bad : State::done;
    }
    if (!read_line(line)) return State::bad;
  }
  text_.erase(0, start);
  read_ += start;
  return read_ + text_.size() > kMaxHead ? State::bad : State::more;
}

bool CgiHead::read_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_token(name) || !is_value(value)) return false;
  const std::string key = lower(name);
  if (key == "status") {
    if (value.size() < 3 ||
        !std::all_of(value.begin(), value.begin() + 3, [](unsigned char c) { return std::isdigit(c) != 0; })) {
      return false;
    }
    const unsigned status = static_cast<unsigned>(std::stoi(std::string(value.substr(0, 3))));
    if (status < 200 || status > 599) return false;
    response_.status = status;
    has_status_ = true;
    return true;
  }
  if (std::find(kOurs.begin(), kOurs.end(), key) != kOurs.end()) {
    has_status_ = has_status_ || key == "content-length";  // a header, if one that is not passed on
    return true;
  }
  if (key == "location" && !has_status_) response_.status = 302;
  response_.set(std::string(name), std::string(value));
  return true;
}

}  // namespace crosspoint::transports::web
