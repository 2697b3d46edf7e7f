#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "base/timestamp.hpp"
#include "realm/event_log.hpp"
#include "realm/meta_request.hpp"
#include "serializers/value.hpp"

/// "Event History": wamp.subscription.get_events.
namespace crosspoint::realm {
namespace {

using nlohmann::json;

constexpr std::string_view kHistoryUnavailable = "wamp.error.history_unavailable";
/// How many events an answer has if nothing was said, as in Crossbar.
constexpr std::size_t kDefaultLimit = 10;
/// An answer that would grow longer ends here, and says so.
constexpr std::size_t kMaxAnswer = 8 * 1024 * 1024;

/// What a caller wants of a log.
struct Query {
  bool newest_first = true;
  std::size_t limit = kDefaultLimit;
  std::string topic;
  std::int64_t from = std::numeric_limits<std::int64_t>::min();   ///< microseconds
  std::int64_t until = std::numeric_limits<std::int64_t>::max();  ///< likewise, and included
  // Places in the log of publications given by their ids; 0: none given.
  wamp::PublicationId from_publication = 0, after_publication = 0, before_publication = 0, until_publication = 0;
};

constexpr std::array<std::string_view, 10> kConditions{
    "reverse", "from_time",        "after_time",        "before_time",        "until_time",
    "topic",   "from_publication", "after_publication", "before_publication", "until_publication"};

std::string_view read_condition(std::string_view name, const json& value, Query& query) {
  if (name == "reverse") {
    if (!value.is_boolean()) return "reverse is a boolean";
    query.newest_first = value.get<bool>();
  } else if (name == "topic") {
    if (!value.is_string()) return "topic is a URI";
    query.topic = value.get<std::string>();
  } else if (name.ends_with("_time")) {
    const auto time = value.is_string() ? base::parse_rfc3339(value.get_ref<const std::string&>()) : std::nullopt;
    if (!time) return "times are RFC 3339 texts, such as 2026-01-02T03:04:05.678Z";
    if (name == "from_time") query.from = std::max(query.from, *time);
    if (name == "after_time") query.from = std::max(query.from, *time + 1);
    if (name == "before_time") query.until = std::min(query.until, *time - 1);
    if (name == "until_time") query.until = std::min(query.until, *time);
  } else {
    if (!value.is_number_unsigned() || !wamp::is_id(value.get<std::uint64_t>())) return "publications are ids";
    auto& place = name == "from_publication"     ? query.from_publication
                  : name == "after_publication"  ? query.after_publication
                  : name == "before_publication" ? query.before_publication
                                                 : query.until_publication;
    place = value.get<std::uint64_t>();
  }
  return {};
}

/// Reads limit and conditions; returns what is wrong, or nothing. Whoever uses a condition of the specification gets
/// its order and no limit by default, others get Crossbar's.
std::string_view read_query(const json& limit, bool limit_given, const json& keywords, Query& query) {
  bool conditions = false;
  for (const std::string_view name : kConditions) {
    const auto at = keywords.find(std::string(name));
    if (at == keywords.end() || at->is_null()) continue;
    if (!std::exchange(conditions, true)) query.newest_first = false;
    if (const auto problem = read_condition(name, *at, query); !problem.empty()) return problem;
  }
  if (conditions || limit_given) query.limit = std::numeric_limits<std::size_t>::max();
  if (limit.is_null()) return {};
  if (!limit.is_number_unsigned() || limit.get<std::uint64_t>() == 0) return "limit is a positive integer";
  query.limit = limit.get<std::size_t>();
  return {};
}

/// The events between the publications that the query names; none if one of them is not in the log.
std::vector<LoggedEvent> between_publications(std::vector<LoggedEvent> events, const Query& query) {
  std::size_t begin = 0;
  std::size_t end = events.size();
  bool found = true;
  const auto place = [&](wamp::PublicationId id) {
    const auto at =
        std::find_if(events.begin(), events.end(), [&](const auto& event) { return event.publication->id == id; });
    found = found && at != events.end();
    return static_cast<std::size_t>(at - events.begin());
  };
  if (query.from_publication != 0) begin = std::max(begin, place(query.from_publication));
  if (query.after_publication != 0) begin = std::max(begin, place(query.after_publication) + 1);
  if (query.before_publication != 0) end = std::min(end, place(query.before_publication));
  if (query.until_publication != 0) end = std::min(end, place(query.until_publication) + 1);
  if (!found || begin >= end) return {};
  return {events.begin() + static_cast<std::ptrdiff_t>(begin), events.begin() + static_cast<std::ptrdiff_t>(end)};
}

bool wanted(const LoggedEvent& event, const Query& query, const Identity& reader) {
  const Publication& publication = *event.publication;
  return event.time >= query.from && event.time <= query.until &&
         (query.topic.empty() || publication.topic == query.topic) &&
         (!publication.filter || publication.filter->admits(reader));
}

json identity_or_null(const Identity* publisher, const std::string Identity::*field) {
  return publisher != nullptr ? json(publisher->*field) : json();
}

/// The members that the specification gives an event, and those that Crossbar gives it.
json describe(const LoggedEvent& event, const Subscription& subscription, std::string_view realm) {
  const Publication& publication = *event.publication;
  const Identity* publisher = publication.publisher.get();
  json details = json::object();
  if (publisher != nullptr) {
    details["publisher"] = publisher->session;
    details["publisher_authid"] = publisher->authid;
    details["publisher_authrole"] = publisher->authrole;
  }
  if (subscription.match != wamp::Match::exact) details["topic"] = publication.topic;
  if (publication.trustlevel != wamp::kNoTrustLevel) details["trustlevel"] = publication.trustlevel;
  if (publication.passthru) {
    for (const auto& [name, value] : publication.passthru->attributes) details[name] = value;
  }
  json arguments;
  json keywords;
  serializers::to_values(publication.payload, arguments, keywords);
  return {{"timestamp", base::to_rfc3339(event.time)},
          {"subscription", subscription.id},
          {"publication", publication.id},
          {"details", std::move(details)},
          {"args", std::move(arguments)},
          {"kwargs", std::move(keywords)},
          {"time_ns", event.time * 1000},
          {"realm", realm},
          {"topic", publication.topic},
          {"session_id", publisher != nullptr ? json(publisher->session) : json()},
          {"authid", identity_or_null(publisher, &Identity::authid)},
          {"authrole", identity_or_null(publisher, &Identity::authrole)}};
}

}  // namespace

void MetaApi::get_events(Request& request, Outbox& out) {
  if (!context_.directory.keeps_history) {
    return request.fail(kHistoryUnavailable, "event history not available or enabled", out);
  }
  const auto subscription = subscription_argument(request, out);
  if (!subscription) return;
  if (subscription->log == nullptr) {
    return request.fail(kHistoryUnavailable, "event history for the given subscription is not available or enabled",
                        out);
  }
  Query query;
  const bool limit_given = request.arguments.size() > 1 || request.keywords.contains("limit");
  const auto problem = read_query(request.argument(1, "limit"), limit_given, request.keywords, query);
  if (!problem.empty()) return request.fail(wamp::kInvalidArgument, problem, out);
  Session& session = request.session;
  const auto permit = authorize(context_, session, subscription->uri, Action::subscribe, request.message.options.raw);
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    return refuse_unauthorized(out, context_, session, wamp::MessageType::call, request.message.request,
                               subscription->uri, Action::subscribe, permit);
  }

  auto events = between_publications(subscription->log->events(), query);
  std::erase_if(events, [&](const LoggedEvent& event) { return !wanted(event, query, *session.identity); });
  if (query.newest_first) std::reverse(events.begin(), events.end());
  if (events.size() > query.limit) events.resize(query.limit);
  std::string list = "[[";
  bool complete = true;
  for (const LoggedEvent& event : events) {
    const std::size_t before = list.size();
    if (before > 2) list += ",";
    serializers::append_value(wamp::Encoding::json, describe(event, *subscription, context_.realm), list);
    if (list.size() <= kMaxAnswer || before == 2) continue;
    list.resize(before);
    complete = false;
    break;
  }
  list += "]]";
  if (!complete) list += R"(,{"truncated":true})";
  out.send(session, wamp::Result{request.message.request, {}, wamp::Payload::from_json(list, complete ? 1 : 2)});
}

}  // namespace crosspoint::realm
