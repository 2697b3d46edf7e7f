#include <catch2/catch.hpp>

#include <deque>
#include <string>
#include <utility>

#include "cluster/history_reader.hpp"
#include "cluster/history_writer.hpp"
#include "cluster/publication_text.hpp"
#include "redis/protocol.hpp"

using namespace crosspoint;
using cluster::HistoryReader;
using cluster::HistoryStream;
using cluster::HistoryWriter;

namespace {

using Words = std::vector<std::string>;

/// Redis as the test plays it: commands wait for the answers that it gives.
class Wire final : public cluster::HistoryWire {
 public:
  void run(std::span<const std::string_view> words, std::size_t bytes, OnAnswer on_answer) override {
    commands.emplace_back(words.begin(), words.end());
    waiting.push_back(std::move(on_answer));
    bytes_given += bytes;
  }
  void deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) override {
    if (const auto* stored = std::get_if<realm::StoredPublication>(&message)) {
      told.push_back(std::to_string(realm) + "/" + std::to_string(shard) + " " + std::to_string(stored->request) + " " +
                     std::to_string(stored->publication) + stored->problem);
    } else {
      answers.push_back(std::get<realm::HistoryAnswerRef>(message));
    }
  }
  void complain(std::string_view, std::string_view problem) override { complaints.emplace_back(problem); }

