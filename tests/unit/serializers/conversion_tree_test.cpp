#include <catch2/catch.hpp>

#include "serializers/base64.hpp"
#include "serializers/convert.hpp"
#include "serializers/reader.hpp"
#include "serializers/value.hpp"
#include "unit/serializers/random_value.hpp"
#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using namespace std::string_literals;
using nlohmann::json;
using wamp::Encoding;

/// The conversion in one pass against the one by way of trees, and against bytes that mean harm.
namespace {

constexpr std::size_t kMostGrowth = 16;  // a byte of input becomes so many of output at most

std::string tree_bytes(Encoding encoding, const json& value) {
  std::string out;
  serializers::append_value(encoding, value, out);
  return out;
}

json tree(Encoding encoding, std::string_view bytes) {
  json value;
  return serializers::to_value(encoding, base::as_bytes(bytes), value) ? value : json(json::value_t::discarded);
}

/// Comparable also where a value has NaN.
std::string shown(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

struct Converted {
  bool good;
  std::string bytes;
};

/// At their exact size, so that a byte read beyond them is noticed.
Converted convert(Encoding from, std::string_view text, Encoding to) {
  const std::vector<char> bytes(text.begin(), text.end());
  wamp::Payload payload;
  payload.encoding = from;
  payload.elements = 1;
  payload.bytes = base::as_bytes({bytes.data(), bytes.size()});
  serializers::WriteBuffer out;
  serializers::Scratch scratch;
  const bool good = serializers::convert(payload, to, scratch, out);
  REQUIRE(out.size() <= kMostGrowth * (bytes.size() + 1));
  return {good, std::string(base::as_text(out.bytes()))};
}

/// msgpackr's undefined, which is null here and an extension for the trees.
bool has_undefined(Encoding encoding, std::string_view bytes) {
  return encoding == Encoding::msgpack && bytes.find("\xd4\0\0"s) != std::string_view::npos;
}

/// One byte changed, taken away or put in between, or the end cut off.
std::string damaged(base::Random& random, std::string bytes) {
  const std::size_t at = random.below(bytes.size());
  switch (random.below(4)) {
    case 0:
      return bytes.substr(0, at);
    case 1:
      return bytes.erase(at, 1);
    case 2:
      return bytes.insert(at, 1, static_cast<char>(random.below(256)));
    default:
      bytes[at] = static_cast<char>(random.below(256));
      return bytes;
  }
}

}  // namespace

TEST_CASE("what a conversion gives is what trees give, from every encoding to every other") {
  base::Random random(815);
  for (int i = 0; i < 200; ++i) {
    json value = json::array({random_value(random, 2)});
    value.push_back(json::binary(std::vector<std::uint8_t>(random.below(40), static_cast<std::uint8_t>(i))));
    for (const auto from : kAllEncodings) {
      const std::string bytes = tree_bytes(from, value);
      for (const auto to : kAllEncodings) {
        const Converted result = convert(from, bytes, to);
        REQUIRE(result.good);
        REQUIRE(tree(to, result.bytes) == tree(to, tree_bytes(to, tree(from, bytes))));
        const Converted back = convert(to, result.bytes, from);
        REQUIRE(back.good);
        REQUIRE(tree(from, back.bytes) == tree(from, bytes));
      }
    }
  }
}

TEST_CASE("damaged values are refused, or converted as trees convert them") {
  base::Random random(4242);
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 600; ++i) {
    const json value = json::array({random_value(random, 2), random_value(random, 1)});
    for (const auto from : kAllEncodings) {
      const std::string bytes = damaged(random, tree_bytes(from, value));
      if (from == Encoding::json && !serializers::is_utf8(bytes)) continue;  // the transport has checked that
      for (const auto to : kAllEncodings) {
        const Converted result = convert(from, bytes, to);
        ++(result.good ? accepted : refused);
        if (!result.good || has_undefined(from, bytes)) continue;
        const json as_tree = tree(from, bytes);
        INFO("from " << static_cast<int>(from) << ": " << serializers::to_base64(base::as_bytes(bytes)));
        // Trees refuse the tags of large numbers also on keys, where they mean nothing and are passed over.
        if (from == Encoding::cbor && as_tree.is_discarded()) continue;
        REQUIRE_FALSE(as_tree.is_discarded());
        REQUIRE(shown(tree(to, result.bytes)) == shown(tree(to, tree_bytes(to, as_tree))));
      }
    }
  }
  REQUIRE(accepted > 1000);
  REQUIRE(refused > 1000);
}

