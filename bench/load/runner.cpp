#include "load/runner.hpp"

#include <fmt/core.h>

#include <cstdio>

#include "load/failure.hpp"

namespace crosspoint::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Sessions being opened at a time; more would overrun a router's listen queue.
constexpr std::size_t kOpening = 64;
constexpr std::chrono::milliseconds kPoll{2};
constexpr std::chrono::seconds kProgress{1};

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

Runner::Runner(Network& network, Clients& clients, Scenario& scenario)
    : network_(network), clients_(clients), scenario_(scenario) {
  for (std::size_t i = 0; i < scenario.sessions(); ++i) {
    clients_.push_back(
        std::make_unique<Client>(network_, i, *this, scenario.plain_target(i), scenario.serializer_of(i)));
  }
}

Measured Runner::run() {
  started_ = last_progress_ = last_change_ = Clock::now();
  measured_.before_sessions = usage_of(network_.options().pids);
  open_more();
  after(0, &Runner::poll);
  network_.io.run();
  return measured_;
}

void Runner::after(double seconds, void (Runner::*what)()) {
  const auto delay = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  network_.io.after(delay, [this, what] { (this->*what)(); });
}

void Runner::open_more() {
  while (opened_ < clients_.size() && opened_ - joined_ < kOpening) clients_[opened_++]->connect();
}

void Runner::on_joined(Client& client) {
  ++joined_;
  if (phase_ == Phase::opening) open_more();
  scenario_.on_joined(client);
}

void Runner::on_left(Client& client) {
  if (phase_ == Phase::closing) ++left_;
  scenario_.on_left(client);
}

void Runner::enter(Phase phase) {
  phase_ = phase;
  last_change_ = Clock::now();
}

void Runner::measure() {
  enter(Phase::measuring);
  scenario_.measure();
  counters_at_start_ = scenario_.counters();
  measured_.start = usage_of(network_.options().pids);
  own_cpu_at_start_ = own_cpu_seconds();
  measuring_since_ = Clock::now();
  after(network_.options().duration, &Runner::measured);
}

void Runner::measured() {
  measured_.seconds = seconds_between(measuring_since_, Clock::now());
  const Counters counters = scenario_.counters();
  measured_.counters = {counters.sent - counters_at_start_.sent, counters.done - counters_at_start_.done};
  measured_.end = usage_of(network_.options().pids);
  measured_.client_cpu_seconds = own_cpu_seconds() - own_cpu_at_start_;
  enter(Phase::draining);
  scenario_.finish();
}

void Runner::poll() {
  if (phase_ == Phase::opening && scenario_.ready() == clients_.size()) {
    enter(Phase::warming_up);
    scenario_.begin();
    after(network_.options().warmup, &Runner::measure);
  } else if (phase_ == Phase::draining && scenario_.drained()) {
    enter(Phase::closing);
    for (const auto& client : clients_) {
      if (client->joined()) {
        client->leave();
      } else {
        ++left_;
      }
    }
  }
  if (phase_ == Phase::closing && left_ == clients_.size()) return network_.io.stop();
  const auto now = Clock::now();
  progress(now);
  watch(now);
  after(std::chrono::duration<double>(kPoll).count(), &Runner::poll);
}

void Runner::progress(Clock::time_point now) {
  if (now - last_progress_ < kProgress) return;
  const double seconds = seconds_between(last_progress_, now);
  last_progress_ = now;
  const std::uint64_t done = scenario_.counters().done;
  const double rate = static_cast<double>(done - shown_) / seconds;
  shown_ = done;
  if (network_.options().quiet) return;
  constexpr const char* kNames[] = {"opening", "warming up", "measuring", "draining", "closing"};
  std::string text = fmt::format("{:4.0f} s  {:<10}", seconds_between(started_, now), kNames[static_cast<int>(phase_)]);
  if (phase_ == Phase::opening) {
    text += fmt::format("  {} of {} sessions", joined_, clients_.size());
  } else {
    text += fmt::format("  {:.0f} {}/s", rate, scenario_.unit());
  }
  std::fprintf(stderr, "%s\n", text.c_str());
}

void Runner::watch(Clock::time_point now) {
  const std::uint64_t seen = scenario_.counters().done + joined_ + scenario_.ready() + left_;
  const bool waiting = phase_ == Phase::opening || phase_ == Phase::closing || !scenario_.drained();
  if (seen != seen_ || !waiting) {
    seen_ = seen;
    last_change_ = now;
    return;
  }
  const double limit = network_.options().timeout;
  if (seconds_between(last_change_, now) < limit) return;
  if (phase_ == Phase::opening) {
    throw Failure(fmt::format("no answer from {} for {:g} s: {} of {} sessions are ready", network_.options().url,
                              limit, scenario_.ready(), clients_.size()));
  }
  if (phase_ == Phase::closing) {  // the figures stand all the same
    complain(
        fmt::format("no answer to GOODBYE for {:g} s: {} of {} sessions have left", limit, left_, clients_.size()));
    return network_.io.stop();
  }
  throw Failure(fmt::format("lost: nothing arrived for {:g} s and {} are missing", limit, scenario_.outstanding()));
}

}  // namespace crosspoint::bench
