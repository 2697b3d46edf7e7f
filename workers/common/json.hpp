#pragma once

#include <cstdint>
#include <msgpack.hpp>
#include <nlohmann/json.hpp>
#include <string>

namespace workshop {

using Json = nlohmann::json;

/// What becomes of bytes.
enum class Bytes {
  as_text,   ///< as in WAMP's JSON: a zero character and their base64
  as_bytes,  ///< a Json that is_binary()
};

/// What came over WAMP as MessagePack.
Json to_json(const msgpack::object& object, Bytes bytes = Bytes::as_text);

/// And the other way; the object's memory is the zone's.
msgpack::object to_msgpack(const Json& value, msgpack::zone& zone);

/// The value as JSON text; bytes that are not UTF-8 are replaced.
std::string text_of(const Json& value);

/// The text at a key or index, empty if there is no text there.
std::string text_at(const Json& object, const std::string& key);
std::string text_at(const Json& array, std::size_t index);

/// The number (an id) at a key or index, 0 if there is none.
std::uint64_t id_at(const Json& object, const std::string& key);
std::uint64_t id_at(const Json& array, std::size_t index);

}  // namespace workshop

// Autobahn|Cpp takes a Json for the arguments of what it sends.
namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {
  template <>
  struct object_with_zone<nlohmann::json> {
    void operator()(msgpack::object::with_zone& object, const nlohmann::json& value) const {
      static_cast<msgpack::object&>(object) = workshop::to_msgpack(value, object.zone);
    }
  };
  }  // namespace adaptor
}  // MSGPACK_API_VERSION_NAMESPACE
}  // namespace msgpack
