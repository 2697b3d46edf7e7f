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

/// What a text needed of `scratch` is free again as soon as it is written, so that a message of many texts takes no
/// more.
template <Reader R, class W>
class Conversion {
 public:
  Conversion(R& from, W& to, Scratch& scratch) : from_(from), to_(to), scratch_(scratch) {}

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
        scratch_.clear();
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
      if (!text.empty() && text[0] == '\0') {
        std::string& bytes = scratch_.add();
        bytes.resize(base64_room(text.size()));
        std::size_t size = 0;
        if (read_base64(text.substr(1), reinterpret_cast<std::uint8_t*>(bytes.data()), size)) {
          to_.binary({bytes.data(), size});
          scratch_.clear();
          return true;
        }
      }
    }
    to_.text(text);
    scratch_.clear();
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
        scratch_.clear();
      }
      if (!value()) return false;
    }
    to_.close(start, dict, count);
    return from_.ok();
  }

  R& from_;
  W& to_;
  Scratch& scratch_;
};

/// So many values that stand one behind the other; in JSON with commas between.
template <Reader R, class W>
bool convert_values(base::Bytes bytes, std::size_t count, Scratch& scratch, WriteBuffer& out) {
  R from(bytes, scratch);
  W to(out);
  for (std::size_t done = 0; done < count; ++done) {
    if constexpr (R::kEncoding == Encoding::json) {
      if (done > 0 && !from.comma()) return false;
    }
    if (!Conversion<R, W>(from, to, scratch).value()) return false;
  }
  return from.at_end();
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
