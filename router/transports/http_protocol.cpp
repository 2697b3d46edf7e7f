#include "transports/http_protocol.hpp"

#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <ctime>
#include <limits>

#include "base/log.hpp"
#include "transports/url.hpp"

namespace crosspoint::transports {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kContinue = "100-continue";
constexpr std::uint32_t kMaxHeader = 32 * 1024;
/// A file is read and sent in parts of this size, each when the one before has gone to the kernel.
constexpr std::size_t kFilePart = 256 * 1024;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::string http_date() { return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(std::time(nullptr))); }

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct HttpProtocol::Parser {
  http::request_parser<http::string_body> beast;
  bool limited = false;  // the body's limit is the service's
};

/// Outlives the protocol if a service keeps it.
class HttpProtocol::Exchange final : public HttpExchange {
 public:
  Exchange(HttpProtocol& protocol, HttpRequest request) : protocol_(&protocol), request_(std::move(request)) {}

  const HttpRequest& request() const override { return request_; }
  void respond(HttpResponse response) override {
    if (HttpProtocol* protocol = std::exchange(protocol_, nullptr)) {
      protocol->send_response(request_, std::move(response));
    }
  }
  void upgrade(HttpResponse response, const std::function<std::unique_ptr<Protocol>(Stream&)>& make) override {
    if (HttpProtocol* protocol = std::exchange(protocol_, nullptr)) {
      protocol->switch_protocol(request_, std::move(response), make);
    }
  }
  void start(HttpResponse head, std::optional<std::uint64_t> size) override {
    if (protocol_ != nullptr) protocol_->start_body(request_, std::move(head), size);
  }
  void write(std::string_view part) override {
    if (protocol_ != nullptr) protocol_->write_body(part);
  }
  void finish() override {
    writable_ = nullptr;
    if (HttpProtocol* protocol = std::exchange(protocol_, nullptr)) protocol->finish_body();
  }
  void break_off(std::string_view reason) override {
    writable_ = nullptr;
    if (HttpProtocol* protocol = std::exchange(protocol_, nullptr)) protocol->stream_.finish(reason);
  }
  std::size_t queued() const override { return protocol_ != nullptr ? protocol_->stream_.queued() : 0; }
  void on_writable(std::function<void()> callback) override { writable_ = std::move(callback); }
  void drained() {
    const auto callback = writable_;  // which may end the response, and itself
    if (protocol_ != nullptr && callback) callback();
  }
  void on_abandoned(std::function<void()> callback) override {
    if (protocol_ != nullptr) abandoned_ = std::move(callback);
  }
  Stream* stream() override { return protocol_ != nullptr ? &protocol_->stream_ : nullptr; }
  /// The protocol is being destroyed: at the end of the program, or because it was replaced.
  void detach() {
    protocol_ = nullptr;
    writable_ = nullptr;
  }
  void abandon() {
    writable_ = nullptr;
    if (std::exchange(protocol_, nullptr) == nullptr) return;
    if (const auto callback = std::exchange(abandoned_, nullptr)) callback();
  }

 private:
  HttpProtocol* protocol_;
  HttpRequest request_;
  std::function<void()> abandoned_;
  std::function<void()> writable_;
};

HttpProtocol::HttpProtocol(Stream& stream, const HttpService& root, const HttpOptions& options)
    : stream_(stream), root_(root), options_(options) {
  arm_timer();
  if (options_.open_timeout.count() == 0) return;
  open_timer_ = stream_.io().after(options_.open_timeout, [this] { stream_.close("no WebSocket handshake in time"); });
}

HttpProtocol::~HttpProtocol() {
  stream_.io().cancel(timer_);
  stream_.io().cancel(open_timer_);
  if (exchange_) exchange_->detach();
  if (file_.fd >= 0) ::close(file_.fd);
}

void HttpProtocol::arm_timer() {
  stream_.io().cancel(timer_);
  timer_ = stream_.io().after(std::chrono::seconds(options_.client_timeout),
                              [this] { stream_.finish("no HTTP request in time"); });
}

