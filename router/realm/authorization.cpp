#include "realm/authorization.hpp"

#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "realm/shard_context.hpp"

namespace crosspoint::realm {
namespace {

using nlohmann::json;

Verdict invalid(const json& value) {
  Verdict verdict;
  verdict.problem = fmt::format(
      "invalid return value of type \"{}\" from the authorizer: a boolean or a dictionary of "
      "allow, disclose, cache, validate and trustlevel is allowed",
      value.type_name());
  return verdict;
}

Verdict from_dictionary(const json& value) {
  Verdict verdict;
  bool allow_given = false;
  for (const auto& [key, item] : value.items()) {
    if (key == "validate") {
      if (!item.is_object() && !item.is_null()) return invalid(value);
      continue;
    }
    if (key == "trustlevel") {
      static constexpr std::int64_t kMost = std::numeric_limits<wamp::TrustLevel>::max();
      if (item.is_null()) continue;
      const std::int64_t level = item.is_number_integer() ? item.get<std::int64_t>() : -1;
      if (level < 0 || level > kMost) return invalid(value);
      verdict.decision.trustlevel = static_cast<wamp::TrustLevel>(level);
      continue;
    }
    if (!item.is_boolean()) return invalid(value);
    if (key == "allow") {
      verdict.decision.allow = item.get<bool>();
      allow_given = true;
    } else if (key == "disclose") {
      verdict.decision.disclose = item.get<bool>();
    } else if (key == "cache") {
      verdict.cache = item.get<bool>();
    } else {
      return invalid(value);
    }
  }
  if (!allow_given) return invalid(value);
  return verdict;
}

Authorization outcome(const Role& role, const Decision& decision) {
  using Outcome = Authorization::Outcome;
  const bool own = decision.trustlevel != wamp::kNoTrustLevel;
  return {decision.allow ? Outcome::allowed : Outcome::denied, decision.disclose,
          own ? decision.trustlevel : role.trustlevel()};
}

/// Where the decisions for a session are remembered: with the session, or for all of its role as Crossbar does.
RememberedDecisions& memory(ShardContext& context, Session& session) {
  if (context.options.cache_by_role) {
    auto& entry = context.role_decisions[session.role];
    if (!entry) entry = std::make_unique<RememberedDecisions>();
    return *entry;
  }
  if (!session.remembered) session.remembered = std::make_unique<RememberedDecisions>();
  return *session.remembered;
}

}  // namespace

Verdict read_verdict(const json& value) {
  if (value.is_object()) return from_dictionary(value);
  if (!value.is_boolean()) return invalid(value);
  Verdict verdict;
  verdict.decision.allow = value.get<bool>();
  return verdict;
}

Authorization authorize_dynamically(ShardContext& context, Session& session, std::string_view uri, Action action,
                                    const wamp::Dict& options) {
  using Outcome = Authorization::Outcome;
  const Verdict* verdict = session.verdict.get();
  while (verdict != nullptr && (verdict->action != action || verdict->uri != uri)) verdict = verdict->earlier.get();
  if (verdict != nullptr) {
    if (!verdict->problem.empty()) {
      context.problem = verdict->problem;
      return {Outcome::failed, false, wamp::kNoTrustLevel, context.problem};
    }
    if (verdict->cache) memory(context, session).remember(uri, action, *verdict);
    return outcome(*session.role, verdict->decision);
  }
  const std::uint64_t version = context.directory.registrations.version(session.role->authorizer());
  if (session.remembered || context.options.cache_by_role) {
    if (const auto known = memory(context, session).find(uri, action, version)) return outcome(*session.role, *known);
  }
  context.question = Question{action, std::string(uri), options, version};
  return {Outcome::deferred};
}

}  // namespace crosspoint::realm
