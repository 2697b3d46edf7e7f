#include "cluster/retained_stream.hpp"

#include <catch2/catch.hpp>

#include <string>

#include "realm/cluster_port.hpp"

using namespace crosspoint;
using cluster::EntryId;
using cluster::RetainedStream;
using realm::RetainedEvents;

namespace {

std::shared_ptr<realm::Publication> publication(wamp::PublicationId id, std::uint64_t place = 0,
                                                const std::string& topic = "com.topic") {
  auto made = std::make_shared<realm::Publication>();
  made->id = id;
  made->topic = topic;
  made->retained = place;
  return made;
}

std::shared_ptr<realm::Publication> provisional(wamp::PublicationId id, std::uint64_t place,
                                                const std::string& topic = "com.topic") {
  return publication(id, place | RetainedEvents::kProvisional, topic);
}

std::vector<wamp::PublicationId> ids(const std::vector<realm::PublicationRef>& publications) {
  std::vector<wamp::PublicationId> found;
  for (const auto& each : publications) found.push_back(each->id);
  return found;
}

std::vector<wamp::PublicationId> found(const RetainedEvents& events, const std::string& topic = "com.topic") {
  return ids(events.find(topic, wamp::Match::exact, {}));
}

std::vector<wamp::PublicationId> missing_ids(const RetainedStream& stream) {
  std::vector<wamp::PublicationId> found;
  for (const auto& each : stream.missing()) found.push_back(each.publication->id);
  return found;
}

using Ids = std::vector<wamp::PublicationId>;
using Entries = std::vector<std::string>;

}  // namespace

TEST_CASE("an event of this node is the newest until its place is known") {
  RetainedEvents events({});
  events.keep(publication(1, 100));
  events.keep(provisional(2, 5));
  REQUIRE(found(events) == Ids{2});
  events.keep(publication(3, 102));  // of another node, which was first
  REQUIRE(found(events) == Ids{2});
  events.keep(publication(2, 103));
  REQUIRE(found(events) == Ids{2});
  REQUIRE(events.size() == 1);
}

TEST_CASE("an event of this node gives way when its place turns out to be an earlier one") {
  RetainedEvents events({});
  events.keep(provisional(2, 5));
  events.keep(publication(3, 102));
  std::vector<realm::PublicationRef> dropped;
  events.keep(publication(2, 101), &dropped);
  REQUIRE(found(events) == Ids{3});
  REQUIRE(ids(dropped) == Ids{2, 2});  // the provisional one, and the one that came late
  REQUIRE(events.size() == 1);
}

TEST_CASE("of provisional events the last one stays, beside the one that has a place") {
  RetainedEvents events({});
  events.keep(publication(1, 100));
  for (wamp::PublicationId id = 2; id < 10; ++id) events.keep(provisional(id, id));
  REQUIRE(found(events) == Ids{9});
  REQUIRE(events.size() == 2);
  events.keep(publication(2, 101));  // the first of them comes back
  REQUIRE(found(events) == Ids{9});
  REQUIRE(events.size() == 2);
}

TEST_CASE("events with the same place are decided by their ids, in whatever order they come") {
  for (const bool first : {true, false}) {
    RetainedEvents events({});
    events.keep(publication(first ? 1 : 2, 100));
    events.keep(publication(first ? 2 : 1, 100));
    REQUIRE(found(events) == Ids{2});
    REQUIRE(events.size() == 1);
  }
}

TEST_CASE("what a node has sent comes back with its place, for the shard that published it") {
  RetainedStream stream({});
  const auto mine = provisional(7, 1);
  stream.publish(mine, 3);
  stream.sent(mine, 3);
  REQUIRE(stream.missing().empty());
  const auto back = stream.returned(7);
  REQUIRE(back->publication == mine);
  const auto news = stream.add({1000, 2}, 0, back->publication, back->shard);
  REQUIRE(news->shard == 3);
  REQUIRE(news->publication->retained == realm::retained_place(1000, 2));
  REQUIRE_FALSE(stream.add({1000, 2}, 0, publication(7)));  // read once more
  REQUIRE_FALSE(stream.returned(7));
  REQUIRE(stream.take_surplus().empty());
}

TEST_CASE("what was refused before does not come back, and is offered with the next connection") {
  RetainedStream stream({});
  for (const wamp::PublicationId id : {1, 2}) {
    const auto mine = provisional(id, id, "com." + std::to_string(id));
    stream.publish(mine, 0);
    stream.sent(mine, 0);
  }
  const auto back = stream.returned(2);
  stream.add({1, 0}, 0, back->publication, back->shard);
  REQUIRE(stream.missing().empty());
  stream.begin_load();
  stream.add({1, 0}, 0, publication(2, 0, "com.2"));
  REQUIRE(missing_ids(stream) == Ids{1});
}

