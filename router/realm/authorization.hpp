#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "realm/action.hpp"
#include "realm/uri_cache.hpp"
#include "wamp/payload.hpp"

/// Authorization of one message. A role's static rules answer at once. A dynamic authorizer is a procedure that has to
/// be called first: the message is put aside (deferred), whoever delivers messages has the Question asked, and brings
/// the Verdict when it hands the same message in again. A message may raise several questions, one after the other.
namespace crosspoint::realm {

/// What a dynamic authorizer is to be asked.
struct Question {
  Action action{};
  std::string uri;
  wamp::Dict options;         ///< of the message, and valid as long as that
  std::uint64_t version = 0;  ///< of the authorizer's registration; goes into the Verdict
};

/// What a dynamic authorizer said of a Question.
struct Verdict {
  Action action{};
  std::string uri;
  Decision decision;
  bool cache = false;         ///< remember it for the session
  std::uint64_t version = 0;  ///< from the Question
  std::string problem;        ///< if not empty: the authorizer could not be asked, or its answer makes no sense
  /// On another question that the same message has raised before.
  std::unique_ptr<Verdict> earlier;
};

/// The Verdict that a dynamic authorizer's result stands for: a boolean, or a dictionary of `allow`, `disclose`,
/// `cache`, `validate` and `trustlevel`. `problem` is set for anything else.
Verdict read_verdict(const nlohmann::json& value);

/// The decisions of a dynamic authorizer that may be remembered, each until the authorizer's registration changes.
class RememberedDecisions {
 public:
  /// At most this many URIs.
  RememberedDecisions() : answers_(512) {}

  std::optional<Decision> find(std::string_view uri, Action action, std::uint64_t version) {
    const auto* known = answers_.find(uri);
    if (known == nullptr) return std::nullopt;
    const auto& answer = (*known)[static_cast<std::size_t>(action)];
    if (!answer || answer->version != version) return std::nullopt;
    return answer->decision;
  }
  void remember(std::string_view uri, Action action, const Verdict& verdict) {
    auto* known = answers_.find(uri);
    if (known == nullptr) known = answers_.insert(uri, {});
    if (known != nullptr) (*known)[static_cast<std::size_t>(action)] = {verdict.decision, verdict.version};
  }

 private:
  struct Answer {
    Decision decision;
    std::uint64_t version = 0;
  };
  UriCache<std::array<std::optional<Answer>, kActions>> answers_;
};

/// What came of asking whether a session may do something.
struct Authorization {
  enum class Outcome : std::uint8_t { allowed, denied, failed, deferred } outcome = Outcome::denied;
  bool disclose = false;
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  std::string_view problem{};  ///< of `failed`; valid until the next message
};

}  // namespace crosspoint::realm
