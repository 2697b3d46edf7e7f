#include <catch2/catch.hpp>

#include <set>

#include "unit/serializers/samples.hpp"

using namespace crosspoint;
using namespace crosspoint::test;
using nlohmann::json;

namespace {

std::string problem(wamp::Encoding encoding, const json& message) {
  return Decoded(encoding, bytes_of(encoding, message)).problem;
}

/// A value of another kind than `value`; for a payload or dictionary, none that would do as well.
json of_another_kind(const json& value) {
  if (value.is_string() || value.is_array()) return 5;  // for Arguments, a string would do
  if (value.is_number()) return "five";
  return "neither a list nor a dictionary";
}

}  // namespace

TEST_CASE("a field of the wrong kind is a protocol violation, in every message and place") {
  for (const json& sample : sample_messages()) {
    for (std::size_t field = 0; field < sample.size(); ++field) {
      json broken = sample;
      broken[field] = of_another_kind(sample[field]);
      for (const auto encoding : kAllEncodings) {
        INFO(broken.dump() << ", " << serializers::of(encoding).name);
        REQUIRE_FALSE(problem(encoding, broken).empty());
      }
    }
  }
}

TEST_CASE("a message with a field missing or one too many is a protocol violation") {
  const std::set<int> carriers{8, 16, 36, 48, 50, 68, 70};  // their ends are optional
  for (const json& sample : sample_messages()) {
    json longer = sample;
    json shorter = sample;
    longer.push_back(5);
    shorter.erase(shorter.size() - 1);
    for (const auto encoding : kAllEncodings) {
      INFO(longer.dump() << ", " << serializers::of(encoding).name);
      if (sample[0] != 3) REQUIRE_FALSE(problem(encoding, longer).empty());
      if (!carriers.contains(sample[0].get<int>())) REQUIRE_FALSE(problem(encoding, shorter).empty());
    }
  }
}

TEST_CASE("the fields before a payload are not optional") {
  const std::vector<std::pair<int, std::size_t>> required{{8, 5}, {16, 4}, {36, 4}, {48, 4}, {50, 3}, {68, 4}, {70, 3}};
  for (const auto& [type, fields] : required) {
    for (json sample : sample_messages()) {
      if (sample[0] != type || sample.size() != fields) continue;
      for (const auto encoding : kAllEncodings) {
        INFO(sample.dump());
        REQUIRE(problem(encoding, sample).empty());
        json shorter = sample;
        shorter.erase(shorter.size() - 1);
        REQUIRE_FALSE(problem(encoding, shorter).empty());
      }
    }
  }
}

TEST_CASE("a message cut short anywhere is a protocol violation, and nothing is read beyond it") {
  for (const json& sample : sample_messages()) {
    for (const auto encoding : kAllEncodings) {
      const std::string whole = bytes_of(encoding, sample);
      for (std::size_t size = 0; size < whole.size(); ++size) {
        INFO(sample.dump() << ", " << serializers::of(encoding).name << ", " << size);
        REQUIRE_FALSE(Decoded(encoding, whole.substr(0, size)).problem.empty());
      }
    }
  }
}

TEST_CASE("something behind a message is a protocol violation; in JSON white space is not") {
  for (const auto encoding : kAllEncodings) {
    const std::string whole = bytes_of(encoding, {35, 1});
    REQUIRE_FALSE(Decoded(encoding, whole + whole).problem.empty());
    REQUIRE_FALSE(Decoded(encoding, whole + "1").problem.empty());
  }
  REQUIRE(Decoded(wamp::Encoding::json, " [35,1] \n").problem.empty());
}

TEST_CASE("ids outside 1 to 2^53 are protocol violations (Identifiers)") {
  for (const auto encoding : kAllEncodings) {
    for (const json& id : {json(0), json(-1), json(9007199254740993), json(UINT64_MAX), json(1.5)}) {
      INFO(id.dump());
      REQUIRE_FALSE(problem(encoding, {35, id}).empty());
      REQUIRE_FALSE(problem(encoding, {17, 1, id}).empty());
      REQUIRE_FALSE(problem(encoding, {70, id, json::object()}).empty());
    }
    REQUIRE(problem(encoding, {35, 9007199254740992}).empty());
    REQUIRE(problem(encoding, {35, 1}).empty());
  }
}

TEST_CASE("message types that do not exist are protocol violations") {
  for (const auto encoding : kAllEncodings) {
    for (const json& type : {json(0), json(7), json(9), json(37), json(71), json(255), json(256), json(4294967297),
                             json("16"), json(nullptr), json(16.5), json(-16)}) {
      REQUIRE_FALSE(problem(encoding, {type, 1, json::object(), "com.x"}).empty());
    }
    REQUIRE_FALSE(problem(encoding, json::array()).empty());
    REQUIRE_FALSE(problem(encoding, json::object()).empty());
    REQUIRE_FALSE(problem(encoding, "hello").empty());
    REQUIRE_FALSE(problem(encoding, 16).empty());
  }
}