TEST_CASE("entries that are replaced are surplus, and so are those that come late") {
  RetainedStream stream({});
  stream.add({5, 0}, 0, publication(1));
  stream.add({6, 0}, 0, publication(2));
  REQUIRE(stream.take_surplus() == Entries{"5-0"});
  REQUIRE(stream.take_surplus().empty());
  stream.add({7, 0}, realm::retained_place(4), publication(3));  // offered again with its former place
  REQUIRE(stream.take_surplus() == Entries{"7-0"});
  stream.add({8, 0}, realm::retained_place(6), publication(2));  // by two nodes
  REQUIRE(stream.take_surplus() == Entries{"8-0"});
  REQUIRE(stream.size() == 1);
}

TEST_CASE("what is neither in the stream nor on its way is missing, unless there is something newer") {
  RetainedStream stream({});
  stream.add({5, 0}, 0, publication(1, 0, "com.lost"));
  stream.add({6, 0}, 0, publication(2, 0, "com.replaced"));
  stream.publish(provisional(3, realm::retained_place(7), "com.late"), 1);
  stream.publish(provisional(4, realm::retained_place(9), "com.kept"), 1);
  stream.begin_load();
  stream.add({8, 0}, 0, publication(5, 0, "com.replaced"));
  stream.add({8, 1}, 0, publication(6, 0, "com.late"));
  REQUIRE(missing_ids(stream) == Ids{1, 3, 4});
  const auto missing = stream.missing()[1];
  // That which is not newer is found out when it comes back.
  REQUIRE(missing.place == realm::retained_place(7));
  stream.sent(missing.publication);
  REQUIRE_FALSE(stream.is_missing(3));
  const auto back = stream.returned(3);
  REQUIRE(back->shard == 1);
  const auto news = stream.add({10, 0}, missing.place, back->publication, back->shard);
  REQUIRE(news->publication->retained == missing.place);
  REQUIRE(stream.take_surplus() == Entries{"10-0"});
  REQUIRE(missing_ids(stream) == Ids{1, 4});
}

TEST_CASE("what comes late from this node does not replace what it published later") {
  RetainedStream stream({});
  stream.publish(provisional(1, realm::retained_place(5)), 0);
  stream.publish(provisional(2, realm::retained_place(6)), 0);
  stream.begin_load();
  stream.add({8, 3}, 0, publication(1));  // Redis had no time for it before
  stream.found_own({8, 3}, 0);
  const auto missing = stream.missing();
  REQUIRE(missing.size() == 1);
  REQUIRE(missing[0].publication->id == 2);
  REQUIRE(missing[0].place == realm::retained_place(8, 4));
  REQUIRE(stream.add({9, 0}, missing[0].place, missing[0].publication));
  REQUIRE(stream.take_surplus() == Entries{"8-3"});
}

TEST_CASE("when the limit is reached, the entries of the oldest events are surplus") {
  RetainedStream stream({2, 1000000});
  for (const int number : {1, 2, 3}) {
    stream.add({number, 0}, 0, publication(static_cast<unsigned>(number), 0, "com." + std::to_string(number)));
  }
  REQUIRE(stream.take_surplus() == Entries{"1-0"});
  REQUIRE(stream.size() == 2);
}

TEST_CASE("ids of entries are read as Redis writes them") {
  EntryId id;
  REQUIRE(EntryId::read("1795302302161-32", id));
  REQUIRE(id == EntryId{1795302302161, 32});
  REQUIRE(id.text() == "1795302302161-32");
  REQUIRE(id.next().text() == "1795302302161-33");
  REQUIRE(id.previous().text() == "1795302302161-31");
  REQUIRE(EntryId{5, 0}.previous().text() == "4-18446744073709551615");
  for (const char* wrong : {"", "-", "5", "5-", "-5", "5-x", "x-5", "5-5-5", " 5-5", "-5-5"}) {
    REQUIRE_FALSE(EntryId::read(wrong, id));
  }
}

TEST_CASE("what nodes say of an entry is taken apart") {
  EntryId entry;
  std::uint64_t place = 0;
  std::string_view topic;
  std::string_view text;
  REQUIRE(cluster::read_retained(R"(5-1 77 com.topic {"args": [1]})", entry, place, topic, text));
  REQUIRE(entry == EntryId{5, 1});
  REQUIRE(place == 77);
  REQUIRE(topic == "com.topic");
  REQUIRE(text == R"({"args": [1]})");
  for (const char* wrong : {"", "5-1", "5-1 0", "5-1 0 com.topic", "5 0 com.topic {}", "5-1 x com.topic {}",
                            "5-1 9223372036854775808 com.topic {}"}) {
    REQUIRE_FALSE(cluster::read_retained(wrong, entry, place, topic, text));
  }
}
