#include "serializers/convert.hpp"

#include "serializers/base64.hpp"
#include "serializers/cbor_reader.hpp"
#include "serializers/json_reader.hpp"
#include "serializers/msgpack_reader.hpp"
#include "serializers/ubjson_reader.hpp"
#include "serializers/writers.hpp"

namespace crosspoint::serializers {
namespace {

using wamp::Encoding;

template <Reader R, class W>
class Conversion {
 public:
  Conversion(R& from, W& to) : from_(from), to_(to) {}

  bool value() {
    switch (from_.kind()) {
      case Kind::null:
        from_.skip();
        to_.null();
        return from_.ok();
      case Kind::boolean: {
        bool flag = false;
        if (!from_.read_bool(flag)) return false;
        to_.boolean(flag);
        return true;
      }
      case Kind::integer:
      case Kind::number:
        return number();
      case Kind::text:
        return text();
      case Kind::binary: {
        std::string_view bytes;
        if (!from_.read_binary(bytes)) return false;
        to_.binary(bytes);
        return true;
      }
      case Kind::list:
        return from_.enter_list() && items(false);
      case Kind::dict:
        return from_.enter_dict() && items(true);
      default:
        return false;
    }
  }

 private:
  bool number() {
    Number number;
    if (!from_.read_number(number)) return false;
    switch (number.is) {
      case Number::Is::natural:
        to_.number(number.natural);
        break;
      case Number::Is::negative:
        to_.negative(number.negative);
        break;
      default:
        to_.real(number.real);
    }
    return true;
  }

  bool text() {
    std::string_view text;
    if (!from_.read_text(text)) return false;
    if constexpr (R::kEncoding == Encoding::json) {
      // A string that only looks like a binary value stays a string.
      std::vector<std::uint8_t> bytes;
      if (!text.empty() && text[0] == '\0' && from_base64(text.substr(1), bytes)) {
        to_.binary(base::as_text(bytes));
        return true;
      }
    }
    to_.text(text);
    return true;
  }

  bool items(bool dict) {
    const std::size_t start = to_.open(dict);
    std::size_t count = 0;
    for (; from_.more(); ++count) {
      if (dict) {
        std::string_view key;
        if (!from_.read_key(key)) return false;
        to_.key(key);
      }
      if (!value()) return false;
    }
    to_.close(start, dict, count);
    return from_.ok();
  }

  R& from_;
  W& to_;
};

/// So many values that stand one behind the other; in JSON with commas between.
template <Reader R, class W>
bool convert_values(base::Bytes bytes, std::size_t count, Scratch& scratch, WriteBuffer& out) {
  W to(out);
  for (std::size_t done = 1; done <= count; ++done) {
    base::Bytes rest;
    if (done < count) {
      const base::Bytes first = R(bytes, scratch).skip();
      rest = bytes.subspan(static_cast<std::size_t>(first.data() + first.size() - bytes.data()));
      if constexpr (R::kEncoding == Encoding::json) rest = rest.subspan(base::as_text(rest).find(',') + 1);
      bytes = first;
    }
    R from(bytes, scratch);
    if (!Conversion<R, W>(from, to).value() || !from.at_end()) return false;
    bytes = rest;
  }
  return true;
}

template <Reader R>
bool convert_from(base::Bytes bytes, std::size_t count, Encoding target, Scratch& scratch, WriteBuffer& out) {
  switch (target) {
    case Encoding::msgpack:
      return convert_values<R, MsgpackWriter>(bytes, count, scratch, out);
    case Encoding::cbor:
      return convert_values<R, CborWriter>(bytes, count, scratch, out);
    case Encoding::ubjson:
      return convert_values<R, UbjsonWriter>(bytes, count, scratch, out);
    default:
      return convert_values<R, JsonWriter>(bytes, count, scratch, out);
  }
}

bool convert(Encoding from, base::Bytes bytes, std::size_t count, Encoding to, Scratch& scratch, WriteBuffer& out) {
  scratch.clear();
  switch (from) {
    case Encoding::msgpack:
      return convert_from<MsgpackReader>(bytes, count, to, scratch, out);
    case Encoding::cbor:
      return convert_from<CborReader>(bytes, count, to, scratch, out);
    case Encoding::ubjson:
      return convert_from<UbjsonReader>(bytes, count, to, scratch, out);
    default:
      return convert_from<JsonReader>(bytes, count, to, scratch, out);
  }
}

}  // namespace

bool convert(const wamp::Payload& payload, Encoding target, Scratch& scratch, WriteBuffer& out) {
  return convert(payload.encoding, payload.bytes, payload.elements, target, scratch, out);
}

bool convert(const wamp::Dict& dict, Encoding target, Scratch& scratch, WriteBuffer& out) {
  return convert(dict.encoding, dict.bytes, 1, target, scratch, out);
}

}  // namespace crosspoint::serializers
