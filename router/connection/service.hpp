#pragma once

#include <tsl/robin_map.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/timers.hpp"
#include "realm/role.hpp"
#include "realm/session.hpp"
#include "wamp/message.hpp"

namespace crosspoint::connection {

class RealmGate;

/// A session of the router's own in a realm, to call procedures of clients (dynamic authenticators and authorizers, the
/// workers of the gateway) and to have procedures of its own. One per role and thread; belongs to that thread.
class Service final : public realm::Peer {
 public:
  /// What came of a call.
  struct Answer {
    std::string error;        ///< an error URI; empty if there is a result
    std::string message;      ///< of the error: its first argument as text
    nlohmann::json value;     ///< the result's first argument; null if it has none
    nlohmann::json keywords;  ///< of result or error; an object
  };
  /// Called once, at the end of a turn, when nothing is under delivery.
  using Callback = std::function<void(Answer answer)>;

  /// A call of one of our procedures, to be answered with yield() or fail().
  struct Invocation {
    wamp::RequestId id = 0;
    nlohmann::json arguments;  ///< a list
    nlohmann::json keywords;   ///< an object
  };
  /// Called at the end of a turn, in the order of the calls.
  using Procedure = std::function<void(Invocation invocation)>;

  Service(RealmGate& gate, const realm::Role& role);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Calls a procedure; `arguments` is the JSON text of a list. When there is no answer in time, the answer is
  /// `wamp.error.timeout`. The number names the call for cancel().
  wamp::RequestId call(std::string_view procedure, std::string_view arguments, std::chrono::seconds timeout,
                       Callback callback);
  /// The same with arguments in any encoding; their bytes must live until this returns.
  wamp::RequestId call(std::string_view procedure, wamp::Payload arguments, std::chrono::seconds timeout,
                       Callback callback);
  /// The callback will not be called.
  void cancel(wamp::RequestId call);

  /// Registers a procedure. False, and a line in the log, if that is refused.
  bool provide(std::string_view procedure, Procedure handler);
  /// Answers a call of one: a result with one argument, or an error with a text.
  void yield(wamp::RequestId invocation, const nlohmann::json& value);
  void fail(wamp::RequestId invocation, std::string_view error, std::string_view text);

  std::string describe(const realm::Identity&) const override { return "{}"; }

  /// A message for this session.
  void receive(const wamp::Message& message);
  /// Hands over the answers and calls that have come. True if there were any.
  bool run_callbacks();

 private:
  struct Pending {
    Callback callback;
    base::Timers::Handle timer;
  };
  void complete(wamp::RequestId request, Answer answer);
  /// Has the router forget a call that nobody waits for any more, at the end of the turn.
  void abandon(wamp::RequestId request);
  void send(const wamp::Message& message);

  RealmGate& gate_;
  realm::Session& session_;
  wamp::RequestId last_request_ = 0;
  tsl::robin_map<wamp::RequestId, Pending> pending_;
  std::vector<std::pair<wamp::RequestId, Answer>> answers_;
  std::vector<wamp::RequestId> abandoned_;
  wamp::RegistrationId registered_ = 0;  // by the REGISTER being sent
  tsl::robin_map<wamp::RegistrationId, Procedure> procedures_;
  std::vector<std::pair<wamp::RegistrationId, Invocation>> invocations_;
};

}  // namespace crosspoint::connection
