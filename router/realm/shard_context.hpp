#pragma once

#include "base/random.hpp"
#include "realm/decision_cache.hpp"
#include "realm/directory.hpp"
#include "realm/outbox.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// What Broker and Dealer of one shard work with.
struct ShardContext {
  unsigned shard = 0;
  std::string_view realm;  ///< its name
  wamp::UriCheck uri_check = wamp::UriCheck::loose;
  Directory& directory;
  base::Random& random;
  DecisionCache& decisions;
};

/// Refuses a request: an ERROR with one text as argument.
void refuse(Outbox& out, Session& session, wamp::MessageType type, wamp::RequestId request, std::string_view error,
            std::string_view text);

/// "True" or "False", as in Crossbar's texts.
std::string_view strict_text(wamp::UriCheck check);

/// Whether to disclose who calls or publishes: the role's rule, and always for the router's own URIs.
bool discloses(const Session& session, std::string_view uri, const Decision& decision);

}  // namespace crosspoint::realm
