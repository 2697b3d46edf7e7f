#include "cluster/publication_text.hpp"

#include <catch2/catch.hpp>

#include <string>

#include "serializers/serializers.hpp"

using namespace crosspoint;

namespace {

/// A PUBLISH as it comes from a client.
struct Decoded {
  explicit Decoded(std::string_view json) : bytes(json) {
    REQUIRE(serializers::decode(wamp::Encoding::json, base::as_bytes(bytes), scratch, message).empty());
  }
  const wamp::Publish& publish() const { return std::get<wamp::Publish>(message); }
  std::string bytes;
  serializers::Scratch scratch;
  wamp::Message message;
};

std::shared_ptr<realm::Publication> read(std::string_view text, std::string_view topic = "com.a") {
  std::shared_ptr<realm::Publication> publication;
  const auto problem = cluster::read_text(text, topic, 4711, publication);
  INFO(text << ": " << problem);
  REQUIRE(problem.empty());
  return publication;
}

std::string problem_of(std::string_view text, std::string_view topic = "com.a") {
  std::shared_ptr<realm::Publication> publication;
  const auto problem = cluster::read_text(text, topic, 4711, publication);
  REQUIRE(problem.empty() == (publication != nullptr));
  return std::string(problem);
}

std::string payload_of(const realm::Publication& publication) {
  return std::string(base::as_text(publication.payload.bytes));
}

}  // namespace

TEST_CASE("a publication goes to another node with its payload's bytes, publisher and filter") {
  const Decoded message(
      R"([16,9,{"acknowledge":true,"exclude_me":false,"exclude":[5],"eligible_authrole":["user"],"ppt_scheme":"x"},)"
      R"("com.a",[1.50,"h\u00e9"],{"k": 1e2}])");
  realm::Identity publisher;
  publisher.session = 77;
  publisher.authid = "a b\nc";
  publisher.authrole = "user";
  const std::string text = cluster::write_text("node/1", message.publish(), 123, &publisher);
  REQUIRE(text.starts_with("crosspoint1 node/1 123 json 77 5 4\na b\ncuser[16,1,"));
  REQUIRE(cluster::sender_of(text) == "node/1");
  const auto publication = read(text);
  REQUIRE(publication->id == 123);
  REQUIRE(publication->topic == "com.a");
  REQUIRE(publication->publisher->session == 77);
  REQUIRE(publication->publisher->authid == "a b\nc");
  REQUIRE(publication->publisher->authrole == "user");
  REQUIRE(publication->passthru->attributes.size() == 1);
  REQUIRE(publication->payload.elements == 2);
  REQUIRE(payload_of(*publication) == R"([1.50,"h\u00e9"],{"k": 1e2})");
  realm::Identity receiver;
  receiver.authrole = "user";
  receiver.session = 6;
  REQUIRE(publication->filter->admits(receiver));
  receiver.session = 5;
  REQUIRE_FALSE(publication->filter->admits(receiver));
}

TEST_CASE("a publication without a payload, undisclosed, in any serializer") {
  Decoded message(R"([16,9,{},"com.a"])");
  auto publication = read(cluster::write_text("n/1", message.publish(), 5, nullptr));
  REQUIRE(publication->payload.elements == 0);
  REQUIRE_FALSE(publication->publisher);
  REQUIRE_FALSE(publication->filter);
  const std::string text(
      "crosspoint1 n/1 5 msgpack 0 0 0\n\x95\x10\x01\x80\xa5"
      "com.a\x91\xc0");
  publication = read(text);
  REQUIRE(publication->payload.encoding == wamp::Encoding::msgpack);
  REQUIRE(payload_of(*publication) == "\x91\xc0");
}

TEST_CASE("any program may publish a JSON object") {
  auto publication = read(R"( {"args": [1, "two"], "kwargs": {"three": null}})");
  REQUIRE(publication->id == 4711);
  REQUIRE(publication->topic == "com.a");
  REQUIRE(publication->payload.elements == 2);
  REQUIRE(payload_of(*publication) == R"([1,"two"],{"three":null})");
  publication = read(R"({"kwargs":{"a":1}})");
  REQUIRE(publication->payload.elements == 2);
  REQUIRE(payload_of(*publication) == R"([],{"a":1})");
  publication = read(R"({"args":[]})");
  REQUIRE(publication->payload.elements == 1);
  REQUIRE(read("{}")->payload.elements == 0);
  REQUIRE(cluster::sender_of("{}").empty());
}