TEST_CASE("nothing that is cut off is converted") {
  const json value = {nullptr, true, -70000, 1.1, "text", json::binary({1, 2, 3}), {{"key", {1, 2}}}};
  for (const auto from : kAllEncodings) {
    const std::string bytes = tree_bytes(from, value);
    for (const auto to : kAllEncodings) {
      REQUIRE(convert(from, bytes, to).good);
      for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE_FALSE(convert(from, std::string_view(bytes).substr(0, size), to).good);
      REQUIRE_FALSE(convert(from, bytes + bytes, to).good);
    }
  }
}

TEST_CASE("lists and dictionaries that go too deep are refused, however deep they go") {
  const std::pair<Encoding, std::string> openings[] = {
      {Encoding::json, "["},           {Encoding::json, "{\"\":"},      {Encoding::msgpack, "\x91"},
      {Encoding::msgpack, "\x81\xa0"}, {Encoding::cbor, "\x81"},        {Encoding::cbor, "\x9f"},
      {Encoding::cbor, "\xa1\x60"},    {Encoding::cbor, "\xbf\x60"},    {Encoding::ubjson, "["},
      {Encoding::ubjson, "{U\0"s},     {Encoding::ubjson, "[$[#U\x01"},
  };
  for (const auto& [from, opening] : openings) {
    std::string bytes;
    for (int i = 0; i < 100000; ++i) bytes += opening;
    for (const auto to : kAllEncodings) REQUIRE_FALSE(convert(from, bytes, to).good);
  }
}

TEST_CASE("a count or length of more than what follows is refused, and makes nothing grow") {
  const std::pair<Encoding, std::string> samples[] = {
      {Encoding::msgpack, "\xdd\xff\xff\xff\xff\xc0"},
      {Encoding::msgpack, "\xdf\xff\xff\xff\xff\xa0\xc0"},
      {Encoding::msgpack, "\xdb\xff\xff\xff\xffx"},
      {Encoding::msgpack, "\xc6\xff\xff\xff\xffx"},
      {Encoding::msgpack, "\xc9\xff\xff\xff\xff\x01x"},
      {Encoding::cbor, "\x9b\xff\xff\xff\xff\xff\xff\xff\xff\xf6"},
      {Encoding::cbor, "\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x60\xf6"},
      {Encoding::cbor, "\x7b\xff\xff\xff\xff\xff\xff\xff\xffx"},
      {Encoding::cbor, "\x5b\xff\xff\xff\xff\xff\xff\xff\xffx"},
      {Encoding::cbor, "\x5f\x5b\xff\xff\xff\xff\xff\xff\xff\xffx\xff"},
      {Encoding::ubjson, "[#L\x7f\xff\xff\xff\xff\xff\xff\xffZ"},
      {Encoding::ubjson, "[$U#L\x7f\xff\xff\xff\xff\xff\xff\xffx"},
      {Encoding::ubjson, "[$i#L\x7f\xff\xff\xff\xff\xff\xff\xffx"},
      {Encoding::ubjson, "[$Z#U\x7f"},
      {Encoding::ubjson, "{#L\x7f\xff\xff\xff\xff\xff\xff\xffU\x01kZ"},
      {Encoding::ubjson, "SL\x7f\xff\xff\xff\xff\xff\xff\xffx"},
      {Encoding::ubjson, "Si\xffx"},
  };
  for (const auto& [from, bytes] : samples) {
    for (const auto to : kAllEncodings) REQUIRE_FALSE(convert(from, bytes, to).good);
  }
}
