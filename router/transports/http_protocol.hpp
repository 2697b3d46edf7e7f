#pragma once

#include <memory>
#include <string>

#include "base/timers.hpp"
#include "settings/web_services.hpp"
#include "transports/http_service.hpp"
#include "transports/protocol.hpp"
#include "transports/stream.hpp"

namespace crosspoint::transports {

/// How a web transport serves its connections.
struct HttpOptions {
  bool access_log = false;
  bool hsts = false;
  std::uint32_t hsts_max_age = 31536000;
  /// Seconds a connection may idle between requests or take to send one.
  std::uint32_t client_timeout = 60;
  /// If not zero: within this time from connecting a request must have come that makes another protocol of it.
  std::chrono::milliseconds open_timeout{0};
  std::string server = "Crosspoint";  ///< the Server header
};

/// The server's side of HTTP/1.1 on one connection: one request at a time goes to the service, its response goes out;
/// pipelined requests wait. Becomes another protocol on upgrade.
class HttpProtocol final : public Protocol {
 public:
  HttpProtocol(Stream& stream, const HttpService& root, const HttpOptions& options);
  ~HttpProtocol() override;

  std::size_t on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) override;
  void on_drained() override;
  void on_closed(std::string_view reason) override;

 private:
  class Exchange;
  struct Parser;

  /// Gives the parser the limit of the service that the request is for; false if its body is said to be larger.
  bool limit_body();
  void dispatch();
  void refuse(unsigned status, std::string_view problem);
  void send_response(const HttpRequest& request, HttpResponse response);
  /// Without a size: the body comes in chunks, or ends with the connection.
  std::string head(const HttpRequest& request, const HttpResponse& response, std::optional<std::uint64_t> size,
                   bool close) const;
  void start_body(const HttpRequest& request, HttpResponse response, std::optional<std::uint64_t> size);
  void write_body(std::string_view part);
  void finish_body();
  void expect_progress();
  void send_file_part();
  void finish_response();
  void switch_protocol(const HttpRequest& request, HttpResponse response,
                       const std::function<std::unique_ptr<Protocol>(Stream&)>& make);
  void arm_timer();

  Stream& stream_;
  const HttpService& root_;
  const HttpOptions& options_;
  std::unique_ptr<Parser> parser_;
  std::shared_ptr<Exchange> exchange_;  // the request under way
  FileRange file_;                      // what is left of the file being sent
  bool close_after_ = false;
  bool chunked_ = false;             // the body that is being written
  bool no_body_ = false;             // what is written is not sent: the request was HEAD
  std::uint64_t left_ = 0;           // of a body of known size
  base::Timers::Handle timer_;       // of a request
  base::Timers::Handle open_timer_;  // of the opening handshake
};

}  // namespace crosspoint::transports
