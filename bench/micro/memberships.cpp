#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "micro/allocations.hpp"
#include "realm/realm.hpp"

/// SUBSCRIBE and UNSUBSCRIBE in a realm of one thread, without connections: what one more member costs a topic that has
/// many, and what a session costs that has many subscriptions.
namespace crosspoint::bench {
namespace {

constexpr std::int64_t kMost = 100'000;

class SilentPeer final : public realm::Peer {
 public:
  std::string describe(const realm::Identity&) const override { return "{}"; }
};

class Members {
 public:
  explicit Members(std::size_t sessions) : realm_("realm1", options(), 1, 1) {
    realm_.add_role("user", realm::make_fixed_authorizer({true, false}));
    const realm::Role* role = realm_.find_role("user");
    for (std::size_t i = 0; i < sessions; ++i) {
      auto identity = std::make_shared<realm::Identity>();
      identity->session = 1 + i;
      identity->authrole = "user";
      sessions_.push_back(shard().join(peer_, std::move(identity), *role));
    }
  }

  wamp::SubscriptionId subscribe(std::size_t session, const std::string& topic) {
    wamp::Subscribe subscribe;
    subscribe.request = 1;
    subscribe.topic = topic;
    shard().receive(*sessions_[session], subscribe, out_);
    const auto* subscribed =
        out_.items().empty() ? nullptr : std::get_if<wamp::Subscribed>(&out_.items().front().message);
    const wamp::SubscriptionId id = subscribed != nullptr ? subscribed->subscription : 0;
    out_.clear();
    return id;
  }

  bool unsubscribe(std::size_t session, wamp::SubscriptionId id) {
    shard().receive(*sessions_[session], wamp::Unsubscribe{2, id}, out_);
    const bool done = !out_.items().empty() && std::holds_alternative<wamp::Unsubscribed>(out_.items().front().message);
    out_.clear();
    return done;
  }

 private:
  static realm::RealmOptions options() {
    realm::RealmOptions options;
    options.meta_api = false;
    return options;
  }
  realm::Shard& shard() { return realm_.shard(0); }

  SilentPeer peer_;
  realm::Realm realm_;
  std::vector<realm::Session*> sessions_;
  realm::Outbox out_;
};

/// All of so many sessions have subscribed to one topic; one after the other leaves it and comes back.
void members_of_a_topic(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Members members(count);
  std::vector<wamp::SubscriptionId> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = members.subscribe(i, "com.example.topic");
  std::size_t at = 0;
  const AllocationCounter counter(state);
  for (auto _ : state) {
    const std::size_t i = at++ * 7919 % count;
    if (!members.unsubscribe(i, ids[i])) return state.SkipWithError("not unsubscribed");
    ids[i] = members.subscribe(i, "com.example.topic");
    if (ids[i] == 0) return state.SkipWithError("not subscribed");
  }
}

/// One session has subscribed to so many topics; it leaves one after the other and comes back.
void topics_of_a_session(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Members members(1);
  std::vector<std::string> topics;
  std::vector<wamp::SubscriptionId> ids;
  for (std::size_t i = 0; i < count; ++i) {
    topics.push_back("com.example.topic" + std::to_string(i));
    ids.push_back(members.subscribe(0, topics.back()));
  }
  std::size_t at = 0;
  const AllocationCounter counter(state);
  for (auto _ : state) {
    const std::size_t i = at++ * 7919 % count;
    if (!members.unsubscribe(0, ids[i])) return state.SkipWithError("not unsubscribed");
    ids[i] = members.subscribe(0, topics[i]);
    if (ids[i] == 0) return state.SkipWithError("not subscribed");
  }
}

BENCHMARK(members_of_a_topic)->Arg(10)->Arg(1000)->Arg(kMost);
BENCHMARK(topics_of_a_session)->Arg(10)->Arg(1000)->Arg(kMost);

}  // namespace
}  // namespace crosspoint::bench