std::size_t HttpProtocol::on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef&) {
  if (exchange_) {
    // A pipelined request waits for the response before it. A client may not pile up more than a buffer of them.
    if (bytes.size() > kMaxHeader + settings::kMaxHttpBody) stream_.close("too many pipelined HTTP requests");
    return 0;
  }
  if (!parser_) {
    parser_ = std::make_unique<Parser>();
    parser_->beast.header_limit(kMaxHeader);
    // The service's own limit is asked for when the head is there; until then nothing of the body is taken.
    parser_->beast.body_limit(std::numeric_limits<std::uint64_t>::max());
  }
  boost::system::error_code error;
  std::size_t used = parser_->beast.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (!error && !parser_->limited && parser_->beast.is_header_done()) {
    if (limit_body()) {
      if (!parser_->beast.is_done()) {
        used += parser_->beast.put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
      }
    } else {
      error = http::error::body_limit;
    }
  }
  if (error && error != http::error::need_more) {
    if (error == http::error::body_limit) {
      refuse(413, "the request's body is too large");
    } else if (error == http::error::header_limit) {
      refuse(431, "the request's header is too large");
    } else {
      refuse(400, "malformed HTTP request");
    }
    return bytes.size();
  }
  if (parser_->beast.is_done()) dispatch();
  return used;
}

