#include "transports/longpoll_transport.hpp"

#include <fmt/core.h>

#include <utility>

#include "base/log.hpp"
#include "serializers/reader.hpp"
#include "transports/stream.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports {
namespace {

/// Messages that the client has sent and that wait because it does not fetch its own, in bytes.
constexpr std::size_t kMaxWaiting = 1024 * 1024;

std::string_view mime_type(const serializers::Serializer& serializer) {
  switch (serializer.encoding) {
    case wamp::Encoding::msgpack:
      return "application/x-msgpack";
    case wamp::Encoding::cbor:
      return "application/cbor";
    case wamp::Encoding::ubjson:
      return "application/ubjson";
    default:
      return "application/json; charset=utf-8";
  }
}

}  // namespace

HttpResponse longpoll_response(const HttpRequest& request, unsigned status, std::string_view type, std::string body) {
  HttpResponse response;
  response.status = status;
  web::allow_cross_origin(request, response);
  response.set("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0");
  if (!type.empty()) response.set("Content-Type", std::string(type));
  response.body = std::move(body);
  return response;
}

LongPollRequest::LongPollRequest(std::shared_ptr<HttpExchange> exchange)
    : exchange_(std::move(exchange)), io_(exchange_->stream()->io()) {}

void LongPollRequest::respond(HttpResponse response, std::function<void()> lost) const {
  if (io_.is_current()) {
    if (exchange_->stream() == nullptr && lost) return lost();
    return exchange_->respond(std::move(response));
  }
  io_.post([exchange = exchange_, shared = std::make_shared<HttpResponse>(std::move(response)), lost] {
    if (exchange->stream() == nullptr && lost) return lost();
    exchange->respond(std::move(*shared));
  });
}

LongPollTransport::LongPollTransport(base::IoThread& io, TransportInfo info, const LongPollLimits& limits,
                                     Closed closed)
    : io_(io), info_(std::move(info)), limits_(limits), closed_(std::move(closed)) {}

LongPollTransport::~LongPollTransport() {
  io_.cancel(poll_timer_);
  io_.cancel(idle_timer_);
  io_.forget(*this);
}

void LongPollTransport::open(MessageHandlerFactory& endpoint) {
  handler_ = endpoint.make_handler(*this);
  alive();
}

void LongPollTransport::alive() {
  io_.cancel(idle_timer_);
  if (poll_ || finished_) return;
  idle_timer_ = io_.after(limits_.session_timeout, [this] { end("nobody polled in time", false); });
}

void LongPollTransport::send(const LongPollRequest& request) {
  alive();
  if (!paused_ && waiting_sends_.empty()) return take(request);
  const std::size_t size = request.request().body.size();
  if (waiting_bytes_ + size > kMaxWaiting) {
    return request.respond(
        longpoll_response(request.request(), 503, "text/plain; charset=utf-8", "fetch your messages first\n"));
  }
  waiting_bytes_ += size;
  waiting_sends_.push_back(request);
}

void LongPollTransport::take(const LongPollRequest& request) {
  const HttpRequest& http = request.request();
  const auto refuse = [&](std::string_view problem) {
    request.respond(longpoll_response(http, 400, "text/plain; charset=utf-8", std::string(problem) + "\n"));
  };
  if (ending_) return refuse("the transport is closed");
  if (info_.serializer->is_text && !serializers::is_utf8(http.body)) {
    refuse("the message is not UTF-8");
    return end("a JSON message that is not UTF-8", true);
  }
  std::string bytes = http.body;
  bytes.append(base::IoThread::kReadPadding, '\0');
  handler_->on_message({reinterpret_cast<std::uint8_t*>(bytes.data()), http.body.size()}, {});
  if (failed_) return refuse("the message breaks the protocol");
  request.respond(longpoll_response(http, 204, "", ""));
}

void LongPollTransport::resume() {
  paused_ = false;
  if (!waiting_sends_.empty()) need_turn_end();
}