  /// Answers the oldest command with what Redis's protocol has.
  void answer(const std::string& text) {
    redis::ReplyReader reader;
    REQUIRE(reader.feed({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
    const redis::Reply reply = reader.next();
    REQUIRE(reply);
    const OnAnswer on_answer = std::move(waiting.front());
    waiting.pop_front();
    on_answer(*reply);
  }
  void lose() { waiting.clear(); }
  Words take() { return std::exchange(told, {}); }

  std::vector<Words> commands;
  std::deque<OnAnswer> waiting;
  std::size_t bytes_given = 0;
  Words told;  // "<realm>/<shard> <request> <publication><problem>"
  std::vector<realm::HistoryAnswerRef> answers;
  Words complaints;
};

std::shared_ptr<HistoryWriter::Event> event(wamp::PublicationId id, wamp::RequestId request = 0,
                                            std::size_t bytes = 10) {
  auto made = std::make_shared<HistoryWriter::Event>();
  made->time = "5";
  made->topic = "com.a";
  made->text = std::string(bytes, 'x');
  made->realm = 1;
  made->publisher = {2, 3, 4};
  made->request = request;
  made->publication = id;
  return made;
}

constexpr std::size_t kNumberPlace = 8;  // of EVAL's words

/// The numbers under which events were written since.
Words numbers(const Wire& wire, std::size_t since = 0) {
  Words found;
  for (std::size_t i = since; i < wire.commands.size(); ++i) found.push_back(wire.commands[i][kNumberPlace]);
  return found;
}

struct Writing {
  explicit Writing(const realm::EventLog::Limits& limits = {}) : writer("n/1", wire) {
    writer.add_stream({"one", "one:state", limits});
    writer.add_stream({"two", "two:state", limits});
  }
  void write(wamp::PublicationId id, const std::vector<std::size_t>& streams = {0}, std::size_t bytes = 10) {
    writer.write(event(id, id, bytes), streams, 100);
  }
  Wire wire;
  HistoryWriter writer;
};

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

std::string entry(int number, const std::string& topic = "com.a", const std::string& payload = "[1]") {
  const std::string text =
      "crosspoint1 n/1 " + std::to_string(number) + " json 0 0 0\n[16,1,{},\"" + topic + "\"," + payload + "]";
  return "*2\r\n" + bulk(std::to_string(number) + "-0") + "*6\r\n" + bulk("time") + bulk(std::to_string(number * 10)) +
         bulk("topic") + bulk(topic) + bulk("event") + bulk(text);
}

/// Entries from one number to the other, upwards or downwards.
std::string page(int first, int last, const std::string& payload = "[1]") {
  const int step = first <= last ? 1 : -1;
  std::string text = "*" + std::to_string((last - first) * step + 1) + "\r\n";
  for (int number = first; number != last + step; number += step) text += entry(number, "com.a", payload);
  return text;
}

realm::HistoryQuery newest(std::size_t limit, const std::string& topic = {}) {
  realm::HistoryQuery query;
  query.limit = limit;
  query.topic = topic;
  return query;
}

realm::HistoryQuery oldest(std::size_t limit, std::int64_t from = 0) {
  realm::HistoryQuery query = newest(limit);
  query.newest_first = false;
  query.from = from;
  return query;
}

struct Reading {
  Reading() { reader.connected(); }
  realm::SubscriptionRef log(const std::string& uri) {
    auto made = std::make_shared<realm::Subscription>();
    made->uri = uri;
    return made;
  }
  void ask(realm::HistoryQuery query, unsigned slot = 1, std::size_t logs = 1, std::size_t most = 1000) {
    std::vector<realm::SubscriptionRef> subscriptions;
    std::vector<HistoryStream> streams;
    for (std::size_t i = 0; i < logs; ++i) {
      subscriptions.push_back(log(std::to_string(i)));
      streams.push_back({"key" + std::to_string(i), "state" + std::to_string(i), {most}});
    }
    auto reading = std::make_shared<realm::HistoryReading>(subscriptions, query, std::make_shared<realm::Identity>());
    reader.ask({0, wamp::UriCheck::loose, {0, slot, 1}, ++requests, std::move(reading), std::move(streams)});
  }
  std::vector<wamp::PublicationId> found() {
    const auto& answer = *wire.answers.back();
    REQUIRE(answer.problem.empty());
    std::vector<wamp::PublicationId> ids;
    for (const auto& each : answer.read->events()) ids.push_back(each.publication->id);
    return ids;
  }
  Wire wire;
  HistoryReader reader{wire};
  wamp::RequestId requests = 0;
};

using Ids = std::vector<wamp::PublicationId>;

}  // namespace

TEST_CASE("an event goes to each history that it belongs to, and is acknowledged when all have it") {
  Writing node({7, 900});
  node.writer.connected();
  auto what = event(10, 1);
  what->trustlevel = "3";
  node.writer.write(what, std::vector<std::size_t>{0, 1}, 100);
  REQUIRE(node.wire.commands.size() == 2);
  Words words = node.wire.commands[1];
  words.erase(words.begin() + 1);  // the script
  REQUIRE(words == Words{"EVAL", "2", "two", "two:state", "7", "900", "n/1", "1", "time", "5", "topic", "com.a",
                         "event", "xxxxxxxxxx", "trustlevel", "3"});
  REQUIRE(node.wire.bytes_given == 100);
  node.wire.answer(":1\r\n");
  REQUIRE(node.wire.take().empty());
  node.wire.answer(":1\r\n");
  REQUIRE(node.wire.take() == Words{"1/2 1 10"});
  node.write(11);
  node.wire.answer("-OOM no memory\r\n");
  REQUIRE(node.wire.take() == Words{"1/2 11 11OOM no memory"});
  REQUIRE(node.writer.waiting() == 0);
}

TEST_CASE("what was not answered is written again with its number, before what comes later") {
  Writing node;
  node.writer.connected();
  for (wamp::PublicationId id = 1; id <= 3; ++id) node.write(id, {0, 1});
  node.wire.answer(":1\r\n");
  node.wire.answer(":1\r\n");
  node.wire.answer(":1\r\n");
  REQUIRE(node.wire.take() == Words{"1/2 1 1"});
  node.wire.lose();
  node.writer.disconnected();
  REQUIRE(node.wire.take() == Words{"1/2 3 3", "1/2 2 2"});  // they are accepted, in some order
  node.write(4, {1});
  REQUIRE(node.wire.take() == Words{"1/2 4 4"});
  const std::size_t before = node.wire.commands.size();
  node.writer.connected();
  node.write(5);
  REQUIRE(numbers(node.wire, before) == Words{"3", "2", "3", "4", "4"});
  for (int i = 0; i < 4; ++i) node.wire.answer(":0\r\n");
  REQUIRE(node.wire.take().empty());  // nobody is told twice
  node.wire.answer(":1\r\n");
  REQUIRE(node.wire.take() == Words{"1/2 5 5"});
  REQUIRE(node.writer.waiting() == 0);
}

TEST_CASE("without Redis a node keeps as much as the limits allow") {
  Writing node({3, 5000});
  for (wamp::PublicationId id = 1; id <= 5; ++id) node.write(id);
  REQUIRE(node.writer.waiting() == 3);
  node.write(6, {0}, 4000);
  REQUIRE(node.writer.waiting() == 3);
  node.write(7, {0}, 4000);
  REQUIRE(node.writer.waiting() == 1);
  node.write(8, {0}, 10000);  // the newest stays
  REQUIRE(node.writer.waiting() == 1);
  node.writer.connected();
  REQUIRE(numbers(node.wire) == Words{"8"});
}

TEST_CASE("what is under way when the connection is lost is cut to the limits, too") {
  Writing node({2});
  node.writer.connected();
  for (wamp::PublicationId id = 1; id <= 5; ++id) node.write(id);
  REQUIRE(node.writer.waiting() == 5);
  node.wire.lose();
  node.writer.disconnected();
  REQUIRE(node.wire.take().size() == 5);
  REQUIRE(node.writer.waiting() == 2);
}

TEST_CASE("history is read page by page, from the end that is asked for") {
  Reading node;
  node.ask(newest(12));
  REQUIRE(node.wire.commands.back() == Words{"XREVRANGE", "key0", "+", "-", "COUNT", "10"});
  node.wire.answer(page(100, 91));
  REQUIRE(node.wire.commands.back() == Words{"XREVRANGE", "key0", "90-18446744073709551615", "-", "COUNT", "1000"});
  node.wire.answer(page(90, 80));
  REQUIRE(node.found() == Ids{100, 99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 89});
  REQUIRE(node.wire.answers.back()->read->events()[0].time == 1000);
  node.ask(oldest(3, 21 * 10));
  REQUIRE(node.wire.commands.back() == Words{"XRANGE", "key0", "-", "+", "COUNT", "10"});
  node.wire.answer(page(11, 20));
  REQUIRE(node.wire.commands.back() == Words{"XRANGE", "key0", "20-1", "+", "COUNT", "1000"});
  node.wire.answer(page(21, 22));
  REQUIRE(node.found() == Ids{21, 22});
  node.ask({});
  node.wire.answer("*0\r\n");
  REQUIRE(node.found().empty());
}

TEST_CASE("pages of large events are short, and one who reads forwards does not run after what is added") {
  Reading node;
  node.ask(oldest(1000), 1, 1, 15);
  node.wire.answer(page(1, 10, "[\"" + std::string(400 * 1024, 'x') + "\"]"));
  REQUIRE(node.wire.commands.back() == Words{"XRANGE", "key0", "10-1", "+", "COUNT", "2"});
  node.wire.answer(page(11, 12));
  REQUIRE(node.wire.commands.back()[5] == "1000");
  node.wire.answer("*3\r\n" + entry(13) + entry(14) + entry(15));
  REQUIRE(node.found().size() == 15);
  node.ask(oldest(1000), 1, 1, 10);
  node.wire.answer(page(1, 10));
  REQUIRE(node.found().size() == 10);
}

TEST_CASE("of several histories of a topic the longest answers") {
  Reading node;
  node.ask(newest(2, "com.a"), 1, 3);
  node.wire.answer(page(9, 7));
  node.wire.answer(page(9, 3));
  REQUIRE(node.wire.commands.back()[1] == "key2");
  node.wire.answer(page(8, 4));
  REQUIRE(node.found() == Ids{9, 8});
  REQUIRE(node.wire.answers.back()->read->subscription().uri == "1");
}

TEST_CASE("few calls are served at a time, one of each session; too many are refused") {
  Reading node;
  for (int i = 0; i < 70; ++i) node.ask({}, 1);
  REQUIRE(node.wire.waiting.size() == 1);
  REQUIRE(node.wire.answers.size() == 5);  // 64 wait, one is served
  REQUIRE_FALSE(node.wire.answers[0]->problem.empty());
  for (unsigned session = 2; session < 2000; ++session) node.ask({}, session);
  REQUIRE(node.wire.waiting.size() == HistoryReader::kAtOnce);
  const std::size_t refused = node.wire.answers.size();
  REQUIRE(refused == 70 + 1998 - HistoryReader::kMostWaiting - HistoryReader::kAtOnce);
  node.wire.answer("*0\r\n");
  REQUIRE(node.wire.waiting.size() == HistoryReader::kAtOnce);
  REQUIRE(node.wire.answers.size() == refused + 1);
  node.wire.lose();
  node.reader.disconnected();  // all are answered at once
  REQUIRE(node.wire.answers.size() == 70 + 1998);
  for (std::size_t i = refused + 1; i < node.wire.answers.size(); ++i) {
    REQUIRE_FALSE(node.wire.answers[i]->problem.empty());
  }
  node.ask({});
  REQUIRE(node.wire.waiting.empty());
  REQUIRE_FALSE(node.wire.answers.back()->problem.empty());
}

TEST_CASE("a history is forgotten in Redis, and what cannot be read is told") {
  Reading node;
  node.reader.ask({0, wamp::UriCheck::loose, {0, 1, 1}, 5, nullptr, {{"key", "state", {}}}});
  Words words = node.wire.commands.back();
  words.erase(words.begin() + 1);
  REQUIRE(words == Words{"EVAL", "2", "key", "state"});
  node.wire.answer(":12\r\n");
  REQUIRE(node.wire.answers.back()->flushed == 12);
  node.reader.ask({0, wamp::UriCheck::loose, {0, 1, 1}, 6, nullptr, {{"key", "state", {}}}});
  node.wire.answer("-WRONGTYPE\r\n");
  REQUIRE_FALSE(node.wire.answers.back()->flushed);
  REQUIRE_FALSE(node.wire.answers.back()->problem.empty());
  node.ask({});
  node.wire.answer("-WRONGTYPE\r\n");
  REQUIRE_FALSE(node.wire.answers.back()->problem.empty());
}

TEST_CASE("entries that other programs have added are read as far as they make sense") {
  const auto fields = [](const Words& words) {
    std::string text = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) text += bulk(word);
    return text;
  };
  Reading node;
  node.ask({});
  const std::string id = bulk("7-1");
  node.wire.answer("*9\r\n*2\r\n" + id + fields({"topic", "com.a", "event", "{\"args\":[1]}"}) +   // as it may be
                   "*2\r\n" + id + fields({"topic", "com.a", "event", "?"}) +                      //
                   "*2\r\n" + id + fields({"topic", "com.a", "event", "{}", "time", "x"}) +        //
                   "*2\r\n" + id + fields({"topic", "com.a", "event", "{}", "trustlevel", "-"}) +  //
                   "*2\r\n" + id + fields({"topic", "a b", "event", "{}"}) +                       //
                   "*2\r\n" + bulk("x") + fields({"topic"}) +                                      //
                   "*2\r\n" + id + fields({"topic", "com.a", "event", "{}", "trustlevel", "4"}) + "*2\r\n" +
                   bulk("9223372036854775807-18446744073709551615") + fields({"topic", "com.a", "event", "{}"}) +
                   "*2\r\n" + id + fields({"topic", "com.a", "event", "{}", "time", "9223372036854775807"}));
  const auto& events = node.wire.answers.back()->read->events();
  REQUIRE(events.size() == 3);
  REQUIRE(events[0].time == 7000);
  REQUIRE(events[0].publication->id == (std::uint64_t{7} << 20) + 2);
  REQUIRE(events[1].publication->trustlevel == 4);
  REQUIRE(node.wire.complaints.size() == 5);
}
