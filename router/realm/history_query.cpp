#include "realm/history_query.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/timestamp.hpp"

namespace crosspoint::realm {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 10> kConditions{
    "reverse", "from_time",        "after_time",        "before_time",        "until_time",
    "topic",   "from_publication", "after_publication", "before_publication", "until_publication"};

std::string_view read_condition(std::string_view name, const json& value, HistoryQuery& query) {
  if (name == "reverse") {
    if (!value.is_boolean()) return "reverse is a boolean";
    query.newest_first = value.get<bool>();
  } else if (name == "topic") {
    if (!value.is_string()) return "topic is a URI";
    query.topic = value.get<std::string>();
  } else if (name.ends_with("_time")) {
    const auto time = read_time(value);
    if (!time) return kTimes;
    if (name == "from_time") query.from = std::max(query.from, *time);
    if (name == "after_time") query.from = std::max(query.from, *time + 1);
    if (name == "before_time") query.until = std::min(query.until, *time - 1);
    if (name == "until_time") query.until = std::min(query.until, *time);
  } else {
    const wamp::PublicationId id = read_publication_id(value);
    if (id == 0) return "publications are ids";
    auto& place = name == "from_publication"     ? query.from_publication
                  : name == "after_publication"  ? query.after_publication
                  : name == "before_publication" ? query.before_publication
                                                 : query.until_publication;
    place = id;
  }
  return {};
}

}  // namespace

std::optional<std::int64_t> read_time(const json& value) {
  if (!value.is_string()) return std::nullopt;
  auto text = value.get<std::string>();
  static constexpr std::size_t kFraction = std::string_view("2013-12-21T13:43:11").size();
  if (text.size() > kFraction && text[kFraction] == ':') text[kFraction] = '.';
  return base::parse_rfc3339(text);
}

wamp::PublicationId read_publication_id(const json& value) {
  if (!value.is_number_unsigned()) return 0;
  const auto id = value.get<std::uint64_t>();
  return wamp::is_id(id) ? id : 0;
}

std::string_view read_query(const json& limit, bool limit_given, const json& keywords, HistoryQuery& query) {
  bool conditions = false;
  for (const std::string_view name : kConditions) {
    const auto at = keywords.find(std::string(name));
    if (at == keywords.end() || at->is_null()) continue;
    if (!std::exchange(conditions, true)) query.newest_first = false;
    if (const auto problem = read_condition(name, *at, query); !problem.empty()) return problem;
  }
  if (conditions || limit_given) query.limit = HistoryQuery::kNoLimit;
  if (limit.is_null()) return {};
  if (!limit.is_number_unsigned() || limit.get<std::uint64_t>() == 0) return "limit is a positive integer";
  query.limit = limit.get<std::size_t>();
  return {};
}

}  // namespace crosspoint::realm
