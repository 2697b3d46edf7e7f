#include "transports/echo.hpp"

namespace crosspoint::transports {
namespace {

/// What may wait for a peer that does not read before nothing more is read from it.
constexpr std::size_t kMaxQueued = 1024 * 1024;

class Echo final : public MessageHandler {
 public:
  explicit Echo(MessagePort& port) : port_(port) {}

  void on_message(std::span<std::uint8_t> message, const base::ChunkRef& owner) override {
    serializers::EncodedMessage answer;
    answer.payload = message;
    answer.payload_owner = owner;
    port_.send(answer);
    if (port_.queued() > kMaxQueued) port_.pause();
  }
  void on_drained() override { port_.resume(); }
  void on_closed(std::string_view) override {}

 private:
  MessagePort& port_;
};

class EchoEndpoint final : public MessageHandlerFactory {
 public:
  std::unique_ptr<MessageHandler> make_handler(MessagePort& port) override { return std::make_unique<Echo>(port); }
};

}  // namespace

MessageHandlerFactory& echo_endpoint() {
  static EchoEndpoint endpoint;
  return endpoint;
}

}  // namespace crosspoint::transports
