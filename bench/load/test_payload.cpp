#include "load/test_payload.hpp"

#include "serializers/cbor_reader.hpp"
#include "serializers/json_reader.hpp"
#include "serializers/msgpack_reader.hpp"
#include "serializers/ubjson_reader.hpp"
#include "serializers/writers.hpp"

namespace crosspoint::bench {

TestPayload::TestPayload(wamp::Encoding encoding, std::size_t text_size) : encoding_(encoding) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  text_.reserve(text_size);
  while (text_.size() < text_size) text_.push_back(kLetters[text_.size() % kLetters.size()]);
}

template <class Writer>
void TestPayload::write_as(const Content& content) {
  buffer_.clear();
  Writer writer(buffer_);
  writer.begin_list(3);
  writer.number(content.number);
  writer.number(content.source);
  writer.text(text_);
  writer.end_list();
}

wamp::Payload TestPayload::write(const Content& content) {
  switch (encoding_) {
    case wamp::Encoding::msgpack:
      write_as<serializers::MsgpackWriter>(content);
      break;
    case wamp::Encoding::cbor:
      write_as<serializers::CborWriter>(content);
      break;
    case wamp::Encoding::ubjson:
      write_as<serializers::UbjsonWriter>(content);
      break;
    default:
      write_as<serializers::JsonWriter>(content);
  }
  wamp::Payload payload;
  payload.encoding = encoding_;
  payload.elements = 1;
  payload.bytes = buffer_.bytes();
  return payload;
}

template <class Reader>
bool TestPayload::read_as(const wamp::Payload& payload, Content& out) {
  Reader reader(payload.bytes, scratch_);
  std::string_view text;
  return reader.enter_list() && reader.more() && reader.read_uint(out.number) && reader.more() &&
         reader.read_uint(out.source) && reader.more() && reader.read_text(text) && !reader.more() && reader.ok() &&
         text == text_;
}

bool TestPayload::read(const wamp::Payload& payload, Content& out) {
  if (payload.elements == 0) return false;
  scratch_.clear();
  switch (payload.encoding) {
    case wamp::Encoding::msgpack:
      return read_as<serializers::MsgpackReader>(payload, out);
    case wamp::Encoding::cbor:
      return read_as<serializers::CborReader>(payload, out);
    case wamp::Encoding::ubjson:
      return read_as<serializers::UbjsonReader>(payload, out);
    default:
      return read_as<serializers::JsonReader>(payload, out);
  }
}

}  // namespace crosspoint::bench
