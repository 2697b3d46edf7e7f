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
#include "serializers/scratch.hpp"
#include "wamp/message.hpp"

namespace crosspoint::connection {

class RealmGate;

/// A session of the router's own in a realm, to call procedures of clients (dynamic authenticators and authorizers, the
/// workers of the gateway), for what HTTP bridges publish and call, and to have procedures of its own. One per role and
/// thread; belongs to that thread.
class Service final : public realm::Peer {
 public:
  /// What came of a call.
  struct Answer {
    std::string error;                                   ///< an error URI; empty if there is a result
    std::string message;                                 ///< of the error: its first argument as text
    nlohmann::json value;                                ///< the result's first argument; null if it has none
    nlohmann::json arguments = nlohmann::json::array();  ///< of the result or error
    nlohmann::json keyword_arguments = nlohmann::json::object();
    wamp::PublicationId publication = 0;
  };
  /// Called once, at the end of a turn, when nothing is under delivery.
  using Callback = std::function<void(Answer answer)>;

  /// A call of one of our procedures, to be answered with yield() or refuse().
  struct Invocation {
    wamp::RequestId id = 0;
    nlohmann::json arguments;          ///< a list
    nlohmann::json keyword_arguments;  ///< an object
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
  /// The same with arguments in any encoding, for roles without a dynamic authorizer. Their bytes must live until this
  /// returns.
  wamp::RequestId call(std::string_view procedure, wamp::Payload arguments, std::chrono::seconds timeout,
                       Callback callback);
  /// A CALL or PUBLISH (acknowledged) as a client would send it in JSON, without the type and the request's id:
  /// `[48,` and the id come before `rest`. Returns what is wrong with it, and nothing was done; or nothing.
  std::string_view request(wamp::MessageType type, std::string_view rest, std::chrono::seconds timeout,
                           Callback callback, wamp::RequestId& id);
  /// Publishes; nobody hears whether that worked. `arguments` is the JSON text of a list.
  void publish(std::string_view topic, std::string_view arguments);
  /// The callback will not be called.
  void cancel(wamp::RequestId call);
  /// The same, and a call is canceled at its callee. Not while anything is under delivery.
  void abandon(wamp::RequestId request);

  /// Registers a procedure. False, and a line in the log, if that is refused.
  bool provide(std::string_view procedure, Procedure handler);
  /// Answers a call of one: a result with one argument, or an error with a text.
  void yield(wamp::RequestId invocation, const nlohmann::json& value);
  void refuse(wamp::RequestId invocation, std::string_view error, std::string_view text);

  std::string describe(const realm::Identity&) const override { return "{}"; }

  /// A request that waits for other nodes (realm::Outbox::resume) has its turn.
  void resume(wamp::RequestId request);
  /// A message for this session.
  void receive(const wamp::Message& message);
  /// Hands over the answers and calls that have come. True if there were any.
  bool run_callbacks();

 private:
  struct Pending {
    Callback callback;
    base::Timers::Handle timer;
    std::string message;             // in JSON, of request()
    std::string procedure;           // of a call that was not made in JSON, and has to wait
    wamp::Payload arguments;         // likewise
    Service* authorizing = nullptr;  // what asks the role's dynamic authorizer about it
    wamp::RequestId authorization = 0;
    std::unique_ptr<realm::Verdict> verdict;  // the answers so far
  };
  wamp::RequestId expect(std::chrono::seconds timeout, Callback callback);
  wamp::RequestId prepare(wamp::MessageType type, std::string_view rest, std::chrono::seconds timeout,
                          Callback callback);
  std::string_view send(wamp::RequestId request);
  void ask_authorizer(wamp::RequestId request);
  void forget(Pending& pending);
  void cancel_at_callee(wamp::RequestId request);
  void complete(wamp::RequestId request, Answer answer);
  void fail(wamp::RequestId request, std::string_view error, std::string_view message);
  void deliver(const wamp::Message& message);

  RealmGate& gate_;
  realm::Session& session_;
  wamp::RequestId last_request_ = 0;
  tsl::robin_map<wamp::RequestId, Pending> pending_;
  std::vector<std::pair<wamp::RequestId, Answer>> answers_;
  serializers::Scratch scratch_;
  wamp::Message message_;                // the one being sent
  wamp::RegistrationId registered_ = 0;  // by the REGISTER being sent
  tsl::robin_map<wamp::RegistrationId, Procedure> procedures_;
  std::vector<std::pair<wamp::RegistrationId, Invocation>> invocations_;
};

}  // namespace crosspoint::connection
