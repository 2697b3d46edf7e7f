#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "realm/meta_api.hpp"
#include "wamp/errors.hpp"
#include "wamp/uri.hpp"

namespace crosspoint::realm {

/// A call of a meta procedure, with what its handlers share.
struct MetaApi::Request {
  MetaApi& api;
  /// The caller and its call; nullptr if another node asks (which only procedures that tell of all nodes have to mind).
  Session* session;
  const wamp::Call* message;
  Caller caller;
  bool trusted = false;
  nlohmann::json arguments;
  nlohmann::json keywords;

  /// The router's own topics and procedures are nobody's business but the router's.
  bool hides(std::string_view uri) const { return wamp::is_reserved(uri) && !trusted; }
  void fail(std::string_view error, std::string_view text, Outbox& out) const { api.fail(caller, error, text, out); }
  /// An argument by place or by name; null if it was not given.
  const nlohmann::json& argument(std::size_t place, const char* name) const {
    static const nlohmann::json kNone;
    if (place < arguments.size()) return arguments[place];
    const auto at = keywords.find(name);
    return at != keywords.end() ? *at : kNone;
  }
};

}  // namespace crosspoint::realm
