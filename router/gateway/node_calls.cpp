#include "gateway/node_calls.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace crosspoint::gateway {
namespace {

using nlohmann::json;

constexpr std::size_t kMostPending = 10'000;
constexpr std::size_t kMostBytes = 64 * 1024 * 1024;  // that wait, to be sent or to be handled
/// How long nodes that were cut off are waited for before they count as ended.
constexpr std::chrono::seconds kReturnTime{30};
constexpr std::size_t kMostCutOff = 1000;

}  // namespace

std::uint64_t start_of(std::string_view address) {
  const std::size_t slash = address.rfind('/');
  if (slash == std::string_view::npos) return 0;
  std::uint64_t start = 0;
  const auto [end, error] = std::from_chars(address.data() + slash + 1, address.data() + address.size(), start, 16);
  return error == std::errc() && end == address.data() + address.size() ? start : 0;
}

NodeCalls::NodeCalls(OtherNodes& others, base::IoThread& io, std::string realm)
    : others_(others), io_(io), realm_(std::move(realm)), address_(others.address()) {}

void NodeCalls::provide(std::string name, Handler handler) {
  handlers_.insert_or_assign(std::move(name), std::move(handler));
}

void NodeCalls::answer(const Request& request, std::optional<json> value) {
  others_.send(request.from, kAnswer, write(NodeAnswer{realm_, request.number, std::move(value)}));
}

bool NodeCalls::is_full() const { return pending_.size() >= kMostPending || others_.backlog() > kMostBytes; }

void NodeCalls::expect(const Key& key, std::chrono::seconds timeout, Then then) {
  auto timer = io_.after(timeout, [this, key] { complete(key, Outcome::unavailable, nullptr); });
  pending_.emplace(key, Pending{std::move(then), timer});
}

void NodeCalls::send(const std::string& to, std::uint64_t number, std::string_view name, json arguments) {
  others_.send(to, kAsk, write(NodeAsk{realm_, number, std::string(name), std::move(arguments)}));
}

void NodeCalls::ask(std::uint64_t start, std::string_view name, json arguments, Then then,
                    std::chrono::seconds timeout) {
  if (!others_.joined()) return then(Outcome::unavailable, nullptr);
  const auto addresses = others_.list();
  const auto at = std::find_if(addresses.begin(), addresses.end(),
                               [start](const std::string& address) { return start_of(address) == start; });
  if (at == addresses.end()) return then(was_cut_off(start) ? Outcome::unavailable : Outcome::no_such_node, nullptr);
  cut_off_.erase(start);
  ask(*at, name, std::move(arguments), std::move(then), timeout);
}

void NodeCalls::ask(const std::string& address, std::string_view name, json arguments, Then then,
                    std::chrono::seconds timeout) {
  if (!others_.joined() || is_full()) return then(Outcome::unavailable, nullptr);
  expect({address, ++last_number_}, timeout, std::move(then));
  send(address, last_number_, name, std::move(arguments));
}

void NodeCalls::ask_all(std::string_view name, const json& arguments,
                        std::function<void(const std::vector<json>& answers)> then) {
  if (!others_.joined() || is_full()) return then({});
  send({}, ++last_number_, name, arguments);
  const auto addresses = others_.list();
  if (addresses.empty()) return then({});
  struct Gathered {
    std::vector<json> answers;
    std::size_t missing = 0;
  };
  const auto gathered = std::make_shared<Gathered>();
  gathered->missing = addresses.size();
  for (const std::string& address : addresses) {
    expect({address, last_number_}, kAnswerTime, [gathered, then](Outcome outcome, const json& value) {
      if (outcome == Outcome::answered) gathered->answers.push_back(value);
      if (--gathered->missing == 0) then(gathered->answers);
    });
  }
}

void NodeCalls::complete(const Key& key, Outcome outcome, const json& value) {
  const auto at = pending_.find(key);
  if (at == pending_.end()) return;
  Pending pending = std::move(at->second);
  pending_.erase(at);
  io_.cancel(pending.timer);
  pending.then(outcome, value);
}

void NodeCalls::take_in(std::string_view from, NodeAsk ask, std::size_t bytes) {
  Request request{std::string(from), ask.number, std::move(ask.arguments)};
  const auto at = handlers_.find(ask.name);
  if (at == handlers_.end() || incoming_.load(std::memory_order_relaxed) > kMostBytes) {
    return answer(request, std::nullopt);
  }
  incoming_.fetch_add(bytes, std::memory_order_relaxed);
  io_.post([this, &handler = at->second, request = std::move(request), bytes] {
    incoming_.fetch_sub(bytes, std::memory_order_relaxed);
    handler(request);
  });
}

void NodeCalls::take_in(std::string_view from, NodeAnswer answer, std::size_t bytes) {
  if (incoming_.load(std::memory_order_relaxed) > kMostBytes) return;  // who asked hears of it when the time is over
  incoming_.fetch_add(bytes, std::memory_order_relaxed);
  io_.post([this, from = std::string(from), answer = std::move(answer), bytes] {
    incoming_.fetch_sub(bytes, std::memory_order_relaxed);
    complete({from, answer.number}, answer.value ? Outcome::answered : Outcome::unavailable,
             answer.value.value_or(json()));
  });
}

void NodeCalls::lose(std::string_view address) {
  io_.post([this, address = std::string(address), here = others_.joined()] {
    if (!here && cut_off_.size() < kMostCutOff) cut_off_[start_of(address)] = io_.now();
    forget(address);
  });
}

void NodeCalls::forget(const std::string& address) {
  std::vector<Key> keys;
  for (auto at = pending_.lower_bound({address, 0}); at != pending_.end() && at->first.first == address; ++at) {
    keys.push_back(at->first);
  }
  for (const Key& key : keys) complete(key, Outcome::unavailable, nullptr);
  for (const auto& listener : gone_) listener(address);
}

bool NodeCalls::was_cut_off(std::uint64_t start) {
  std::erase_if(cut_off_, [now = io_.now()](const auto& entry) { return now - entry.second > kReturnTime; });
  return cut_off_.contains(start);
}

}  // namespace crosspoint::gateway
