#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cctype>
#include <limits>
#include <utility>  // before Asio 1.74, which lacks it

#include "base/log.hpp"
#include "transports/address.hpp"
#include "transports/stream.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports::web {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::chrono::seconds kConnectTime{10};
constexpr std::uint32_t kMaxHeader = 64 * 1024;
constexpr std::size_t kPart = 64 * 1024;
/// So much may wait for a client before no more is read from the backend.
constexpr std::size_t kMaxQueued = 256 * 1024;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string as_string(boost::beast::string_view view) { return {view.data(), view.size()}; }

/// Names of headers that are for one connection only (RFC 9110, 7.6.1), with those that Connection names.
std::vector<std::string> hop_by_hop(const Headers& headers) {
  std::vector<std::string> names{"connection",
                                 "keep-alive",
                                 "proxy-authenticate",
                                 "proxy-authorization",
                                 "proxy-connection",
                                 "te",
                                 "trailer",
                                 "transfer-encoding",
                                 "upgrade"};
  for (const auto& [name, value] : headers) {
    if (lower(name) != "connection") continue;
    std::string option;
    for (const char c : lower(value) + ",") {
      if (c == ',') {
        if (!option.empty()) names.push_back(std::exchange(option, {}));
      } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
        option.push_back(c);
      }
    }
  }
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// One request that is passed on, over a connection of its own. Kept alive by what it waits for.
class ProxyRequest final : public std::enable_shared_from_this<ProxyRequest> {
 public:
  ProxyRequest(std::shared_ptr<HttpExchange> exchange, const settings::ReverseProxy& settings, std::string request)
      : exchange_(std::move(exchange)),
        settings_(settings),
        request_(std::move(request)),
        head_only_(exchange_->request().method == "HEAD"),
        context_(exchange_->stream()->io().context()),
        resolver_(context_),
        socket_(context_),
        timer_(context_) {}

  void run() {
    exchange_->on_abandoned([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->stop();
    });
    limit(kConnectTime);
    resolver_.async_resolve(settings_.host, std::to_string(settings_.port),
                            [self = shared_from_this()](error_code error, const auto& addresses) {
                              if (error) return self->fail(error);
                              self->connect(addresses);
                            });
  }

 private:
  void connect(const asio::ip::tcp::resolver::results_type& addresses) {
    asio::async_connect(socket_, addresses, [self = shared_from_this()](error_code error, const auto&) {
      if (error) return self->fail(error);
      self->send();
    });
  }

  void send() {
    limit(std::chrono::seconds(settings_.timeout));
    asio::async_write(socket_, asio::buffer(request_), [self = shared_from_this()](error_code error, std::size_t) {
      // A backend may answer, and close, without having read everything.
      if (error && error != asio::error::broken_pipe && error != asio::error::connection_reset) {
        return self->fail(error);
      }
      self->read_head();
    });
  }

  void read_head() {
    parser_.emplace();
    parser_->header_limit(kMaxHeader);
    // Not boost::none, which Beast of Boost 1.74 takes for no byte at all.
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    parser_->skip(head_only_);
    http::async_read_header(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->fail(error);
      const unsigned status = self->parser_->get().result_int();
      if (status == 101) return self->fail(http::make_error_code(http::error::bad_status));
      if (status >= 100 && status < 200) return self->read_head();  // the real one follows
      self->start();
    });
  }

  void start() {
    const auto& message = parser_->get();
    Headers headers;
    for (const auto& field : message) headers.emplace_back(as_string(field.name_string()), as_string(field.value()));
    const auto dropped = hop_by_hop(headers);
    HttpResponse response;
    response.status = message.result_int();
    std::optional<std::uint64_t> size;
    if (const auto length = parser_->content_length(); length && !parser_->chunked()) size = *length;
    for (auto& [name, value] : headers) {
      const std::string key = lower(name);
      if (key == "content-length" || contains(dropped, key)) continue;
      response.set(std::move(name), std::move(value));
    }
    if (response.status == 204 || response.status == 304) size = 0;
    started_ = true;
    exchange_->start(std::move(response), size);
    // Keeps this alive while it waits for room.
    exchange_->on_writable([self = shared_from_this()] { self->go_on(); });
    read_body();
  }

  void read_body() {
    if (parser_->is_done()) return done();
    limit(std::chrono::seconds(settings_.timeout));
    parser_->get().body().data = part_.data();
    parser_->get().body().size = part_.size();
    parser_->get().body().more = true;
    http::async_read_some(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error && error != http::error::need_buffer) return self->fail(error);
      self->timer_.cancel();  // how long the client takes is not the backend's doing
      self->exchange_->write({self->part_.data(), self->part_.size() - self->parser_->get().body().size});
      self->waiting_ = true;
      if (self->exchange_->queued() < kMaxQueued) self->go_on();
    });
  }

  void go_on() {
    if (std::exchange(waiting_, false)) read_body();
  }

  void done() {
    timer_.cancel();
    exchange_->finish();
    stop();
  }

  void limit(std::chrono::seconds time) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (error || !self) return;
      self->timed_out_ = true;
      self->fail(asio::error::timed_out);
    });
  }

  void fail(error_code error) {
    if (std::exchange(ended_, true)) return;
    stop();
    const std::string problem = timed_out_ ? std::string("no answer in time") : error.message();
    log::info("reverse proxy {}: {}:{}: {}", exchange_->request().path, settings_.host, settings_.port, problem);
    if (started_) return exchange_->break_off("the backend of a reverse proxy broke off");
    const unsigned status = timed_out_ ? 504 : 502;
    exchange_->respond(HttpResponse::html(
        status, fmt::format("<!DOCTYPE html>\n<html><head><title>{0} {1}</title></head><body><h1>{0} {1}</h1>"
                            "<p>The server behind this one gave no answer.</p></body></html>\n",
                            status, status_text(status))));
  }

  void stop() {
    ended_ = true;
    error_code ignored;
    resolver_.cancel();
    socket_.close(ignored);
    timer_.cancel();
  }

  const std::shared_ptr<HttpExchange> exchange_;
  const settings::ReverseProxy& settings_;
  const std::string request_;
  const bool head_only_;
  asio::io_context& context_;
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_{kMaxHeader + kPart};
  std::optional<http::response_parser<http::buffer_body>> parser_;
  std::array<char, kPart> part_{};
  bool started_ = false;  // the client has been sent the head
  bool waiting_ = false;  // a part has been passed on, and the next has not been asked for
  bool timed_out_ = false;
  bool ended_ = false;
};

