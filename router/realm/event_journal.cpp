#include "realm/event_journal.hpp"

#include "serializers/serializers.hpp"

namespace crosspoint::realm {
namespace {

std::unique_ptr<wamp::ReceiverFilter> copy_of(const std::unique_ptr<wamp::ReceiverFilter>& filter) {
  return filter ? std::make_unique<wamp::ReceiverFilter>(*filter) : nullptr;
}

}  // namespace

std::string write_publication(const wamp::Publish& message) {
  wamp::Publish publish;
  publish.request = 1;
  publish.topic = message.topic;
  publish.payload = message.payload;
  publish.options.passthru = message.options.passthru;
  publish.options.filter = copy_of(message.options.filter);
  return serializers::encode_whole(wamp::Message(std::move(publish)));
}

std::shared_ptr<Publication> read_publication(wamp::Encoding encoding, std::string_view bytes, wamp::PublicationId id,
                                              std::shared_ptr<const Identity> publisher, wamp::TrustLevel trustlevel) {
  serializers::Scratch scratch;
  wamp::Message message;
  if (!serializers::decode(encoding, base::as_bytes(bytes), scratch, message).empty()) return nullptr;
  const auto* publish = std::get_if<wamp::Publish>(&message);
  if (publish == nullptr) return nullptr;
  auto publication = std::make_shared<Publication>();
  publication->id = id;
  publication->topic = publish->topic;
  publication->publisher = std::move(publisher);
  publication->trustlevel = trustlevel;
  if (publish->options.filter) publication->filter = std::make_shared<const ReceiverFilter>(*publish->options.filter);
  publication->passthru = publish->options.passthru;
  publication->payload = publish->payload.kept();
  return publication;
}

}  // namespace crosspoint::realm
