#include "gateway/mail_message.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "serializers/value.hpp"

namespace crosspoint::gateway {

using nlohmann::json;
using storage::MailMessage;

storage::MailMessageRef to_mail(const json& value) {
  auto data = to_data(value);
  if (!data) return nullptr;
  MailMessage message;
  if (data->kind == transports::DataKind::binary) message.kind = MailMessage::Kind::binary;
  if (!value.is_string() && !value.is_binary()) message.kind = MailMessage::Kind::json;
  message.bytes = std::move(data->bytes);
  return std::make_shared<const MailMessage>(std::move(message));
}

json to_value(const MailMessage& message) {
  switch (message.kind) {
    case MailMessage::Kind::binary:
      return json::binary({message.bytes.begin(), message.bytes.end()});
    case MailMessage::Kind::json:
      return json::parse(message.bytes, nullptr, false);
    default:
      return message.bytes;
  }
}

Data to_data(const Mailboxes::Delivery& delivery) {
  Data data;
  if (delivery.confirm) {
    const json envelope{{"identity", delivery.identity}, {"id", delivery.id}, {"message", to_value(*delivery.message)}};
    serializers::append_value(wamp::Encoding::json, envelope, data.bytes);
    return data;
  }
  if (delivery.message->kind == MailMessage::Kind::binary) data.kind = transports::DataKind::binary;
  data.bytes = delivery.message->bytes;
  return data;
}

}  // namespace crosspoint::gateway
