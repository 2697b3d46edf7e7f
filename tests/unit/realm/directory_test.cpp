#include <catch2/catch.hpp>

#include "realm/directory.hpp"

using namespace crosspoint::realm;
using crosspoint::wamp::InvocationPolicy;
using crosspoint::wamp::Match;

TEST_CASE("a subscription lives as long as a shard has members on it") {
  SubscriptionDirectory directory;
  const auto first = directory.join("com.x", Match::exact, 0);
  REQUIRE(first.created);
  const auto second = directory.join("com.x", Match::exact, 63);
  REQUIRE_FALSE(second.created);
  REQUIRE(first.subscription == second.subscription);
  REQUIRE(first.subscription->shards.load() == (1ULL | 1ULL << 63));
  REQUIRE_FALSE(directory.leave(first.subscription, 0));
  REQUIRE(directory.leave(first.subscription, 63));
  std::vector<SubscriptionRef> found{first.subscription};
  directory.match("com.x", found);
  REQUIRE(found.empty());
  const auto third = directory.join("com.x", Match::exact, 0);
  REQUIRE(third.created);
  REQUIRE(third.subscription->id != first.subscription->id);
}

TEST_CASE("the version of a topic changes when a subscription that may match it comes or goes, and not for others") {
  SubscriptionDirectory directory;
  const auto before = directory.version("com.x");
  const auto exact = directory.join("com.x", Match::exact, 0);
  const auto after = directory.version("com.x");
  REQUIRE(after != before);
  directory.join("com.x", Match::exact, 1);  // only more members
  REQUIRE(directory.version("com.x") == after);
  const auto prefix = directory.join("com", Match::prefix, 0);
  const auto with_prefix = directory.version("com.x");
  REQUIRE(with_prefix != after);
  directory.leave(prefix.subscription, 0);
  REQUIRE(directory.version("com.x") != with_prefix);
  int unchanged = 0;
  for (int i = 0; i < 100; ++i) {
    const auto other = directory.version("com.x");
    directory.join("com.other" + std::to_string(i), Match::exact, 0);
    unchanged += other == directory.version("com.x") ? 1 : 0;
  }
  REQUIRE(unchanged > 90);  // but for those that share its stripe
}

TEST_CASE("a registration keeps its callees in the order of registering, and earlier readers keep their list") {
  RegistrationDirectory directory;
  using Outcome = RegistrationDirectory::Outcome;
  const Callee one{{0, 1, 1}, 11};
  const Callee two{{1, 2, 1}, 22};
  const auto added = directory.add("com.x", Match::exact, InvocationPolicy::first, one);
  REQUIRE(added.outcome == Outcome::registered);
  REQUIRE(added.created);
  const auto before = directory.best_match("com.x");
  const auto version = directory.version("com.x");
  REQUIRE_FALSE(directory.add("com.x", Match::exact, InvocationPolicy::first, two).created);
  REQUIRE(directory.version("com.x") != version);
  REQUIRE(before.callees->size() == 1);
  const auto after = directory.best_match("com.x");
  REQUIRE(after.callees->size() == 2);
  REQUIRE(after.callees->front().session == 11);
  REQUIRE(directory.remove(added.registration, one.key) == RegistrationDirectory::Removal::one);
  REQUIRE(directory.best_match("com.x").callees->front().session == 22);
  REQUIRE(directory.remove(added.registration, one.key) == RegistrationDirectory::Removal::none);
  REQUIRE(directory.remove(added.registration, two.key) == RegistrationDirectory::Removal::last);
  REQUIRE(directory.best_match("com.x").registration == nullptr);
}

TEST_CASE("a registration that is made again has its id again in a cluster, and is another one") {
  RegistrationDirectory directory;
  directory.share_ids();
  const Callee one{{0, 1, 1}, 11};
  const auto first = directory.add("com.x", Match::exact, InvocationPolicy::single, one).registration;
  REQUIRE(directory.add("com.x", Match::prefix, InvocationPolicy::single, one).registration->id != first->id);
  REQUIRE(directory.get(*first).registration == first);
  directory.remove(first, one.key);
  REQUIRE_FALSE(directory.get(*first).registration);
  const auto second = directory.add("com.x", Match::exact, InvocationPolicy::single, one).registration;
  REQUIRE(second->id == first->id);
  REQUIRE_FALSE(directory.get(*first).registration);
  REQUIRE(directory.get(*second).registration == second);
}

TEST_CASE("the first and the last callee of this node are told from those of others") {
  using Removal = RegistrationDirectory::Removal;
  RegistrationDirectory directory;
  const auto add = [&](const Callee& callee) {
    return directory.add("com.x", Match::exact, InvocationPolicy::first, callee);
  };
  const Callee here{{0, 1, 1}, 11};
  const Callee too{{1, 1, 1}, 12};
  const Callee elsewhere{{kOtherNode, 1, 1}, 21};
  const auto added = add(elsewhere);
  REQUIRE((added.created && !added.first_here));
  REQUIRE((add(here).first_here && !add(here).created));
  REQUIRE_FALSE(add(too).first_here);
  REQUIRE(directory.remove(added.registration, here.key) == Removal::one);
  REQUIRE(directory.remove(added.registration, too.key) == Removal::last_here);
  REQUIRE(add(here).first_here);
  REQUIRE(directory.remove(added.registration, elsewhere.key) == Removal::one);
  REQUIRE(directory.remove(added.registration, here.key) == Removal::last);
}

TEST_CASE("session ids are taken once") {
  SessionDirectory directory;
  REQUIRE(directory.add(5, {}));
  REQUIRE_FALSE(directory.add(5, {}));
  directory.remove(5);
  REQUIRE(directory.add(5, {}));
  REQUIRE(directory.size() == 1);
}
