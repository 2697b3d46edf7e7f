#pragma once

#include <tsl/robin_set.h>

#include <optional>
#include <string>

#include "base/hash.hpp"
#include "realm/session.hpp"
#include "wamp/message.hpp"

namespace crosspoint::realm {

/// PUBLISH's black- and whitelists, ready to be asked about many receivers ("Subscriber Black- and Whitelisting",
/// advanced profile). Owns its strings, so that it may travel to other shards.
class ReceiverFilter {
 public:
  explicit ReceiverFilter(const wamp::ReceiverFilter& lists);

  /// The lists again, in some order; they point into this.
  wamp::ReceiverFilter lists() const;
  bool admits(const Identity& receiver) const;
  /// Bytes it takes, roughly.
  std::size_t size() const;

 private:
  using Ids = std::optional<tsl::robin_set<wamp::SessionId, base::NumberHash>>;
  using Names = std::optional<tsl::robin_set<std::string, base::StringHash, std::equal_to<>>>;

  Ids exclude_;
  Names exclude_authid_;
  Names exclude_authrole_;
  Ids eligible_;
  Names eligible_authid_;
  Names eligible_authrole_;
};

}  // namespace crosspoint::realm