bool HttpProtocol::limit_body() {
  const auto& message = parser_->beast.get();
  std::string path;
  std::string query;
  std::size_t limit = settings::kMaxHttpBody;
  if (split_target(view(message.target()), path, query)) limit = root_.body_limit(std::string_view(path).substr(1));
  parser_->limited = true;
  parser_->beast.body_limit(limit);
  parser_->beast.eager(true);
  const auto length = parser_->beast.content_length();
  if (length && *length > limit) return false;
  // RFC 9110, 10.1.1: the client waits with a large body until it hears that it is wanted.
  if (!parser_->beast.is_done() && message.version() >= 11 && lower(view(message[http::field::expect])) == kContinue) {
    stream_.out().append_copy(base::as_bytes(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")));
    stream_.wake();
  }
  return true;
}

void HttpProtocol::dispatch() {
  auto message = parser_->beast.release();
  parser_.reset();
  HttpRequest request;
  request.method = view(message.method_string());
  request.target = view(message.target());
  request.http_1_0 = message.version() < 11;
  request.keep_alive = message.keep_alive();
  for (const auto& field : message) {
    request.headers.emplace_back(lower(view(field.name_string())), std::string(view(field.value())));
  }
  request.body = std::move(message.body());
  stream_.io().cancel(timer_);
  const bool good = split_target(request.target, request.path, request.query);
  exchange_ = std::make_shared<Exchange>(*this, std::move(request));
  const auto exchange = exchange_;
  if (!good) {
    auto response = HttpResponse::text(400, "malformed request target\n");
    response.close = true;
    return exchange->respond(std::move(response));
  }
  root_.handle(exchange, std::string_view(exchange->request().path).substr(1));
}

void HttpProtocol::refuse(unsigned status, std::string_view problem) {
  parser_.reset();
  HttpRequest request;
  request.method = "-";
  request.target = "-";
  request.keep_alive = false;
  exchange_ = std::make_shared<Exchange>(*this, std::move(request));
  auto response = HttpResponse::text(status, std::string(problem) + "\n");
  response.close = true;
  const auto exchange = exchange_;
  exchange->respond(std::move(response));
}

std::string HttpProtocol::head(const HttpRequest& request, const HttpResponse& response,
                               std::optional<std::uint64_t> size, bool close) const {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\n", response.status, status_text(response.status));
  // A service that passes on another server's response has that one's.
  if (!response.has("server")) text += fmt::format("Server: {}\r\n", options_.server);
  if (!response.has("date")) text += fmt::format("Date: {}\r\n", http_date());
  for (const auto& [name, value] : response.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (response.status >= 200 && response.status != 204 && response.status != 304) {
    if (size) {
      text += fmt::format("Content-Length: {}\r\n", *size);
    } else if (!request.http_1_0) {
      text += "Transfer-Encoding: chunked\r\n";
    }
  }
  if (options_.hsts) text += fmt::format("Strict-Transport-Security: max-age={}\r\n", options_.hsts_max_age);
  if (close) {
    text += "Connection: close\r\n";
  } else if (request.http_1_0) {
    text += "Connection: keep-alive\r\n";
  }
  return text + "\r\n";
}

void HttpProtocol::send_response(const HttpRequest& request, HttpResponse response) {
  close_after_ = response.close || !request.keep_alive;
  const bool from_file = response.file.fd >= 0;
  const std::uint64_t size = from_file ? response.file.size : response.body.size();
  stream_.out().append_copy(base::as_bytes(head(request, response, size, close_after_)));
  if (options_.access_log) {
    log::info("{} \"{} {}\" {} {}", stream_.peer_address(), request.method, request.target, response.status, size);
  }
  stream_.wake();
  if (request.method == "HEAD" || response.status == 204 || response.status == 304) return finish_response();
  if (!from_file) {
    stream_.out().append_copy(base::as_bytes(response.body));
    return finish_response();
  }
  std::swap(file_, response.file);
  send_file_part();
}

void HttpProtocol::start_body(const HttpRequest& request, HttpResponse response, std::optional<std::uint64_t> size) {
  chunked_ = !size && !request.http_1_0;
  close_after_ = response.close || !request.keep_alive || (!size && !chunked_);
  no_body_ = request.method == "HEAD" || response.status == 204 || response.status == 304;
  left_ = size.value_or(0);
  stream_.out().append_copy(base::as_bytes(head(request, response, size, close_after_)));
  if (options_.access_log) {
    log::info("{} \"{} {}\" {}", stream_.peer_address(), request.method, request.target, response.status);
  }
  stream_.wake();
}

void HttpProtocol::write_body(std::string_view part) {
  if (no_body_ || part.empty()) return;
  if (chunked_) stream_.out().append_copy(base::as_bytes(fmt::format("{:x}\r\n", part.size())));
  stream_.out().append_copy(base::as_bytes(part));
  if (chunked_) stream_.out().append_copy(base::as_bytes(std::string_view("\r\n")));
  left_ -= std::min<std::uint64_t>(left_, part.size());
  expect_progress();
  stream_.wake();
}

void HttpProtocol::finish_body() {
  stream_.io().cancel(timer_);
  if (!no_body_ && left_ > 0) return stream_.close("a body is shorter than was announced");
  if (!no_body_ && chunked_) stream_.out().append_copy(base::as_bytes(std::string_view("0\r\n\r\n")));
  stream_.wake();
  finish_response();
}

void HttpProtocol::expect_progress() {
  stream_.io().cancel(timer_);
  timer_ = stream_.io().after(std::chrono::seconds(options_.client_timeout),
                              [this] { stream_.close("the client does not read its response"); });
}

void HttpProtocol::send_file_part() {
  stream_.io().cancel(timer_);
  if (file_.size > 0) {
    const std::size_t want = std::min<std::uint64_t>(file_.size, kFilePart);
    std::uint8_t* space = stream_.out().reserve(want);
    const ssize_t got = ::pread(file_.fd, space, want, static_cast<off_t>(file_.offset));
    // The length has been announced: a file that shrank can only be answered by breaking off.
    if (got <= 0) return stream_.close("a file could not be read to its end");
    stream_.out().commit(static_cast<std::size_t>(got));
    file_.offset += static_cast<std::uint64_t>(got);
    file_.size -= static_cast<std::uint64_t>(got);
    stream_.wake();
  }
  if (file_.size > 0) return expect_progress();  // on_drained() goes on
  ::close(file_.fd);
  file_.fd = -1;
  finish_response();
}

void HttpProtocol::on_drained() {
  if (file_.fd >= 0) return send_file_part();
  if (const auto exchange = exchange_) {
    stream_.io().cancel(timer_);
    exchange->drained();
  }
}

void HttpProtocol::finish_response() {
  exchange_.reset();
  if (close_after_) return stream_.finish("HTTP response sent");
  arm_timer();
  stream_.offer_again();
}

void HttpProtocol::switch_protocol(const HttpRequest& request, HttpResponse response,
                                   const std::function<std::unique_ptr<Protocol>(Stream&)>& make) {
  stream_.out().append_copy(base::as_bytes(head(request, response, 0, false)));
  if (options_.access_log) {
    log::info("{} \"{} {}\" {}", stream_.peer_address(), request.method, request.target, response.status);
  }
  stream_.wake();
  exchange_.reset();
  stream_.io().cancel(open_timer_);
  stream_.set_protocol(make(stream_));
}

void HttpProtocol::on_closed(std::string_view) {
  stream_.io().cancel(timer_);
  stream_.io().cancel(open_timer_);
  if (exchange_) exchange_->abandon();
}

}  // namespace crosspoint::transports
