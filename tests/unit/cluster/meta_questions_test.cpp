#include "cluster/meta_questions.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using crosspoint::cluster::MetaQuestions;
using crosspoint::cluster::read_answer;
using crosspoint::cluster::read_question;
using crosspoint::cluster::write_answer;
using crosspoint::cluster::write_question;
using crosspoint::realm::NodeAnswer;
using crosspoint::realm::NodeQuestion;

namespace {

using Names = std::vector<std::string>;

NodeAnswer answer(std::string text) { return {"", "", std::move(text)}; }

}  // namespace

TEST_CASE("questions and answers of nodes are read as they were written") {
  const NodeQuestion question{"", 7, "wamp.session.get", R"([1,"é"])", R"({"a":2})", true};
  const std::string text = write_question("realm 1", question);
  std::string_view realm;
  NodeQuestion read;
  REQUIRE(read_question(text, realm, read));
  REQUIRE(realm == "realm 1");
  REQUIRE(read.number == 7);
  REQUIRE(read.procedure == question.procedure);
  REQUIRE(read.arguments == question.arguments);
  REQUIRE(read.keywords == question.keywords);
  REQUIRE(read.trusted);
  std::uint64_t number = 0;
  NodeAnswer got;
  REQUIRE(read_answer(write_answer(9, {"x", "wamp.error.a", "no\nsuch"}), number, got));
  REQUIRE(number == 9);
  REQUIRE(got.error == "wamp.error.a");
  REQUIRE(got.text == "no\nsuch");
  REQUIRE(got.node.empty());
  // Whatever is cut off at its end is none or has other keywords, and is read within its bounds.
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::string cut(text.data(), size);
    if (read_question(cut, realm, read)) REQUIRE(read.keywords.size() < question.keywords.size());
  }
}

TEST_CASE("what is no question or answer is not read") {
  std::string_view realm;
  NodeQuestion question;
  for (const std::string text : {"", "1 0 1 1 1", "1 0 1 1 1\nrp", "1 2 1 1 1\nrpa", "1 0 1 1\nrpa", "1 0 1 1 1 1\nrpa",
                                 "x 0 1 1 1\nrpa", "1 0 18446744073709551615 1 1\nrpa", "1 0 -1 1 1\nrpa",
                                 "1 0 1 1 1\nr\xff"
                                 "a"}) {
    REQUIRE_FALSE(read_question(text, realm, question));
  }
  REQUIRE(read_question("1 0 1 1 1\nrpa", realm, question));
  std::uint64_t number = 0;
  NodeAnswer got;
  for (const std::string text : {"", "1", "1 0", "1 1\n", "1 x\n", "1 0 0\n", "1 0\n\xff"}) {
    REQUIRE_FALSE(read_answer(text, number, got));
  }
  REQUIRE(read_answer("1 0\n", number, got));
}

TEST_CASE("a question ends when all nodes have answered, are gone or late") {
  MetaQuestions questions;
  const MetaQuestions::Time start{};
  REQUIRE(questions.empty());
  const auto first = questions.begin({1, 2, 3}, "wamp.a", {"a/1", "b/c/2"}, start + 1s);
  const auto second = questions.begin({0, 0, 4}, "wamp.b", {"a/1", "b/c/2"}, start + 2s);
  questions.answered("a/1", first, answer("1"));
  questions.answered("a/1", first, answer("again"));
  questions.answered("d/1", first, answer("nobody asked"));
  questions.answered("a/1", 99, answer("what?"));
  REQUIRE(questions.take_finished().empty());
  REQUIRE(questions.next_expiry() == start + 1s);
  questions.answered("b/c/2", first, answer("2"));
  auto finished = questions.take_finished();
  REQUIRE(finished.size() == 1);
  REQUIRE(finished[0].origin.realm == 1);
  REQUIRE(finished[0].origin.shard == 2);
  REQUIRE(finished[0].origin.number == 3);
  REQUIRE(finished[0].procedure == "wamp.a");
  REQUIRE(finished[0].answers.size() == 2);
  REQUIRE(finished[0].answers[0].text == "1");
  REQUIRE(finished[0].answers[1].node == "b/c");  // a node may be called anything
  REQUIRE(finished[0].missing.empty());
  questions.gone("b/c/2");
  REQUIRE(questions.take_finished().empty());
  questions.expire(start + 1s);
  REQUIRE(questions.take_finished().empty());
  questions.expire(start + 2s);
  finished = questions.take_finished();
  REQUIRE(finished.size() == 1);
  REQUIRE(finished[0].origin.number == 4);
  REQUIRE(finished[0].answers.empty());
  REQUIRE(finished[0].missing == Names{"b/c/2", "a/1"});
  questions.answered("a/1", second, answer("late"));
  REQUIRE(questions.take_finished().empty());
  REQUIRE(questions.empty());
  questions.begin({}, "wamp.c", {"a/1"}, start + 3s);
  questions.gone("a/1");
  REQUIRE(questions.take_finished().at(0).missing == Names{"a/1"});
}

TEST_CASE("questions and the bytes of their answers are bounded") {
  MetaQuestions questions;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < MetaQuestions::kMost; ++i) {
    REQUIRE_FALSE(questions.full());
    last = questions.begin({}, "wamp.a", {"a/1", "b/1"}, {});
  }
  REQUIRE(questions.full());
  questions.answered("a/1", last, answer(std::string(MetaQuestions::kMostBytes - 10, 'x')));
  questions.answered("a/1", last - 1, answer("ten bytes."));
  questions.answered("b/1", last - 1, answer("one byte more"));
  auto finished = questions.take_finished();
  REQUIRE(finished.at(0).missing == Names{"b/1"});
  REQUIRE(finished.at(0).answers.size() == 1);
  REQUIRE_FALSE(questions.full());
  questions.answered("b/1", last, answer(""));  // what is done makes room
  REQUIRE(questions.take_finished().at(0).answers.size() == 2);
  questions.answered("a/1", 1, answer(std::string(MetaQuestions::kMostBytes, 'x')));
  questions.answered("b/1", 1, answer(""));
  REQUIRE(questions.take_finished().at(0).missing.empty());
}