void LongPollTransport::receive(const LongPollRequest& request) {
  answer_poll_empty();  // one that is still waiting: the client has given it up
  poll_ = std::make_unique<LongPollRequest>(request);
  alive();
  poll_timer_ = io_.after(limits_.request_timeout, [this] { answer_poll_empty(); });
  need_turn_end();
}

void LongPollTransport::forget_poll(const std::weak_ptr<HttpExchange>& exchange) {
  if (!poll_ || !poll_->is(exchange)) return;
  poll_.reset();
  io_.cancel(poll_timer_);
  alive();
}

void LongPollTransport::answer_poll_empty() {
  if (!poll_) return;
  io_.cancel(poll_timer_);
  const auto poll = std::exchange(poll_, nullptr);
  poll->respond(longpoll_response(poll->request(), 204, "", ""));
  alive();
}

void LongPollTransport::answer_poll() {
  io_.cancel(poll_timer_);
  const auto poll = std::exchange(poll_, nullptr);
  std::string message = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= message.size();
  // Nobody knows whether the client has got a message that went out on a connection that broke.
  const auto lost = [self = weak_from_this(), &io = io_] {
    io.post([self] {
      if (const auto transport = self.lock()) transport->drop("a message could not be handed over");
    });
  };
  poll->respond(longpoll_response(poll->request(), 200, mime_type(*info_.serializer), std::move(message)), lost);
  alive();
}

void LongPollTransport::close(const LongPollRequest& request) {
  end("the client closed the transport", false);
  request.respond(longpoll_response(request.request(), 204, "", ""));
}

void LongPollTransport::show(const LongPollRequest& request, std::string_view id) const {
  const std::uint64_t session = handler_ ? handler_->session() : 0;
  request.respond(longpoll_response(
      request.request(), 200, "application/json; charset=utf-8",
      fmt::format("{{\"transport\":\"{}\",\"session\":{}}}", id, session == 0 ? "null" : std::to_string(session))));
}

bool LongPollTransport::send(const serializers::EncodedMessage& message) {
  if (ending_) return true;
  std::string bytes;
  bytes.reserve(message.size());
  bytes += base::as_text(message.head);
  bytes += base::as_text(message.payload);
  bytes += message.tail;
  queued_bytes_ += bytes.size();
  queue_.push_back(std::move(bytes));
  if (queue_.size() > limits_.queue_limit_messages) end("too many messages wait for the client", false);
  need_turn_end();
  return true;
}

void LongPollTransport::fail(std::string_view reason) {
  failed_ = true;
  end(reason, true);
}

void LongPollTransport::end(std::string_view reason, bool in_order) {
  if (!in_order) {
    queue_.clear();
    queued_bytes_ = 0;
  }
  if (!std::exchange(ending_, true)) reason_ = reason;
  need_turn_end();
}

void LongPollTransport::need_turn_end() {
  if (turn_end_asked_ || finished_) return;
  turn_end_asked_ = true;
  io_.at_turn_end(*this, base::IoThread::Stage::write);
}

void LongPollTransport::on_turn_end() {
  const auto self = shared_from_this();  // finish() lets go of it
  turn_end_asked_ = false;
  if (poll_ && !queue_.empty()) answer_poll();
  if (queue_.empty() && handler_) handler_->on_drained();
  while (!waiting_sends_.empty() && (!paused_ || ending_)) {
    const LongPollRequest request = std::move(waiting_sends_.front());
    waiting_sends_.pop_front();
    waiting_bytes_ -= request.request().body.size();
    take(request);
  }
  if (ending_ && queue_.empty()) finish();
}

void LongPollTransport::finish() {
  if (std::exchange(finished_, true)) return;
  answer_poll_empty();
  io_.cancel(idle_timer_);
  if (handler_) handler_->on_closed(reason_);
  closed_(*this);
}

}  // namespace crosspoint::transports
