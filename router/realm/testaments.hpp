#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wamp/ids.hpp"
#include "wamp/message.hpp"

namespace crosspoint::realm {

/// An event that a session leaves behind ("Session Testament", advanced profile).
struct Testament {
  wamp::PublicationId id = 0;
  bool disclose = false;  ///< its publisher
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  std::string publish;  ///< a PUBLISH message, as CBOR; it has been decoded once without a problem
};

/// When a testament is published. Sessions cannot be resumed, so both are when the session ends: `detached` first.
enum class TestamentScope : std::uint8_t { detached, destroyed };

/// The testaments of one session, in the order in which they were added.
struct Testaments {
  std::vector<Testament> detached;
  std::vector<Testament> destroyed;

  std::vector<Testament>& of(TestamentScope scope) { return scope == TestamentScope::detached ? detached : destroyed; }
  std::size_t count() const { return detached.size() + destroyed.size(); }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto* list : {&detached, &destroyed}) {
      for (const Testament& testament : *list) sum += testament.publish.size();
    }
    return sum;
  }
};

/// What one session may have; more are refused.
struct TestamentLimits {
  std::size_t count = 100;
  std::size_t bytes = 1024 * 1024;
};

}  // namespace crosspoint::realm
