#include "realm/shard_context.hpp"

#include "realm/role.hpp"

namespace crosspoint::realm {

void refuse(Outbox& out, Session& session, wamp::MessageType type, wamp::RequestId request, std::string_view error,
            std::string_view text) {
  wamp::Error message;
  message.request_type = type;
  message.request = request;
  message.error = error;
  if (!text.empty()) message.payload = wamp::Payload::from_text(text);
  out.send(session, std::move(message));
}

std::string_view strict_text(wamp::UriCheck check) { return check == wamp::UriCheck::strict ? "True" : "False"; }

bool discloses(const Session& session, std::string_view uri, const Decision& decision) {
  return decision.disclose || session.role->trusted() || uri.starts_with("wamp.") || uri.starts_with("crossbar.");
}

}  // namespace crosspoint::realm
