#include "wamp/message.hpp"

#include <array>

namespace crosspoint::wamp {
namespace {

// In the order of the alternatives of Message.
constexpr std::array<MessageType, std::variant_size_v<Message>> kTypes{
    MessageType::hello,        MessageType::welcome,    MessageType::abort,      MessageType::challenge,
    MessageType::authenticate, MessageType::goodbye,    MessageType::error,      MessageType::publish,
    MessageType::published,    MessageType::subscribe,  MessageType::subscribed, MessageType::unsubscribe,
    MessageType::unsubscribed, MessageType::event,      MessageType::call,       MessageType::cancel,
    MessageType::result,       MessageType::register_,  MessageType::registered, MessageType::unregister,
    MessageType::unregistered, MessageType::invocation, MessageType::interrupt,  MessageType::yield};

constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames{
    "HELLO",     "WELCOME",   "ABORT",      "CHALLENGE",   "AUTHENTICATE", "GOODBYE",    "ERROR",     "PUBLISH",
    "PUBLISHED", "SUBSCRIBE", "SUBSCRIBED", "UNSUBSCRIBE", "UNSUBSCRIBED", "EVENT",      "CALL",      "CANCEL",
    "RESULT",    "REGISTER",  "REGISTERED", "UNREGISTER",  "UNREGISTERED", "INVOCATION", "INTERRUPT", "YIELD"};

}  // namespace

std::string_view to_string(MessageType type) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == type) return kNames[i];
  }
  return "UNKNOWN";
}

std::string_view to_string(InvocationPolicy policy) {
  constexpr std::array<std::string_view, 5> kPolicies{"single", "first", "last", "roundrobin", "random"};
  return kPolicies[static_cast<std::size_t>(policy)];
}

std::string_view to_string(CancelMode mode) {
  constexpr std::array<std::string_view, 3> kModes{"skip", "kill", "killnowait"};
  return kModes[static_cast<std::size_t>(mode)];
}

MessageType type_of(const Message& message) { return kTypes[message.index()]; }

}  // namespace crosspoint::wamp