TEST_CASE("what cannot be read is refused, with a reason") {
  REQUIRE(problem_of("") == "it is neither a JSON object nor from a node of this version");
  REQUIRE(problem_of("hello") == "it is neither a JSON object nor from a node of this version");
  REQUIRE(problem_of("crosspoint2 n/1 5 json 0 0 0\n[16,1,{},\"com.a\"]") ==
          "it is neither a JSON object nor from a node of this version");
  REQUIRE(problem_of("{\"args\":[}") == "it is no JSON");
  REQUIRE(problem_of("{\"args\":[\"\xff\"]}") == "it is no JSON");
  REQUIRE(problem_of(R"({"args":{}})") == "\"args\" is no list");
  REQUIRE(problem_of(R"({"kwargs":[]})") == "\"kwargs\" is no object");
  REQUIRE(problem_of(R"({"arg":[]})") == "it has keys other than \"args\" and \"kwargs\"");
  REQUIRE(problem_of("crosspoint1 n/1 5 json 0 0 0\n[16,1,{},\"com.b\"]") == "its topic is not that of the channel");
  REQUIRE(problem_of("crosspoint1 n/1 5 json 0 0 0\n[16,1,{},\"com.a\"") == "its PUBLISH cannot be read");
  REQUIRE(problem_of("crosspoint1 n/1 5 json 0 0 0\n[17,1,2]") == "its PUBLISH cannot be read");
  REQUIRE(problem_of("crosspoint1 n/1 5 json 0 0 0\n[16,1,{},\"com.a\",[\"\xff\"]]") == "its PUBLISH is no UTF-8");
  REQUIRE(problem_of("crosspoint1 n/1 5 yaml 0 0 0\n") == "its serializer is not known");
  for (const std::string_view head :
       {"crosspoint1 ", "crosspoint1 n/1 5 json 0 0 0", "crosspoint1 n/1 0 json 0 0 0\n",
        "crosspoint1 n/1 x json 0 0 0\n", "crosspoint1 n/1 5 json 0 0\n", "crosspoint1 n/1 5 json 0 0 0 0\n",
        "crosspoint1 n/1 5 json -1 0 0\n", "crosspoint1 n/1 5 json 1 18446744073709551615 2\n[16,1,{},\"com.a\"]",
        "crosspoint1 n/1 5 json 1 2 9999\n[16,1,{},\"com.a\"]",
        "crosspoint1 n/1 5 json 9999999999999999 0 0\n[16,1,{},\"com.a\"]",
        "crosspoint1 n/1 5 json 1 1 0\n\xff[16,1,{},\"com.a\"]"}) {
    REQUIRE(problem_of(head) == "its first line cannot be read");
  }
}

TEST_CASE("a publication that is kept is written as its publisher has sent it") {
  const Decoded message(
      R"([16,9,{"exclude":[5],"eligible_authid":["joe"],"ppt_scheme":"x"},"com.a",[1.50,"h\u00e9"],{"k": 1e2}])");
  realm::Identity publisher;
  publisher.session = 77;
  publisher.authid = "ann";
  publisher.authrole = "user";
  const std::string text = cluster::write_text("node/1", message.publish(), 123, &publisher);
  REQUIRE(cluster::write_text("node/1", *read(text)) == text);
  REQUIRE(cluster::id_of(text) == 123);
  REQUIRE(cluster::id_of("{}") == 0);
  REQUIRE(cluster::id_of("crosspoint1 node/1 x") == 0);
}

TEST_CASE("a publication goes to another node with its trust level, where older versions do not look") {
  const Decoded message(R"([16,9,{},"com.a",[1]])");
  const std::string text = cluster::write_text("a+b/1", message.publish(), 123, nullptr, 7);
  REQUIRE(text.starts_with("crosspoint1 a+b/1+7 123 json 0 0 0\n"));
  REQUIRE(cluster::sender_of(text) == "a+b/1");
  REQUIRE(cluster::id_of(text) == 123);
  REQUIRE(read(text)->trustlevel == 7);
  REQUIRE(cluster::write_text("a+b/1", *read(text)) == text);
  REQUIRE(read(cluster::write_text("a/1", message.publish(), 5, nullptr, 0))->trustlevel == 0);
  const std::string without = cluster::write_text("a+b/1", message.publish(), 123, nullptr);
  REQUIRE(cluster::sender_of(without) == "a+b/1");
  REQUIRE(read(without)->trustlevel == wamp::kNoTrustLevel);
  for (const std::string level : {"+", "+-1", "+2147483648", "+1x", "++1"}) {
    INFO(level);
    REQUIRE(problem_of("crosspoint1 a/1" + level + " 123 json 0 0 0\n[16,1,{},\"com.a\"]") ==
            "its first line cannot be read");
  }
}
