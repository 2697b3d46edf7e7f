#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/io_thread.hpp"
#include "transports/http_service.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::transports {

/// An HTTP request to a long-poll transport, which may have come in on another thread, and goes back there.
class LongPollRequest {
 public:
  explicit LongPollRequest(std::shared_ptr<HttpExchange> exchange);

  const HttpRequest& request() const { return exchange_->request(); }
  bool is(const std::weak_ptr<HttpExchange>& exchange) const { return exchange.lock() == exchange_; }
  /// Any thread. `lost` is called, on the request's thread, if the client has gone in the meantime.
  void respond(HttpResponse response, std::function<void()> lost = {}) const;

 private:
  std::shared_ptr<HttpExchange> exchange_;
  base::IoThread& io_;
};

/// How a long-poll service treats its transports.
struct LongPollLimits {
  std::chrono::seconds request_timeout;  ///< a poll without messages is answered empty after this
  std::chrono::seconds session_timeout;  ///< a transport that nobody polls ends after this
  std::size_t queue_limit_messages;      ///< a transport for which more messages wait is ended
  std::size_t max_message_size;          ///< bytes
};

/// "HTTP Longpoll Transport": what WebSocket is to a connection, this is to a number of HTTP requests: messages come in
/// with `send`, and go out one by one as the answers to `receive`. Lives on the thread that it was opened on. Nothing
/// but its service owns it; whoever posts to it holds a weak reference.
class LongPollTransport final : public MessagePort,
                                public base::TurnEnd,
                                public std::enable_shared_from_this<LongPollTransport> {
 public:
  /// `closed` is called when the transport has ended; it lets go of the transport.
  using Closed = std::function<void(LongPollTransport& transport)>;

  LongPollTransport(base::IoThread& io, TransportInfo info, const LongPollLimits& limits, Closed closed);
  ~LongPollTransport() override;
  void open(MessageHandlerFactory& endpoint);

  // The requests of a client. This thread.
  void send(const LongPollRequest& request);
  void receive(const LongPollRequest& request);
  void close(const LongPollRequest& request);
  void show(const LongPollRequest& request, std::string_view id) const;
  /// The client of a poll has gone.
  void forget_poll(const std::weak_ptr<HttpExchange>& exchange);

  // MessagePort
  bool send(const serializers::EncodedMessage& message) override;
  bool takes_shared_frames() const override { return false; }
  SharedFrame make_frame(const serializers::EncodedMessage&, base::ChunkWriter&) const override { return {}; }
  bool send(const SharedFrame&) override { return false; }
  unsigned kind() const override { return 3; }
  /// The message that goes out next is not counted: it may be as long as it likes.
  std::size_t queued() const override { return queue_.empty() ? 0 : queued_bytes_ - queue_.front().size(); }
  std::size_t queued_messages() const override { return queue_.size(); }
  std::size_t max_queued_messages() const override { return limits_.queue_limit_messages; }
  void pause() override { paused_ = true; }
  void resume() override;
  void close(std::string_view reason) override { end(reason, true); }
  void fail(std::string_view reason) override;
  void drop(std::string_view reason) override { end(reason, false); }
  base::IoThread& io() override { return io_; }
  TransportInfo info() const override { return info_; }
  std::size_t max_message_size() const override { return limits_.max_message_size; }

  void on_turn_end() override;

 private:
  void end(std::string_view reason, bool in_order);
  void finish();
  void need_turn_end();
  void take(const LongPollRequest& request);
  void answer_poll();
  void answer_poll_empty();
  /// The client has been heard of.
  void alive();

  base::IoThread& io_;
  const TransportInfo info_;
  const LongPollLimits& limits_;
  Closed closed_;
  std::unique_ptr<MessageHandler> handler_;
  std::deque<std::string> queue_;  // messages for the client
  std::size_t queued_bytes_ = 0;
  std::unique_ptr<LongPollRequest> poll_;      // the `receive` that waits
  std::deque<LongPollRequest> waiting_sends_;  // while paused
  std::size_t waiting_bytes_ = 0;
  bool paused_ = false;
  bool failed_ = false;
  bool turn_end_asked_ = false;
  bool ending_ = false;    // what is queued may still be fetched
  bool finished_ = false;  // nothing more is possible
  std::string reason_;     // of the end
  base::Timers::Handle poll_timer_;
  base::Timers::Handle idle_timer_;
};

/// A response that pages of other origins may use, and nobody caches.
HttpResponse longpoll_response(const HttpRequest& request, unsigned status, std::string_view type, std::string body);

}  // namespace crosspoint::transports