/// Requests are answered by another HTTP server.
class ReverseProxy final : public HttpService {
 public:
  explicit ReverseProxy(const settings::ReverseProxy& settings) : settings_(settings) {}

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override {
    Stream* stream = exchange->stream();
    if (stream == nullptr) return;
    std::string request = head(exchange->request(), rest, *stream) + exchange->request().body;
    std::make_shared<ProxyRequest>(std::move(exchange), settings_, std::move(request))->run();
  }

 private:
  /// Where the backend is asked: what is behind the service's path, as the client wrote it.
  std::string target(const HttpRequest& request, std::string_view rest) const {
    std::string path = settings_.path;
    if (rest.empty()) {
      if (request.path.ends_with('/')) path += "/";
    } else {
      const std::string_view sent = std::string_view(request.target).substr(0, request.target.find('?'));
      const auto prefix = std::string_view(request.path).substr(0, request.path.size() - rest.size());
      path += "/";
      path += sent.starts_with(prefix) ? std::string(sent.substr(prefix.size())) : percent_encode(rest);
    }
    if (path.empty()) path = "/";
    return request.query.empty() ? path : path + "?" + request.query;
  }

  static std::string percent_encode(std::string_view text) {
    std::string result;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = std::isalnum(byte) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos;
      result += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return result;
  }

  std::string head(const HttpRequest& request, std::string_view rest, const Stream& stream) const {
    static const std::vector<std::string> kOurs{"host",
                                                "content-length",
                                                "expect",
                                                "x-forwarded-for",
                                                "x-forwarded-host",
                                                "x-forwarded-port",
                                                "x-forwarded-proto",
                                                "x-real-ip"};
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", request.method,
                                   target(request, rest), host());
    const auto dropped = hop_by_hop(request.headers);
    for (const auto& [name, value] : request.headers) {
      if (!contains(dropped, name) && !contains(kOurs, name)) text += fmt::format("{}: {}\r\n", name, value);
    }
    if (!request.body.empty() || !request.header("content-length").empty()) {
      text += fmt::format("Content-Length: {}\r\n", request.body.size());
    }
    text += fmt::format("X-Forwarded-Host: {}\r\n", request.header("host"));
    if (const std::string ip = ip_of(stream.peer_address()); !ip.empty()) {
      text += fmt::format("X-Forwarded-For: {0}\r\nX-Real-IP: {0}\r\n", ip);
    }
    return text + fmt::format("X-Forwarded-Port: {}\r\nX-Forwarded-Proto: {}\r\n\r\n", settings_.forwarded_port,
                              settings_.forwarded_proto);
  }

  std::string host() const {
    const std::string name =
        settings_.host.find(':') != std::string::npos ? "[" + settings_.host + "]" : settings_.host;
    return settings_.port == 80 ? name : fmt::format("{}:{}", name, settings_.port);
  }

  settings::ReverseProxy settings_;
};

}  // namespace

std::unique_ptr<HttpService> make_reverse_proxy(const settings::ReverseProxy& settings) {
  return std::make_unique<ReverseProxy>(settings);
}

}  // namespace crosspoint::transports::web
