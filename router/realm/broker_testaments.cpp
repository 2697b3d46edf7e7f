#include "realm/broker.hpp"
#include "serializers/serializers.hpp"

namespace crosspoint::realm {

void Broker::publish_testaments(Session& session, Outbox& out) {
  if (!session.testaments) return;
  const auto testaments = std::move(session.testaments);
  out.keep(session.identity);  // the session may be gone before what is in `out` is delivered
  for (const auto scope : {TestamentScope::detached, TestamentScope::destroyed}) {
    for (Testament& testament : testaments->of(scope)) publish_testament(session, std::move(testament), out);
  }
}

void Broker::publish_testament(const Session& session, Testament testament, Outbox& out) {
  struct Decoded {
    std::string bytes;
    serializers::Scratch scratch;
    wamp::Message message;
  };
  const auto decoded = std::make_shared<Decoded>();
  out.keep(decoded);
  decoded->bytes = std::move(testament.publish);
  serializers::decode(wamp::Encoding::cbor, base::as_bytes(decoded->bytes), decoded->scratch, decoded->message);
  const auto& publish = std::get<wamp::Publish>(decoded->message);
  const Matches* found = matches(publish.topic);
  dispatch(&session, publish, *found,
           {testament.id, testament.disclose ? session.identity : nullptr, testament.trustlevel}, out);
}

}  // namespace crosspoint::realm
