#include <algorithm>

#include "base/timestamp.hpp"
#include "realm/event_journal.hpp"
#include "realm/history_reading.hpp"
#include "realm/meta_request.hpp"
#include "realm/shared_history.hpp"
#include "serializers/value.hpp"

/// "Event History": wamp.subscription.get_events; wamp.topic.history.last, since and after, which older texts of the
/// specification have instead; and wamp.subscription.flush.
namespace crosspoint::realm {
namespace {

using nlohmann::json;

constexpr std::string_view kHistoryUnavailable = "wamp.error.history_unavailable";
constexpr std::string_view kOutOfReach = "the history that the nodes share cannot be reached";
/// An answer that would grow longer ends here, and says so.
constexpr std::size_t kMaxAnswer = 8 * 1024 * 1024;

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

bool MetaApi::keeps_history(Request& request, Outbox& out) {
  if (context_.directory.keeps_history) return true;
  request.fail(kHistoryUnavailable, "event history not available or enabled", out);
  return false;
}

SubscriptionRef MetaApi::logged_argument(Request& request, Outbox& out) {
  if (!keeps_history(request, out)) return nullptr;
  auto subscription = subscription_argument(request, out);
  if (!subscription || subscription->log != nullptr) return subscription;
  request.fail(kHistoryUnavailable, "event history for the given subscription is not available or enabled", out);
  return nullptr;
}

std::vector<SubscriptionRef> MetaApi::histories_of(std::string_view topic) const {
  std::vector<SubscriptionRef> found;
  context_.directory.subscriptions.match(topic, found);
  std::erase_if(found, [](const SubscriptionRef& subscription) { return subscription->log == nullptr; });
  return found;
}

bool MetaApi::may_subscribe(Request& request, std::string_view uri, Outbox& out) {
  const auto permit = authorize(context_, *request.session, uri, Action::subscribe, request.message->options.raw);
  if (permit.outcome == Authorization::Outcome::allowed) return true;
  if (permit.outcome != Authorization::Outcome::deferred) {
    refuse_unauthorized(out, context_, *request.session, wamp::MessageType::call, request.caller.request, uri,
                        Action::subscribe, permit);
  }
  return false;
}

void MetaApi::read_history(Request& request, std::vector<SubscriptionRef> logs, HistoryQuery query, Outbox& out) {
  HistoryReading reading(std::move(logs), std::move(query), request.session->identity);
  if (SharedHistory* const shared = context_.directory.shared_history) {
    if (shared->read(request.caller.session, request.caller.request, std::move(reading))) return;
    return request.fail(wamp::kUnavailable, kOutOfReach, out);
  }
  while (const Subscription* subscription = reading.log()) {
    std::vector<LoggedEvent> events = subscription->log->events();
    if (reading.newest_first()) std::reverse(events.begin(), events.end());
    for (LoggedEvent& event : events) {
      if (!reading.add(std::move(event))) break;
    }
    reading.end_log();
  }
  answer_events(request.caller, reading, out);
}

void MetaApi::answer_events(const Caller& caller, const HistoryReading& reading, Outbox& out) {
  Session* const session = sessions_.find(caller.session);
  if (session == nullptr) return;
  std::string list = "[[";
  bool complete = !reading.truncated();
  for (const LoggedEvent& event : reading.events()) {
    const std::size_t before = list.size();
    if (before > 2) list += ",";
    serializers::append_value(wamp::Encoding::json, describe(event, reading.subscription(), context_.realm), list);
    if (list.size() <= kMaxAnswer || before == 2) continue;
    list.resize(before);
    complete = false;
    break;
  }
  list += "]]";
  if (!complete) list += R"(,{"truncated":true})";
  out.send(*session, wamp::Result{caller.request, {}, wamp::Payload::from_json(list, complete ? 1 : 2)});
}

void MetaApi::deliver(const HistoryAnswer& history, Outbox& out) {
  const Caller caller{history.caller, history.request};
  if (!history.problem.empty()) return fail(caller, wamp::kUnavailable, history.problem, out);
  if (history.flushed) return answer(caller, std::to_string(*history.flushed), out);
  answer_events(caller, *history.read, out);
}

void MetaApi::get_events(Request& request, Outbox& out) {
  const auto subscription = logged_argument(request, out);
  if (!subscription) return;
  HistoryQuery query;
  const bool limit_given = request.arguments.size() > 1 || request.keywords.contains("limit");
  const auto problem = read_query(request.argument(1, "limit"), limit_given, request.keywords, query);
  if (!problem.empty()) return request.fail(wamp::kInvalidArgument, problem, out);
  if (!may_subscribe(request, subscription->uri, out)) return;
  read_history(request, {subscription}, std::move(query), out);
}

void MetaApi::topic_history_last(Request& request, Outbox& out) {
  HistoryQuery query;
  const json& limit = request.argument(1, "limit");
  if (!limit.is_number_unsigned() || limit.get<std::uint64_t>() == 0) {
    return request.fail(wamp::kInvalidArgument, "limit is a positive integer", out);
  }
  query.limit = limit.get<std::size_t>();
  topic_history(request, std::move(query), out);
}

void MetaApi::topic_history_since(Request& request, Outbox& out) {
  HistoryQuery query;
  const auto time = read_time(request.argument(1, "timestamp"));
  if (!time) return request.fail(wamp::kInvalidArgument, kTimes, out);
  query.from = *time;
  query.limit = HistoryQuery::kNoLimit;
  topic_history(request, std::move(query), out);
}

void MetaApi::topic_history_after(Request& request, Outbox& out) {
  HistoryQuery query;
  query.after_publication = read_publication_id(request.argument(1, "publication"));
  if (query.after_publication == 0) return request.fail(wamp::kInvalidArgument, "publications are ids", out);
  query.limit = HistoryQuery::kNoLimit;
  topic_history(request, std::move(query), out);
}

void MetaApi::topic_history(Request& request, HistoryQuery query, Outbox& out) {
  const json& given = request.argument(0, "topic");
  std::vector<SubscriptionRef> logs;
  if (given.is_string()) {
    query.topic = given.get<std::string>();
    if (!keeps_history(request, out)) return;
    if (!request.hides(query.topic)) logs = histories_of(query.topic);
    if (logs.empty()) {
      return request.fail(kHistoryUnavailable, "event history for the given topic is not available or enabled", out);
    }
  } else {
    logs.push_back(logged_argument(request, out));
    if (!logs.front()) return;
  }
  if (!may_subscribe(request, given.is_string() ? query.topic : logs.front()->uri, out)) return;
  query.newest_first = query.answer_oldest_first = true;  // the limit takes the last ones
  read_history(request, std::move(logs), std::move(query), out);
}

void MetaApi::subscription_flush(Request& request, Outbox& out) {
  const auto subscription = logged_argument(request, out);
  if (!subscription || !may_subscribe(request, subscription->uri, out)) return;
  EventLog* log = subscription->log;
  if (SharedHistory* const shared = context_.directory.shared_history) {
    if (shared->flush(request.caller.session, request.caller.request, *log)) return;
    return request.fail(wamp::kUnavailable, kOutOfReach, out);
  }
  const EventLog::Flushed flushed = log->flush();
  EventJournal* journal = context_.directory.journal;
  if (journal == nullptr) return answer(request, std::to_string(flushed.count), out);
  EventJournal::Entry entry;
  entry.places.push_back({log, {0, flushed.next}});
  entry.flushed = flushed.count;
  entry.publisher = request.session->key;
  entry.request = request.caller.request;
  journal->write(std::move(entry));
}

}  // namespace crosspoint::realm
