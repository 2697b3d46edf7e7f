#include "cluster/publication_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cluster/head_words.hpp"
#include "cluster/node_message.hpp"
#include "realm/event_journal.hpp"
#include "realm/receiver_filter.hpp"
#include "serializers/reader.hpp"
#include "serializers/serializers.hpp"
#include "serializers/value.hpp"

namespace crosspoint::cluster {
namespace {

/// A trust level stands behind the sender, so that nodes of versions which do not know of it read the rest.
constexpr char kTrustLevel = '+';

/// Splits "<sender>+<trust level>". False if the number is none.
bool split_sender(std::string_view word, std::string_view& sender, wamp::TrustLevel& trustlevel) {
  const std::size_t start = word.rfind('/');
  const std::size_t plus = start != std::string_view::npos ? word.find(kTrustLevel, start) : start;
  sender = word.substr(0, plus);
  trustlevel = wamp::kNoTrustLevel;
  if (plus == std::string_view::npos) return true;
  const std::string_view number = word.substr(plus + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), trustlevel);
  return error == std::errc() && end == number.data() + number.size() && trustlevel >= 0;
}

std::string_view read_node_text(std::string_view text, std::string_view topic,
                                std::shared_ptr<realm::Publication>& out) {
  constexpr std::string_view kBadHead = "its first line cannot be read";
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return kBadHead;
  std::string_view head = text.substr(kMagic.size(), end - kMagic.size());
  std::string_view rest = text.substr(end + 1);
  std::string_view sender;
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  if (!split_sender(take_word(head), sender, trustlevel)) return kBadHead;
  std::uint64_t id = 0;
  std::uint64_t session = 0;
  std::uint64_t authid = 0;
  std::uint64_t authrole = 0;
  if (!take_number(head, id) || !wamp::is_id(id)) return kBadHead;
  const auto* serializer = serializers::find_by_name(take_word(head));
  if (serializer == nullptr) return "its serializer is not known";
  if (!take_number(head, session) || !take_number(head, authid) || !take_number(head, authrole)) return kBadHead;
  if (!head.empty() || session > wamp::kMaxId || authid > rest.size() || authrole > rest.size() - authid) {
    return kBadHead;
  }
  std::shared_ptr<realm::Identity> publisher;
  if (session != 0) {
    publisher = std::make_shared<realm::Identity>();
    publisher->session = session;
    publisher->authid = rest.substr(0, authid);
    publisher->authrole = rest.substr(authid, authrole);
    if (!serializers::is_utf8(publisher->authid) || !serializers::is_utf8(publisher->authrole)) return kBadHead;
  }
  rest.remove_prefix(authid + authrole);
  if (serializer->is_text && !serializers::is_utf8(rest)) return "its PUBLISH is no UTF-8";
  auto read = realm::read_publication(serializer->encoding, rest, id, std::move(publisher), trustlevel);
  if (!read) return "its PUBLISH cannot be read";
  if (read->topic != topic) return "its topic is not that of the channel";
  out = std::move(read);
  return {};
}

std::string_view read_object(std::string_view text, std::string_view topic, wamp::PublicationId id,
                             std::shared_ptr<realm::Publication>& out) {
  nlohmann::json object;
  if (!serializers::is_utf8(text) || !serializers::to_value(wamp::Encoding::json, base::as_bytes(text), object)) {
    return "it is no JSON";
  }
  const auto args = object.find("args");
  const auto kwargs = object.find("kwargs");
  if (args != object.end() && !args->is_array()) return "\"args\" is no list";
  if (kwargs != object.end() && !kwargs->is_object()) return "\"kwargs\" is no object";
  const auto known = static_cast<std::size_t>(args != object.end()) + static_cast<std::size_t>(kwargs != object.end());
  if (object.size() != known) return "it has keys other than \"args\" and \"kwargs\"";
  std::string values;
  if (known > 0) {
    serializers::append_value(wamp::Encoding::json, args != object.end() ? *args : nlohmann::json::array(), values);
  }
  if (kwargs != object.end()) {
    values.push_back(',');
    serializers::append_value(wamp::Encoding::json, *kwargs, values);
  }
  out = std::make_shared<realm::Publication>();
  out->id = id;
  out->topic = topic;
  const std::uint8_t elements = kwargs != object.end() ? 2 : known > 0 ? 1 : 0;
  if (elements > 0) out->payload = wamp::Payload::from_json(values, elements);
  return {};
}

}  // namespace

std::string write_text(std::string_view sender, const wamp::Publish& message, wamp::PublicationId id,
                       const realm::Identity* publisher, wamp::TrustLevel trustlevel) {
  const std::string publish = realm::write_publication(message);
  const std::string_view serializer = serializers::of(message.payload.encoding).name;
  static const realm::Identity kNobody;
  const realm::Identity& who = publisher != nullptr ? *publisher : kNobody;
  std::string text;
  text.reserve(96 + sender.size() + who.authid.size() + who.authrole.size() + publish.size());
  const auto out = std::back_inserter(text);
  text.append(kMagic).append(sender);
  if (trustlevel != wamp::kNoTrustLevel) fmt::format_to(out, "{}{}", kTrustLevel, trustlevel);
  fmt::format_to(out, " {} {} {} {} {}\n", id, serializer, who.session, who.authid.size(), who.authrole.size());
  return text.append(who.authid).append(who.authrole).append(publish);
}

std::string_view sender_of(std::string_view text) {
  if (!text.starts_with(kMagic)) return {};
  text.remove_prefix(kMagic.size());
  std::string_view sender;
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  split_sender(take_word(text), sender, trustlevel);
  return sender;
}

std::string write_text(std::string_view sender, const realm::Publication& publication) {
  wamp::Publish message;
  message.topic = publication.topic;
  message.payload = publication.payload;
  message.options.passthru = publication.passthru;
  if (publication.filter) message.options.filter = std::make_unique<wamp::ReceiverFilter>(publication.filter->lists());
  return write_text(sender, message, publication.id, publication.publisher.get(), publication.trustlevel);
}

wamp::PublicationId id_of(std::string_view text) {
  if (!text.starts_with(kMagic)) return 0;
  text.remove_prefix(kMagic.size());
  take_word(text);
  std::uint64_t id = 0;
  return take_number(text, id) && wamp::is_id(id) ? id : 0;
}

std::string_view read_text(std::string_view text, std::string_view topic, wamp::PublicationId id,
                           std::shared_ptr<realm::Publication>& out) {
  if (text.starts_with(kMagic)) return read_node_text(text, topic, out);
  if (text.find_first_not_of(" \t\r\n") != std::string_view::npos && text[text.find_first_not_of(" \t\r\n")] == '{') {
    return read_object(text, topic, id, out);
  }
  return "it is neither a JSON object nor from a node of this version";
}

}  // namespace crosspoint::cluster
