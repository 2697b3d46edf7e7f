#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.hpp"
#include "simulation/meta_listener.hpp"
#include "support/test_realm.hpp"

/// A deterministic simulation of the routing core: many clients on several shards, and a seeded scheduler that picks
/// each next step among all that could come next. What a client sends is handled by its shard later; what shards send
/// each other arrives later, in order for each pair of shards; what a client is sent it reads later. The directory is
/// the one thing that changes at once for all, as it does under its lock. After every step the promises of WAMP are
/// checked ("Ordering Guarantees", basic profile), and at the end that nothing was lost and nothing is left.
namespace crosspoint::simulation {

/// An event that a client may still get, or must.
struct Expectation {
  bool mandatory = true;  ///< the member was there when the publication was handled, and has stayed since
  bool delivered = false;
};

/// A pattern a client subscribed to.
struct Pattern {
  std::string uri;
  wamp::Match match = wamp::Match::exact;
  bool get_retained = false;

  friend bool operator<(const Pattern& a, const Pattern& b) {
    return std::tie(a.uri, a.match) < std::tie(b.uri, b.match);
  }
};

/// A call that has no final answer yet.
struct OpenCall {
  std::uint64_t sequence = 0;
  std::uint64_t progress = 0;  ///< number of the last piece of its result
  bool meta = false;           ///< of a meta procedure
};

/// An invocation that a client has not answered.
struct OpenInvocation {
  std::uint64_t id = 0;
  nlohmann::json arguments;
  bool receive_progress = false;
  std::uint64_t progress = 0;
  bool counts = true;  ///< for `concurrency`: it was not told to stop
};

/// A client and what it knows: only from messages it has read.
struct Client {
  test::TestClient* peer = nullptr;
  int serial = 0;
  wamp::SessionId session = 0;
  std::deque<std::string> outgoing;  ///< sent, not yet handled by the shard
  std::uint64_t next_request = 0;
  std::uint64_t call_sequence = 0;
  bool leaving = false;  ///< sends nothing new

  std::map<std::uint64_t, Pattern> subscribing;          ///< request -> what for
  std::map<std::uint64_t, Pattern> subscriptions;        ///< id -> pattern, from SUBSCRIBED to UNSUBSCRIBED
  std::map<std::uint64_t, std::uint64_t> unsubscribing;  ///< request -> id
  std::map<std::uint64_t, std::string> registering;      ///< request -> uri
  std::set<std::uint64_t> registrations;                 ///< from REGISTERED to UNREGISTERED
  std::map<std::uint64_t, std::uint64_t> unregistering;
  std::map<std::uint64_t, OpenCall> calls;   ///< by request
  std::set<std::uint64_t> acknowledgements;  ///< requests of publications to be acknowledged
  std::vector<OpenInvocation> to_answer;
  std::uint64_t last_invocation_id = 0;
  unsigned concurrency = 0;  ///< at p.limited, which it registers at most once
  std::map<std::tuple<std::uint64_t, int, std::string>, std::uint64_t> last_event;  ///< subscription, publisher, topic
  /// caller and procedure, if that has a queue -> its sequence number
  std::map<std::pair<int, std::string>, std::uint64_t> last_invocation;

  // The router's view of it, for the promise that nothing is lost.
  std::map<std::uint64_t, Pattern> member_of;  ///< id -> pattern, from SUBSCRIBE to UNSUBSCRIBE handled
  std::map<std::pair<std::uint64_t, std::string>, Expectation> expected;  ///< subscription, publication key

  MetaListener listener;                            ///< what comes by its exact subscriptions
  std::map<std::uint64_t, MetaListener> listeners;  ///< and by each prefix that it is subscribed to

  std::set<Pattern> asked_patterns;        ///< subscribed to at some time
  std::set<std::uint64_t> wants_retained;  ///< subscriptions that retained events were asked for
};

/// A publication to be retained, in the order in which the router handled them.
struct Retained {
  nlohmann::json payload;
  std::string excluded;  ///< authid; empty: for everybody
};

class Simulation {
 public:
  static constexpr unsigned kShards = 4;

  explicit Simulation(std::uint64_t seed, bool trace = false);
  /// Runs it. Throws std::runtime_error with what was broken.
  void run();

 private:
  void step();
  void drain();
  void join();
  void act(Client& client);
  void handle_outgoing(Client& client);
  void read(Client& client);
  void leave(Client& client);

  void subscribe(Client& client);
  void publish(Client& client);
  void register_procedure(Client& client);
  void call(Client& client);
  void remove(Client& client);
  void cancel(Client& client);
  void time_out();
  void on_result(Client& client, const nlohmann::json& message);
  void on_interrupt(Client& client, const nlohmann::json& message);
  void check_tables(Client& client) const;
  void answer(Client& client);
  void on_error(Client& client, const nlohmann::json& message);
  void on_event(Client& client, const nlohmann::json& message);
  void on_unsubscribed(Client& client, const nlohmann::json& message);
  void on_unregistered(Client& client, const nlohmann::json& message);
  void note_revocations();
  void check_listeners(const Client& client) const;
  void on_invocation(Client& client, const nlohmann::json& message);
  void expect_event(const Client& publisher, const nlohmann::json& publication);
  void expect_retained(Client& client, std::uint64_t subscription, const Pattern& pattern);
  void check_the_end();
  void check_history() const;

  void send(Client& client, const nlohmann::json& message);
  std::uint64_t pick(std::uint64_t bound) { return random_.below(bound); }
  std::string topic();
  void check(bool good, const std::string& what) const;
  void trace(const std::string& what) const;

  base::Random random_;
  std::uint64_t seed_;
  bool trace_;
  int step_ = 0;
  test::TestRealm realm_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<test::TestClient*, std::size_t> read_when_left_;
  std::uint64_t publication_sequence_ = 0;
  std::map<std::string, std::vector<Retained>> retained_;  // by topic
  realm::EventLog& log_;                                   // of the topics that begin with "a"
  std::vector<std::string> logged_;                        // what must be in it
};

}  // namespace crosspoint::simulation
