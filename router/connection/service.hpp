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

/// A session of the router's own in a realm, to call procedures of clients (dynamic authenticators and authorizers),
/// and for what HTTP bridges publish and call. One per role and thread; belongs to that thread.
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

  Service(RealmGate& gate, const realm::Role& role);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Calls a procedure; `arguments` is the JSON text of a list. When there is no answer in time, the answer is
  /// `wamp.error.timeout`. The number names the call for cancel().
  wamp::RequestId call(std::string_view procedure, std::string_view arguments, std::chrono::seconds timeout,
                       Callback callback);
  /// A CALL or PUBLISH (acknowledged) as a client would send it in JSON, without the type and the request's id:
  /// `[48,` and the id come before `rest`. Returns what is wrong with it, and nothing was done; or nothing.
  std::string_view request(wamp::MessageType type, std::string_view rest, std::chrono::seconds timeout,
                           Callback callback, wamp::RequestId& id);
  /// The callback will not be called.
  void cancel(wamp::RequestId call);
  /// The same, and a call is canceled at its callee. Not while anything is under delivery.
  void abandon(wamp::RequestId request);

  std::string describe(const realm::Identity&) const override { return "{}"; }

  /// RESULT or ERROR for this session.
  void receive(const wamp::Message& message);
  /// Hands over the answers that have come. True if there were any.
  bool run_callbacks();

 private:
  struct Pending {
    Callback callback;
    base::Timers::Handle timer;
    std::string message;             // in JSON, of request()
    Service* authorizing = nullptr;  // what asks the role's dynamic authorizer about it
    wamp::RequestId authorization = 0;
    std::unique_ptr<realm::Verdict> verdict;  // the answers so far
  };
  wamp::RequestId prepare(wamp::MessageType type, std::string_view rest, std::chrono::seconds timeout,
                          Callback callback);
  std::string_view send(wamp::RequestId request);
  void ask_authorizer(wamp::RequestId request);
  void forget(Pending& pending);
  void cancel_at_callee(wamp::RequestId request);
  void complete(wamp::RequestId request, Answer answer);
  void fail(wamp::RequestId request, std::string_view error, std::string_view message);

  RealmGate& gate_;
  realm::Session& session_;
  wamp::RequestId last_request_ = 0;
  tsl::robin_map<wamp::RequestId, Pending> pending_;
  std::vector<std::pair<wamp::RequestId, Answer>> answers_;
  serializers::Scratch scratch_;
  wamp::Message message_;  // the one being sent
};

}  // namespace crosspoint::connection
