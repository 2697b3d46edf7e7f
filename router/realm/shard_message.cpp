#include "realm/shard_message.hpp"

#include "realm/shared_history.hpp"

namespace crosspoint::realm {

std::size_t size_of(const ShardMessage& message) {
  static constexpr std::size_t kFixed = 256;  // the message itself and its small parts
  return std::visit(
      [](const auto& m) {
        if constexpr (requires { m->payload; }) {
          return kFixed + m->payload.bytes.size() + m->topic.size();
        } else if constexpr (requires { m->read; }) {
          std::size_t size = kFixed;
          if (m->read) {
            for (const LoggedEvent& event : m->read->events()) size += kFixed + event.publication->payload.bytes.size();
          }
          return size;
        } else if constexpr (requires { m.publication->payload; }) {
          return kFixed + m.publication->payload.bytes.size() + m.publication->topic.size();
        } else if constexpr (requires { m.payload; }) {
          return kFixed + m.payload.bytes.size();
        } else if constexpr (requires { m.call.payload; }) {
          return kFixed + m.call.payload.bytes.size();
        } else if constexpr (requires { m.changes; }) {
          return kFixed + m.changes.size();
        } else if constexpr (requires { m.answer; }) {
          return kFixed + m.answer.size();
        } else if constexpr (requires { m.keywords; }) {
          return kFixed + m.arguments.size() + m.keywords.size();
        } else if constexpr (requires { m.answers; }) {
          std::size_t size = kFixed;
          for (const NodeAnswer& answer : m.answers) size += answer.text.size();
          return size;
        } else if constexpr (requires { m.sessions; }) {
          return kFixed + m.sessions.size() * sizeof(wamp::SessionId);
        } else {
          return kFixed;
        }
      },
      message);
}

}  // namespace crosspoint::realm
