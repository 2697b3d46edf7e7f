#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "common/json.hpp"
#include "common/unreachable.hpp"

namespace workshop {

/// The server answered with an error.
class HttpError : public std::runtime_error {
 public:
  HttpError(int status, const std::string& text) : std::runtime_error(text), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// "http://127.0.0.1:9014/auth" with "?name=my%20user" behind it.
std::string with_query(const std::string& url, const std::map<std::string, std::string>& query);

/// These wait for the answer, three seconds at most: use them beside a session, not in its thread. They return the
/// answer's text, and throw HttpError for any status but 2xx, Unreachable if there was no answer or one of "later"
/// (503).
std::string http_get(const std::string& url);
std::string http_post(const std::string& url, const Json& body);

}  // namespace workshop
