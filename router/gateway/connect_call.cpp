#include "gateway/connect_call.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "gateway/message_call.hpp"
#include "serializers/reader.hpp"
#include "transports/url.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Calls `take(name, value)` for each part "name=value" between separators.
template <class Take>
void each_pair(std::string_view text, char separator, Take&& take) {
  while (!text.empty()) {
    const auto end = text.find(separator);
    const auto part = trim(text.substr(0, end));
    const auto equals = part.find('=');
    if (!part.empty()) {
      take(part.substr(0, equals), equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
    }
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
}

/// A field of a form; as it stands if its escapes are malformed.
std::string decode_field(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  std::string decoded;
  return transports::percent_decode(spaced, decoded) ? decoded : spaced;
}

/// HTTP allows bytes that are not UTF-8, WAMP does not.
json text_value(std::string_view text) {
  if (serializers::is_utf8(text)) return std::string(text);
  std::string ascii;
  for (const char c : text) ascii += static_cast<unsigned char>(c) < 0x80 ? c : '?';
  return ascii;
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// Those that the router sets itself.
bool is_ours(std::string_view field) {
  const std::string name = lower(field);
  if (name.starts_with("sec-websocket-")) return true;
  constexpr std::string_view kOurs[]{"connection", "content-length", "date", "server", "transfer-encoding", "upgrade"};
  return std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs);
}

bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_cookie_value(std::string_view text) {
  return is_field_value(text) && text.find_first_of(" \",;\\") == std::string_view::npos;
}

bool read_headers(const json& headers, Headers& out) {
  if (!headers.is_object()) return false;
  for (const auto& [name, value] : headers.items()) {
    if (!is_token(name) || is_ours(name) || !value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    if (!is_field_value(text)) return false;
    out.emplace_back(name, text);
  }
  return true;
}

bool append_value(const json& value, std::string& out) {
  if (!value.is_string() || !is_cookie_value(value.get_ref<const std::string&>())) return false;
  out += value.get_ref<const std::string&>();
  return true;
}

bool read_cookie(const json& cookie, std::string& out) {
  const auto at = cookie.find("value");
  if (at == cookie.end() || !append_value(*at, out)) return false;
  for (const auto& [key, value] : cookie.items()) {
    if (key == "max_age" && value.is_number_integer()) {
      out += fmt::format("; Max-Age={}", value.get<std::int64_t>());
    } else if ((key == "path" || key == "domain" || key == "same_site") && value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (!is_cookie_value(text)) return false;
      out += fmt::format("; {}={}", key == "path" ? "Path" : key == "domain" ? "Domain" : "SameSite", text);
    } else if ((key == "secure" || key == "http_only") && value.is_boolean()) {
      if (value.get<bool>()) out += key == "secure" ? "; Secure" : "; HttpOnly";
    } else if (key != "value") {
      return false;
    }
  }
  return true;
}

bool read_cookies(const json& cookies, Headers& out) {
  if (!cookies.is_object()) return false;
  for (const auto& [name, value] : cookies.items()) {
    std::string text = name + "=";
    if (!is_token(name) || !(value.is_object() ? read_cookie(value, text) : append_value(value, text))) return false;
    out.emplace_back("Set-Cookie", text);
  }
  return true;
}

bool is_status(const json& value, int least) {
  return value.is_number_integer() && value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= 599;
}

/// Reads the worker's answer; what is wrong with it, or nothing.
class AnswerReader {
 public:
  explicit AnswerReader(ConnectDecision& out) : out_(out) {}

  std::string read(const json& answer) {
    if (answer.is_null() || answer == true) return {};
    if (answer == false) return refuse(403), std::string();
    if (!answer.is_object()) return "it is neither true, false nor a dictionary";
    for (const auto& [key, value] : answer.items()) {
      if (key == "accept") {
        if (!value.is_boolean()) return "\"accept\" is not true or false";
        if (!value.get<bool>() && out_.status == 101) refuse(403);
      } else if (key == "status") {
        if (!is_status(value, 300)) return "\"status\" is not from 300 to 599";
        refuse(value.get<unsigned>());
      } else if (key == "body") {
        if (!value.is_string()) return "\"body\" is no string";
        out_.body = value.get<std::string>();
      } else if (key == "principal") {
        out_.principal = value;
      } else if (key == "headers") {
        if (!read_headers(value, out_.headers)) return "\"headers\" has something that cannot be a header";
      } else if (key == "cookies") {
        if (!read_cookies(value, out_.headers)) return "\"cookies\" has something that cannot be a cookie";
      } else {
        return "\"" + key + "\" is not one of accept, status, body, principal, headers and cookies";
      }
    }
    return {};
  }

 private:
  void refuse(unsigned status) {
    out_.status = status;
    out_.reason = "the worker refused it";
  }

  ConnectDecision& out_;
};

/// The response that `answer` describes; what is wrong with it, or nothing.
std::string read_response(const json& answer, transports::HttpResponse& out) {
  if (!answer.is_object()) return "it is no dictionary";
  std::string type;
  for (const auto& [key, value] : answer.items()) {
    if (key == "status") {
      if (!is_status(value, 200)) return "\"status\" is not from 200 to 599";
      out.status = value.get<unsigned>();
    } else if (key == "body") {
      const auto data = to_data(value);
      if (!data) return "\"body\" is a string that is not UTF-8";
      out.body = data->bytes;
      type = value.is_string()   ? "text/plain; charset=utf-8"
             : value.is_binary() ? "application/octet-stream"
                                 : "application/json; charset=utf-8";
    } else if (key == "headers") {
      if (!read_headers(value, out.headers)) return "\"headers\" has something that cannot be a header";
    } else if (key == "cookies") {
      if (!read_cookies(value, out.headers)) return "\"cookies\" has something that cannot be a cookie";
    } else {
      return "\"" + key + "\" is not one of status, body, headers and cookies";
    }
  }
  const auto says_type = [](const auto& header) { return lower(header.first) == "content-type"; };
  if (!type.empty() && std::none_of(out.headers.begin(), out.headers.end(), says_type)) out.set("Content-Type", type);
  return {};
}

/// The statuses of refusals that are not the worker's choice.
unsigned status_of(std::string_view error) {
  if (error == wamp::kNoSuchProcedure || error == wamp::kUnavailable || error == wamp::kCanceled) return 503;
  if (error == wamp::kTimeout) return 504;
  if (error == wamp::kNotAuthorized) return 403;
  return 500;
}

}  // namespace

json describe_request(const transports::HttpRequest& request, std::string_view rest, std::string_view peer_address,
                      std::string_view subprotocol) {
  json headers = json::object();
  for (const auto& [name, value] : request.headers) {
    const json text = text_value(value);
    const auto [at, added] = headers.emplace(name, text);
    if (!added) *at = at->get<std::string>() + ", " + text.get<std::string>();
  }
  json query = json::object();
  each_pair(request.query, '&', [&](std::string_view name, std::string_view value) {
    query.emplace(text_value(decode_field(name)).get<std::string>(), text_value(decode_field(value)));
  });
  json cookies = json::object();
  each_pair(request.joined_header("cookie"), ';', [&](std::string_view name, std::string_view value) {
    cookies.emplace(text_value(trim(name)).get<std::string>(), text_value(trim(value)));
  });
  return {{"method", request.method},
          {"path", text_value(request.path)},
          {"rest", text_value(rest)},
          {"query", std::move(query)},
          {"query_string", text_value(request.query)},
          {"headers", std::move(headers)},
          {"cookies", std::move(cookies)},
          {"peer", peer_address},
          {"subprotocol", subprotocol}};
}

ConnectDecision read_answer(const connection::Service::Answer& answer) {
  ConnectDecision decision;
  if (!answer.error.empty()) {
    decision.status = status_of(answer.error);
    decision.reason = fmt::format("{} {}", answer.error, answer.message);
    decision.worker_done = answer.error != wamp::kTimeout;
    const auto at = answer.keyword_arguments.find("status");
    if (answer.keyword_arguments.is_object() && at != answer.keyword_arguments.end() && is_status(*at, 300)) {
      decision.status = at->get<unsigned>();
    }
    return decision;
  }
  const std::string problem = AnswerReader(decision).read(answer.value);
  if (problem.empty()) return decision;
  ConnectDecision failure;
  failure.status = 500;
  failure.reason = "the worker's answer cannot be used: " + problem;
  failure.worker_done = false;  // it may have meant yes
  return failure;
}

transports::HttpResponse read_response(const connection::Service::Answer& answer, std::string& problem) {
  transports::HttpResponse response;
  if (!answer.error.empty()) {
    const ConnectDecision decision = read_answer(answer);
    problem = decision.reason;
    return transports::HttpResponse::text(decision.status,
                                          std::string(transports::status_text(decision.status)) + "\n");
  }
  problem = read_response(answer.value, response);
  if (problem.empty()) return response;
  problem = "the worker's answer cannot be used: " + problem;
  return transports::HttpResponse::text(500, "Internal Server Error\n");
}

}  // namespace crosspoint::gateway
