#include "realm/meta_cluster.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "realm/cluster_port.hpp"
#include "realm/meta_request.hpp"
#include "serializers/value.hpp"

/// Meta procedures that tell of all nodes.
namespace crosspoint::realm {
namespace {

using nlohmann::json;

bool unknown_here(const NodeAnswer& answer) {
  return answer.error == wamp::kNoSuchSession || answer.error == wamp::kNoSuchSubscription;
}

/// The result in an answer; false if there is none.
bool read(const NodeAnswer& answer, json& out) {
  return answer.error.empty() && serializers::to_value(wamp::Encoding::json, base::as_bytes(answer.text), out);
}

std::string text_of(const json& value) {
  std::string text;
  serializers::append_value(wamp::Encoding::json, value, text);
  return text;
}

/// Adds the ids of a list that are not in `to` yet.
void add_ids(const json& from, json& to, std::set<std::uint64_t>& known) {
  if (!from.is_array()) return;
  for (const json& id : from) {
    if (id.is_number_unsigned() && known.insert(id.get<std::uint64_t>()).second) to.push_back(id);
  }
}

json sum(const std::vector<json>& results) {
  std::uint64_t total = 0;
  for (const json& result : results) {
    if (result.is_number_unsigned()) total += result.get<std::uint64_t>();
  }
  return total;
}

json ids(const std::vector<json>& results) {
  json all = json::array();
  std::set<std::uint64_t> known;
  for (const json& result : results) add_ids(result, all, known);
  return all;
}

json lists(const std::vector<json>& results) {
  json all;
  for (const char* match : {"exact", "prefix", "wildcard"}) {
    std::set<std::uint64_t> known;
    json& list = all[match] = json::array();
    for (const json& result : results) {
      if (result.is_object() && result.contains(match)) add_ids(result[match], list, known);
    }
    std::sort(list.begin(), list.end());
  }
  return all;
}

json value(const std::vector<json>& results) {
  const auto at = std::find_if(results.begin(), results.end(), [](const json& result) { return !result.is_null(); });
  return at != results.end() ? *at : json();
}

json details(const std::vector<json>& results, std::vector<std::string> nodes) {
  json merged = results.front();
  if (!merged.is_object()) return merged;
  for (const json& result : results) {
    const auto created = result.is_object() ? result.find("created") : result.end();
    if (created != result.end() && created->is_string() && *created < merged["created"]) merged["created"] = *created;
  }
  std::sort(nodes.begin(), nodes.end());
  merged["nodes"] = std::move(nodes);
  return merged;
}

json merge_results(Merge merge, const std::vector<json>& results, std::vector<std::string> nodes) {
  switch (merge) {
    case Merge::sum:
      return sum(results);
    case Merge::ids: {
      json all = ids(results);
      std::sort(all.begin(), all.end());
      return all;
    }
    case Merge::matches: {
      json all = ids(results);
      return all.empty() ? json() : all;
    }
    case Merge::lists:
      return lists(results);
    case Merge::value:
      return value(results);
    case Merge::details:
      return details(results, std::move(nodes));
    default:
      return results.front();
  }
}

}  // namespace

bool needs_others(Merge merge, const NodeAnswer& own) {
  switch (merge) {
    case Merge::none:
      return false;
    case Merge::session:
      return own.error == wamp::kNoSuchSession;
    case Merge::value:
      return own.error.empty() && own.text == "null";
    default:
      return own.error.empty() || unknown_here(own);
  }
}

NodeAnswer merge_answers(Merge merge, NodeAnswer own, const std::vector<NodeAnswer>& others) {
  if (!own.error.empty() && !unknown_here(own)) return own;
  std::vector<json> results;
  std::vector<std::string> nodes;
  const auto add = [&](const NodeAnswer& answer) {
    json result;
    if (!read(answer, result)) return;
    results.push_back(std::move(result));
    nodes.push_back(answer.node);
  };
  add(own);
  for (const NodeAnswer& answer : others) add(answer);
  if (!results.empty()) return {own.node, {}, text_of(merge_results(merge, results, std::move(nodes)))};
  // Where the session is, something else may be wrong.
  const auto knows = [](const NodeAnswer& answer) {
    return answer.error == wamp::kNoSuchSubscription || answer.error == wamp::kNoSuchRegistration ||
           answer.error == wamp::kInvalidArgument;
  };
  const auto at = std::find_if(others.begin(), others.end(), knows);
  return own.error == wamp::kNoSuchSession && at != others.end() ? *at : own;
}

void MetaApi::own_answer(const Caller& caller, NodeAnswer own, Outbox& out) {
  ClusterPort& cluster = *context_.directory.cluster;
  own.node = cluster.node();
  if (caller.merge == Merge::none) return cluster.answer(*caller.question, own);
  if (!needs_others(caller.merge, own) || !cluster.has_others()) {
    return conclude({caller.session, caller.request}, merge_answers(caller.merge, std::move(own), {}), out);
  }
  NodeQuestion question = *caller.question;
  question.number = ++last_number_;
  inquiries_.emplace(question.number, Inquiry{caller, std::move(own)});
  cluster.ask(context_.shard, std::move(question));
}

void MetaApi::deliver(const NodeAnswers& others, Outbox& out) {
  const auto at = inquiries_.find(others.number);
  if (at == inquiries_.end()) return;
  const Inquiry inquiry = std::move(at.value());
  inquiries_.erase(at);
  const Caller caller{inquiry.caller.session, inquiry.caller.request};
  if (others.refused) {
    return fail(caller, wamp::kUnavailable, "other nodes cannot be asked: too many questions are under way", out);
  }
  conclude(caller, merge_answers(inquiry.caller.merge, inquiry.own, others.answers), out);
}

void MetaApi::conclude(const Caller& caller, const NodeAnswer& merged, Outbox& out) {
  if (merged.error.empty()) return answer(caller, merged.text, out);
  fail(caller, merged.error, merged.text, out);
}

void MetaApi::deliver(const NodeQuestion& question, Outbox& out) {
  const auto kept = std::make_shared<const NodeQuestion>(question);
  Request request{*this, nullptr, nullptr, {{}, 0, kept}, question.trusted, {}, {}};
  const Procedure* procedure = context_.options.meta_api ? find(question.procedure) : nullptr;
  if (procedure == nullptr || procedure->merge == Merge::none) {
    return request.fail(wamp::kNoSuchProcedure, question.procedure, out);
  }
  const auto read = [](const std::string& text, json& to) {
    return serializers::to_value(wamp::Encoding::json, base::as_bytes(text), to);
  };
  const bool good = read(question.arguments, request.arguments) && request.arguments.is_array() &&
                    read(question.keywords, request.keywords) && request.keywords.is_object();
  if (!good) return request.fail(wamp::kInvalidArgument, "the arguments cannot be read", out);
  (this->*procedure->handler)(request, out);
}

}  // namespace crosspoint::realm
