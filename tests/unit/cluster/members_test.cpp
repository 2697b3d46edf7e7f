#include "cluster/members.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using crosspoint::cluster::Members;
using News = Members::News;
using Word = Members::Word;

namespace {

News heard(Members& members, Word word, std::string_view id, std::string_view start, Members::Time now) {
  std::string gone;
  return members.heard(word, id, start, now, gone);
}

}  // namespace

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
  REQUIRE(heard(members, Word::hello, "me", "1", begin) == News::none);
  REQUIRE(heard(members, Word::hello, "a", "1", begin) == News::joined);
  REQUIRE(heard(members, Word::here, "b", "1", begin) == News::joined);
  REQUIRE(heard(members, Word::here, "a", "1", begin + 2s) == News::none);
  REQUIRE(members.list() == std::vector<std::string>{"a", "b"});
  REQUIRE(members.take_vanished(begin + 5999ms, 2s).empty());
  REQUIRE(members.addresses() == std::vector<std::string>{"a/1", "b/1"});
  const auto vanished = members.take_vanished(begin + 6s, 2s);
  REQUIRE(vanished.size() == 1);
  REQUIRE(vanished[0].id == "b");
  REQUIRE(vanished[0].start == "1");
  REQUIRE(members.take_vanished(begin + 6s, 2s).empty());
  REQUIRE(heard(members, Word::here, "b", "1", begin + 7s) == News::joined);
  std::string gone;
  REQUIRE(members.heard(Word::hello, "a", "2", begin + 7s, gone) == News::restarted);
  REQUIRE(gone == "1");
  REQUIRE(heard(members, Word::bye, "a", "1", begin + 7s) == News::none);  // of the one before
  REQUIRE(members.heard(Word::bye, "a", "2", begin + 7s, gone) == News::left);
  REQUIRE(gone == "2");
  REQUIRE(heard(members, Word::bye, "a", "2", begin + 7s) == News::none);
  REQUIRE(members.list() == std::vector<std::string>{"b"});
  members.clear();
  REQUIRE(members.list().empty());
}

TEST_CASE("who writes nonsense to the channel does not fill the memory") {
  Members members("me", "1");
  for (std::size_t i = 0; i < Members::kMost; ++i) {
    REQUIRE(heard(members, Word::here, "n" + std::to_string(i), "1", {}) == News::joined);
  }
  REQUIRE(heard(members, Word::here, "one more", "1", {}) == News::none);
  REQUIRE(members.list().size() == Members::kMost);
  REQUIRE(heard(members, Word::bye, "n7", "1", {}) == News::left);
  REQUIRE(heard(members, Word::here, "one more", "1", {}) == News::joined);
  Word word{};
  std::string_view id;
  std::string_view start;
  REQUIRE_FALSE(Members::read("hello " + std::string(Members::kLongestName, 'a') + "/1", word, id, start));
}

TEST_CASE("another node with the same id is reported once") {
  Members members("me", "1");
  REQUIRE(heard(members, Word::bye, "me", "0", {}) == News::none);  // the one before has left late
  REQUIRE(heard(members, Word::here, "me", "2", {}) == News::namesake);
  REQUIRE(heard(members, Word::here, "me", "2", {}) == News::none);
  REQUIRE(members.list().empty());
}
