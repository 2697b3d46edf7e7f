#include "cluster/members.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using crosspoint::cluster::Members;
using News = Members::News;
using Word = Members::Word;

TEST_CASE("what a node says of itself is read as it was written") {
  for (const Word word : {Word::hello, Word::here, Word::bye}) {
    const std::string text = Members::write(word, "node-1", "a1b2");
    Word read{};
    std::string_view id;
    std::string_view start;
    REQUIRE(Members::read(text, read, id, start));
    REQUIRE(read == word);
    REQUIRE(id == "node-1");
    REQUIRE(start == "a1b2");
  }
  for (const std::string_view text : {"", "hello", "hello a", "hello /1", "hello a/", "here/1 a", "good a/1", " a/1"}) {
    Word word{};
    std::string_view id;
    std::string_view start;
    INFO(text);
    REQUIRE_FALSE(Members::read(text, word, id, start));
  }
}

TEST_CASE("nodes come, restart, leave, and vanish when they have missed three heartbeats") {
  Members members("me", "1");
  const Members::Time begin{};
  REQUIRE(members.heard(Word::hello, "me", "1", begin) == News::none);
  REQUIRE(members.heard(Word::hello, "a", "1", begin) == News::joined);
  REQUIRE(members.heard(Word::here, "b", "1", begin) == News::joined);
  REQUIRE(members.heard(Word::here, "a", "1", begin + 2s) == News::none);
  REQUIRE(members.list() == std::vector<std::string>{"a", "b"});
  REQUIRE(members.take_vanished(begin + 5999ms, 2s).empty());
  REQUIRE(members.take_vanished(begin + 6s, 2s) == std::vector<std::string>{"b"});
  REQUIRE(members.take_vanished(begin + 6s, 2s).empty());
  REQUIRE(members.heard(Word::here, "b", "1", begin + 7s) == News::joined);
  REQUIRE(members.heard(Word::hello, "a", "2", begin + 7s) == News::restarted);
  REQUIRE(members.heard(Word::bye, "a", "1", begin + 7s) == News::none);  // of the one before
  REQUIRE(members.heard(Word::bye, "a", "2", begin + 7s) == News::left);
  REQUIRE(members.heard(Word::bye, "a", "2", begin + 7s) == News::none);
  REQUIRE(members.list() == std::vector<std::string>{"b"});
  members.clear();
  REQUIRE(members.list().empty());
}

TEST_CASE("who writes nonsense to the channel does not fill the memory") {
  Members members("me", "1");
  for (std::size_t i = 0; i < Members::kMost; ++i) {
    REQUIRE(members.heard(Word::here, "n" + std::to_string(i), "1", {}) == News::joined);
  }
  REQUIRE(members.heard(Word::here, "one more", "1", {}) == News::none);
  REQUIRE(members.list().size() == Members::kMost);
  REQUIRE(members.heard(Word::bye, "n7", "1", {}) == News::left);
  REQUIRE(members.heard(Word::here, "one more", "1", {}) == News::joined);
  Word word{};
  std::string_view id;
  std::string_view start;
  REQUIRE_FALSE(Members::read("hello " + std::string(Members::kLongestName, 'a') + "/1", word, id, start));
}

TEST_CASE("another node with the same id is reported once") {
  Members members("me", "1");
  REQUIRE(members.heard(Word::bye, "me", "0", {}) == News::none);  // the one before has left late
  REQUIRE(members.heard(Word::here, "me", "2", {}) == News::namesake);
  REQUIRE(members.heard(Word::here, "me", "2", {}) == News::none);
  REQUIRE(members.list().empty());
}
