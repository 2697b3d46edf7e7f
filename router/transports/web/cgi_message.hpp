#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transports/http_message.hpp"

/// What goes to a CGI script and what comes from it (RFC 3875), apart from the process.
namespace crosspoint::transports::web {

/// The connection that a request came over.
struct CgiConnection {
  std::string server;                     ///< the name of this program
  std::string own_address, peer_address;  ///< as Stream has them: "tcp4:127.0.0.1:8080"
  bool secure = false;
};

/// The variables of a script's environment ("NAME=value"): those of section 4.1, the request's headers, and of the
/// node's own environment what programs are found with. `script_name` is the script's path in the URL, `path_info`
/// what is behind it.
std::vector<std::string> cgi_environment(const HttpRequest& request, const CgiConnection& connection,
                                         const std::string& script_file, const std::string& script_name,
                                         const std::string& path_info);

/// Reads the head of a script's output bit by bit (section 6).
class CgiHead {
 public:
  enum class State { more, done, bad };
  /// Takes from the output; when the state is `done`, `rest` has what belongs to the body.
  State feed(std::string_view part);

  HttpResponse& response() { return response_; }
  std::string_view rest() const { return rest_; }

 private:
  bool read_line(std::string_view line);

  std::string text_;
  std::size_t read_ = 0;  // bytes of whole lines
  std::string rest_;
  HttpResponse response_;
  bool has_status_ = false;
};

}  // namespace crosspoint::transports::web
