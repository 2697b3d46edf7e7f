#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "realm/event_log.hpp"
#include "realm/session.hpp"

namespace crosspoint::realm {

/// What a caller wants of an event log ("Event History").
struct HistoryQuery {
  /// How many events an answer has if nothing was said, as in Crossbar.
  static constexpr std::size_t kDefaultLimit = 10;
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  bool newest_first = true;          ///< those count, and come first
  bool answer_oldest_first = false;  ///< they count, and come last
  std::size_t limit = kDefaultLimit;
  std::string topic;                                              ///< empty: any
  std::int64_t from = std::numeric_limits<std::int64_t>::min();   ///< microseconds
  std::int64_t until = std::numeric_limits<std::int64_t>::max();  ///< likewise, and included
  // Publications of the log; 0: none given.
  wamp::PublicationId from_publication = 0, after_publication = 0, before_publication = 0, until_publication = 0;
};

/// What is wrong with a time that is none.
inline constexpr std::string_view kTimes = "times are RFC 3339 texts, such as 2026-01-02T03:04:05.678Z";

/// Reads the arguments of wamp.subscription.get_events; returns what is wrong, or nothing. Whoever uses a condition of
/// the specification gets its order and no limit by default, others get Crossbar's.
std::string_view read_query(const nlohmann::json& limit, bool limit_given, const nlohmann::json& keywords,
                            HistoryQuery& query);

/// A point in time as RFC 3339 has it, or with a colon before the milliseconds as the specification's older texts have
/// it ("2013-12-21T13:43:11:000Z"); microseconds since 1970.
std::optional<std::int64_t> read_time(const nlohmann::json& value);
/// An id of global scope; 0 if it is none.
wamp::PublicationId read_publication_id(const nlohmann::json& value);

}  // namespace crosspoint::realm
