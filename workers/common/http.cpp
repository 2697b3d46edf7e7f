#include "common/http.hpp"

#include <httplib.h>

#include <functional>

namespace workshop {
namespace {

struct Target {
  std::string server;  ///< "http://127.0.0.1:9014"
  std::string path;    ///< "/auth?name=..."
};

Target split(const std::string& url) {
  const std::string scheme = "http://";
  if (url.compare(0, scheme.size(), scheme) != 0)
    throw std::invalid_argument("\"" + url + "\" is not a URL with http://");
  const std::size_t slash = url.find('/', scheme.size());
  if (slash == std::string::npos) return {url, "/"};
  return {url.substr(0, slash), url.substr(slash)};
}

std::string escape(const std::string& text) {
  static const char* const digits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      escaped += c;
    } else {
      escaped += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return escaped;
}

std::string request(const char* method, const std::string& url,
                    const std::function<httplib::Result(httplib::Client&, const std::string&)>& send) {
  const Target target = split(url);
  httplib::Client client(target.server);
  client.set_connection_timeout(1);
  client.set_read_timeout(2);
  client.set_write_timeout(2);
  client.set_tcp_nodelay(true);
  const httplib::Result result = send(client, target.path);
  // The query is left out of what is told: it may hold what is nobody's business.
  const std::string what = std::string(method) + " " + url.substr(0, url.find('?'));
  if (!result) throw Unreachable(what + " failed: " + httplib::to_string(result.error()));
  if (result->status == 503) throw Unreachable(what + " was answered with 503");
  if (result->status < 200 || result->status > 299) {
    throw HttpError(result->status, what + " was answered with " + std::to_string(result->status));
  }
  return result->body;
}

}  // namespace

std::string with_query(const std::string& url, const std::map<std::string, std::string>& query) {
  std::string whole = url;
  char separator = '?';
  for (const auto& [key, value] : query) {
    whole += separator + escape(key) + "=" + escape(value);
    separator = '&';
  }
  return whole;
}

std::string http_get(const std::string& url) {
  return request("GET", url, [](httplib::Client& client, const std::string& path) { return client.Get(path); });
}

std::string http_post(const std::string& url, const Json& body) {
  return request("POST", url, [&](httplib::Client& client, const std::string& path) {
    return client.Post(path, text_of(body), "application/json");
  });
}

}  // namespace workshop
