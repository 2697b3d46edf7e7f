#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/io_thread.hpp"
#include "base/timers.hpp"
#include "gateway/node_letters.hpp"
#include "gateway/other_nodes.hpp"

namespace crosspoint::gateway {

/// What the gateway of one realm asks of the same realm's on other nodes, and is asked by them. Questions to one node
/// arrive in the order in which they were asked. Belongs to the thread of the realm's procedures, except where said
/// otherwise.
class NodeCalls {
 public:
  static constexpr std::string_view kAsk = "gateway-ask";  ///< kinds of messages
  static constexpr std::string_view kAnswer = "gateway-answer";
  /// How long an answer may take, where nothing else is said.
  static constexpr std::chrono::seconds kAnswerTime{5};

  enum class Outcome {
    answered,
    no_such_node,  ///< for all that is known it has ended
    unavailable,   ///< it cannot be reached, or did not answer; nobody knows whether it has done what was asked
  };
  using Then = std::function<void(Outcome outcome, const nlohmann::json& value)>;
  struct Request {
    std::string from;
    std::uint64_t number = 0;
    nlohmann::json arguments;  ///< a list of anything
  };
  using Handler = std::function<void(const Request& request)>;

  NodeCalls(OtherNodes& others, base::IoThread& io, std::string realm);

  const std::string& realm() const { return realm_; }
  const std::string& address() const { return address_; }
  /// Before the threads start. The handler answers each request once; with nothing, if it cannot do it.
  void provide(std::string name, Handler handler);
  void answer(const Request& request, std::optional<nlohmann::json> value);
  /// Before the threads start.
  void when_gone(std::function<void(const std::string& address)> listener) { gone_.push_back(std::move(listener)); }

  /// `then` is called once, maybe before this returns.
  void ask(std::uint64_t start, std::string_view name, nlohmann::json arguments, Then then,
           std::chrono::seconds timeout = kAnswerTime);
  void ask(const std::string& address, std::string_view name, nlohmann::json arguments, Then then,
           std::chrono::seconds timeout = kAnswerTime);
  /// The same of all nodes, with one message; `then` gets the answers of those that are there and gave one.
  void ask_all(std::string_view name, const nlohmann::json& arguments,
               std::function<void(const std::vector<nlohmann::json>& answers)> then);

  /// So much waits that nothing more can be asked.
  bool is_full() const;

  /// Any thread: what comes from other nodes.
  void take_in(std::string_view from, NodeAsk ask, std::size_t bytes);
  void take_in(std::string_view from, NodeAnswer answer, std::size_t bytes);
  void lose(std::string_view address);

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    Then then;
    base::Timers::Handle timer;
  };
  using Key = std::pair<std::string, std::uint64_t>;  // the address, and the number of the question

  void expect(const Key& key, std::chrono::seconds timeout, Then then);
  void send(const std::string& to, std::uint64_t number, std::string_view name, nlohmann::json arguments);
  void complete(const Key& key, Outcome outcome, const nlohmann::json& value);
  void forget(const std::string& address);
  bool was_cut_off(std::uint64_t start);

  OtherNodes& others_;
  base::IoThread& io_;
  const std::string realm_;
  const std::string address_;
  std::map<std::string, Handler, std::less<>> handlers_;  // constant after the start
  std::vector<std::function<void(const std::string& address)>> gone_;
  std::map<Key, Pending> pending_;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Clock::time_point> cut_off_;  // starts of nodes that this one lost with its own connection
  std::atomic<std::size_t> incoming_{0};                // bytes of messages that this thread has not handled yet
};

/// The number behind the last slash of an address; 0 if there is none.
std::uint64_t start_of(std::string_view address);

}  // namespace crosspoint::gateway
