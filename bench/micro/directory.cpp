#include "realm/directory.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <thread>
#include <vector>

#include "realm/uri_cache.hpp"

/// What the threads of a router pay for having one directory: 1 to 16 of them look up topics as a publication does,
/// while another thread subscribes and unsubscribes. CPU time is that of the readers, per look-up; `misses` is the
/// share of look-ups that took the directory's lock because something may have changed.
namespace crosspoint::bench {
namespace {

using wamp::Match;

constexpr std::size_t kTopics = 1024;

/// What goes on beside the readers.
enum class Writer { none, topics, patterns };

std::string topic(std::size_t number) { return "com.example.topic" + std::to_string(number); }

/// The directory of all threads of one run, and the one that writes to it.
struct Shared {
  explicit Shared(Writer kind) {
    for (std::size_t i = 0; i < kTopics; ++i) directory.join(topic(i), Match::exact, static_cast<unsigned>(i % 64));
    if (kind == Writer::none) return;
    writer = std::jthread([this, kind](const std::stop_token& stop) {
      for (std::size_t i = 0; !stop.stop_requested(); ++i) {
        const auto uri = "com.other." + std::to_string(i % kTopics);
        const auto joined = directory.join(uri, kind == Writer::topics ? Match::exact : Match::prefix, 0);
        directory.leave(joined.subscription, 0);
      }
    });
  }
  realm::SubscriptionDirectory directory;
  std::jthread writer;  // the last member: it ends before the directory does
};

Shared* shared = nullptr;

struct Known {
  std::uint64_t version = 0;
  std::vector<realm::SubscriptionRef> subscriptions;
};

/// With the memory that each shard has of what it has looked up.
void remembered(benchmark::State& state, Writer writer) {
  if (state.thread_index() == 0) shared = new Shared(writer);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kTopics; ++i) topics.push_back(topic(i));
  realm::UriCache<Known> cache;
  std::size_t at = static_cast<std::size_t>(state.thread_index()) * 61;
  std::size_t misses = 0;
  for (auto _ : state) {
    const std::string& uri = topics[at++ % kTopics];
    const auto version = shared->directory.version(uri);
    Known* known = cache.find(uri);
    if (known == nullptr) known = cache.insert(uri, {version + 1, {}});
    if (known->version != version) {
      ++misses;
      shared->directory.match(uri, known->subscriptions);
      known->version = version;
    }
    benchmark::DoNotOptimize(known->subscriptions.data());
  }
  state.counters["misses"] = benchmark::Counter(static_cast<double>(misses), benchmark::Counter::kAvgIterations);
  if (state.thread_index() == 0) delete shared;
}

/// Without it: what a topic costs that nobody has asked for yet.
void looked_up(benchmark::State& state) {
  if (state.thread_index() == 0) shared = new Shared(Writer::none);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kTopics; ++i) topics.push_back(topic(i));
  std::vector<realm::SubscriptionRef> found;
  std::size_t at = static_cast<std::size_t>(state.thread_index()) * 61;
  for (auto _ : state) shared->directory.match(topics[at++ % kTopics], found);
  benchmark::DoNotOptimize(found.data());
  if (state.thread_index() == 0) delete shared;
}

BENCHMARK_CAPTURE(remembered, quiet, Writer::none)->ThreadRange(1, 16);
BENCHMARK_CAPTURE(remembered, beside_topics, Writer::topics)->ThreadRange(1, 16);
BENCHMARK_CAPTURE(remembered, beside_patterns, Writer::patterns)->ThreadRange(1, 16);
BENCHMARK(looked_up)->ThreadRange(1, 16);

}  // namespace
}  // namespace crosspoint::bench
