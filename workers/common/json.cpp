#include "common/json.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace workshop {
namespace {

// Deeper than anything sensible, and far from the end of the stack.
constexpr int kDeepest = 100;

std::string bytes_as_text(const char* data, std::size_t size) {
  std::string base64(4 * ((size + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                                     reinterpret_cast<const unsigned char*>(data), static_cast<int>(size));
  base64.resize(static_cast<std::size_t>(length));
  return std::string(1, '\0') + base64;
}

Json convert(const msgpack::object& object, Bytes bytes, int depth) {
  if (depth > kDeepest) throw std::runtime_error("a value is nested too deeply");
  switch (object.type) {
    case msgpack::type::BOOLEAN:
      return object.via.boolean;
    case msgpack::type::POSITIVE_INTEGER:
      return object.via.u64;
    case msgpack::type::NEGATIVE_INTEGER:
      return object.via.i64;
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
      return object.via.f64;
    case msgpack::type::STR:
      return std::string(object.via.str.ptr, object.via.str.size);
    case msgpack::type::BIN:
      if (bytes == Bytes::as_text) return bytes_as_text(object.via.bin.ptr, object.via.bin.size);
      return Json::binary({object.via.bin.ptr, object.via.bin.ptr + object.via.bin.size});
    case msgpack::type::ARRAY: {
      Json array = Json::array();
      for (std::uint32_t i = 0; i < object.via.array.size; ++i) {
        array.push_back(convert(object.via.array.ptr[i], bytes, depth + 1));
      }
      return array;
    }
    case msgpack::type::MAP: {
      Json map = Json::object();
      for (std::uint32_t i = 0; i < object.via.map.size; ++i) {
        const msgpack::object_kv& item = object.via.map.ptr[i];
        if (item.key.type == msgpack::type::STR) {
          map[std::string(item.key.via.str.ptr, item.key.via.str.size)] = convert(item.val, bytes, depth + 1);
        }
      }
      return map;
    }
    default:
      return nullptr;
  }
}

template <class Key>
const Json* at(const Json& value, const Key& key) {
  if constexpr (std::is_integral_v<Key>) {
    return value.is_array() && key < value.size() ? &value[key] : nullptr;
  } else {
    const auto found = value.is_object() ? value.find(key) : value.end();
    return found != value.end() ? &*found : nullptr;
  }
}

std::string as_text(const Json* value) {
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::uint64_t as_id(const Json* value) {
  return value != nullptr && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

}  // namespace

Json to_json(const msgpack::object& object, Bytes bytes) { return convert(object, bytes, 0); }

msgpack::object to_msgpack(const Json& value, msgpack::zone& zone) {
  switch (value.type()) {
    case Json::value_t::boolean:
      return msgpack::object(value.get<bool>(), zone);
    case Json::value_t::number_integer:
      return msgpack::object(value.get<std::int64_t>(), zone);
    case Json::value_t::number_unsigned:
      return msgpack::object(value.get<std::uint64_t>(), zone);
    case Json::value_t::number_float:
      return msgpack::object(value.get<double>(), zone);
    case Json::value_t::string:
      return msgpack::object(value.get_ref<const std::string&>(), zone);
    case Json::value_t::binary: {
      const Json::binary_t& bytes = value.get_binary();
      return msgpack::object(std::vector<unsigned char>(bytes.begin(), bytes.end()), zone);
    }
    case Json::value_t::array: {
      std::vector<msgpack::object> items;
      for (const Json& item : value) items.push_back(to_msgpack(item, zone));
      return msgpack::object(items, zone);
    }
    case Json::value_t::object: {
      std::map<std::string, msgpack::object> items;
      for (const auto& [key, item] : value.items()) items.emplace(key, to_msgpack(item, zone));
      return msgpack::object(items, zone);
    }
    default:
      return msgpack::object();
  }
}

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string text_at(const Json& object, const std::string& key) { return as_text(at(object, key)); }
std::string text_at(const Json& array, std::size_t index) { return as_text(at(array, index)); }
std::uint64_t id_at(const Json& object, const std::string& key) { return as_id(at(object, key)); }
std::uint64_t id_at(const Json& array, std::size_t index) { return as_id(at(array, index)); }

}  // namespace workshop