TEST_CASE("options of the wrong type or an unknown word are protocol violations, as in Crossbar") {
  const json options[] = {
      {{"acknowledge", 1}}, {{"acknowledge", "true"}}, {{"exclude_me", json::array()}}, {{"exclude", 5}},
      {{"exclude", {"a"}}}, {{"exclude_authid", {5}}}, {{"eligible_authrole", "x"}},    {{"eligible", {{{"a", 1}}}}},
      {{"retain", 1}},
  };
  for (const json& option : options) {
    for (const auto encoding : kAllEncodings) {
      INFO(option.dump());
      REQUIRE_FALSE(problem(encoding, {16, 1, option, "com.topic"}).empty());
    }
  }
  for (const auto encoding : kAllEncodings) {
    REQUIRE_FALSE(problem(encoding, {32, 1, {{"match", "regex"}}, "com.topic"}).empty());
    REQUIRE_FALSE(problem(encoding, {32, 1, {{"match", 1}}, "com.topic"}).empty());
    REQUIRE_FALSE(problem(encoding, {32, 1, {{"get_retained", "yes"}}, "com.topic"}).empty());
    REQUIRE_FALSE(problem(encoding, {36, 1, 2, {{"retained", 1}}}).empty());
    REQUIRE_FALSE(problem(encoding, {64, 1, {{"match", "Prefix"}}, "com.topic"}).empty());
    REQUIRE_FALSE(problem(encoding, {64, 1, {{"invoke", "all"}}, "com.topic"}).empty());
    REQUIRE_FALSE(problem(encoding, {36, 1, 2, {{"publisher", "x"}}}).empty());
    REQUIRE_FALSE(problem(encoding, {68, 1, 2, {{"procedure", 5}}}).empty());
    REQUIRE_FALSE(problem(encoding, {50, 1, {{"callee_authid", 5}}}).empty());
  }
}

TEST_CASE("an option that is null is as good as none, as JavaScript clients write what is undefined") {
  for (const auto encoding : kAllEncodings) {
    REQUIRE(problem(encoding,
                    {16, 1, {{"acknowledge", nullptr}, {"exclude", nullptr}, {"retain", nullptr}}, "com.t"}) == "");
    REQUIRE(problem(encoding, {32, 1, {{"match", nullptr}, {"get_retained", nullptr}}, "com.t"}) == "");
    REQUIRE(problem(encoding, {64, 1, {{"match", nullptr}, {"invoke", nullptr}}, "com.p"}) == "");
    REQUIRE(problem(encoding, {48, 1, {{"timeout", nullptr}, {"progress", nullptr}}, "com.p"}) == "");
    REQUIRE(problem(encoding, {49, 1, {{"mode", nullptr}}}) == "");
    REQUIRE(problem(encoding, {70, 1, {{"progress", nullptr}}}) == "");
  }
  // CBOR has undefined itself.
  REQUIRE(Decoded(wamp::Encoding::cbor,
                  "\x84\x18\x20\x01\xa1\x65match\xf7\x65"
                  "com.t")
              .problem == "");
}

TEST_CASE("values may nest a hundred deep, and no deeper") {
  for (const auto encoding : kAllEncodings) {
    for (const bool dict : {false, true}) {
      const auto nested = [dict](int depth) {
        json value = json::array();
        for (int i = 1; i < depth; ++i) value = dict ? json{{"k", value}} : json::array({value});
        return dict ? json::array({value}) : value;
      };
      REQUIRE(problem(encoding, {16, 1, json::object(), "com.topic", nested(dict ? 99 : 100)}).empty());
      REQUIRE_FALSE(problem(encoding, {16, 1, json::object(), "com.topic", nested(102)}).empty());
    }
    const char opening = encoding == wamp::Encoding::msgpack ? '\x91' : encoding == wamp::Encoding::cbor ? '\x81' : '[';
    REQUIRE_FALSE(Decoded(encoding, std::string(1'000'000, opening)).problem.empty());
  }
}

TEST_CASE("a random byte changed anywhere never makes the decoder do anything but accept or refuse") {
  base::Random random(11);
  for (int round = 0; round < 20000; ++round) {
    const auto& samples = sample_messages();
    const auto encoding = kAllEncodings[random.below(std::size(kAllEncodings))];
    std::string bytes = bytes_of(encoding, samples[random.below(samples.size())]);
    for (std::uint64_t i = 0; i <= random.below(3); ++i)
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    Decoded decoded(encoding, bytes);
    if (!decoded.problem.empty() || (encoding == wamp::Encoding::json && !json::accept(bytes))) continue;
    // What is accepted can be sent on: in its own encoding as it is, in the others unless a value has no form there.
    const std::string again = encode(encoding, decoded.message);
    REQUIRE(Decoded(encoding, again).problem.empty());
    for (const auto other : kAllEncodings) encode(other, decoded.message);
  }
}
