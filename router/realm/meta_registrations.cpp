#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "realm/cluster_port.hpp"
#include "realm/meta_events.hpp"
#include "realm/meta_request.hpp"

/// "Registration Meta Procedures"
namespace crosspoint::realm {

using nlohmann::json;

void MetaApi::registration_list(Request& request, Outbox& out) {
  json lists{{"exact", json::array()}, {"prefix", json::array()}, {"wildcard", json::array()}};
  const json& session = request.argument(0, "session_id");  // only what this one has registered, as in Crossbar
  const bool known = !session.is_null();
  if (known && !session_argument(request, session, out).identity) return;
  const auto is_callee = [&](const Callee& callee) { return callee.session == session; };
  for (const RegistrationView& view : context_.directory.registrations.list()) {
    if (known ? std::none_of(view.callees->begin(), view.callees->end(), is_callee)
              : request.hides(view.registration->uri)) {
      continue;
    }
    lists[std::string(to_string(view.registration->match))].push_back(view.registration->id);
  }
  answer(request, lists.dump(), out);
}

void MetaApi::registration_lookup(Request& request, Outbox& out) {
  std::string uri;
  wamp::Match match{};
  if (!read_lookup(request, uri, match, out)) return;
  const auto found = context_.directory.registrations.find(uri, match);
  answer(request, found.registration && !request.hides(uri) ? std::to_string(found.registration->id) : "null", out);
}

void MetaApi::registration_match(Request& request, Outbox& out) {
  const json& procedure = request.argument(0, "procedure");
  if (!procedure.is_string()) return request.fail(wamp::kInvalidArgument, "the argument is a procedure", out);
  const auto& uri = procedure.get_ref<const std::string&>();
  const auto found = context_.directory.registrations.best_match(uri);
  const bool known = found.registration && !request.hides(found.registration->uri);
  answer(request, known ? std::to_string(found.registration->id) : "null", out);
}

RegistrationView MetaApi::registration_argument(Request& request, Outbox& out) {
  const json& id = request.argument(0, "registration_id");
  if (!id.is_number_integer()) {
    request.fail(wamp::kInvalidArgument, "the argument is the id of a registration", out);
    return {};
  }
  RegistrationView found;
  if (id.is_number_unsigned()) found = context_.directory.registrations.get(id.get<std::uint64_t>());
  if (found.registration && !request.hides(found.registration->uri)) return found;
  request.fail(wamp::kNoSuchRegistration, fmt::format("no registration with ID {} exists on this dealer", id.dump()),
               out);
  return {};
}

void MetaApi::registration_get(Request& request, Outbox& out) {
  const auto found = registration_argument(request, out);
  if (!found.registration) return;
  std::string details = details_json(*found.registration);
  if (const ClusterPort* cluster = context_.directory.cluster) {
    std::set<std::string_view> nodes;
    for (const Callee& callee : *found.callees) {
      nodes.insert(callee.node ? std::string_view(*callee.node) : std::string_view(cluster->node()));
    }
    details.back() = ',';
    details += "\"nodes\":" + json(nodes).dump() + "}";
  }
  answer(request, details, out);
}

void MetaApi::list_callees(Request& request, Outbox& out) {
  const auto found = registration_argument(request, out);
  if (!found.registration) return;
  json ids = json::array();
  for (const Callee& callee : *found.callees) ids.push_back(callee.session);
  answer(request, ids.dump(), out);
}

void MetaApi::count_callees(Request& request, Outbox& out) {
  const auto found = registration_argument(request, out);
  if (found.registration) answer(request, std::to_string(found.callees->size()), out);
}

bool MetaApi::serves_from_elsewhere(const json& registration, wamp::SessionId session) const {
  if (context_.directory.cluster == nullptr || !registration.is_number_unsigned()) return false;
  const RegistrationView view = context_.directory.registrations.get(registration.get<std::uint64_t>());
  return view.registration && std::any_of(view.callees->begin(), view.callees->end(), [&](const Callee& callee) {
           return callee.session == session && callee.key.shard == kOtherNode;
         });
}

void MetaApi::remove_callee(Request& request, Outbox& out) {
  const json& id = request.argument(1, "callee_id");
  const json& reason = request.argument(2, "reason");
  if (!id.is_number_unsigned() || (!reason.is_null() && !reason.is_string())) {
    return request.fail(wamp::kInvalidArgument,
                        "the arguments are the ids of a registration and a session, and a reason", out);
  }
  const auto session = id.get<std::uint64_t>();
  if (!serves_from_elsewhere(request.argument(0, "registration_id"), session) &&
      !session_argument(request, id, out).identity) {
    return;
  }
  const auto found = registration_argument(request, out);
  if (!found.registration) return;
  const auto& callees = *found.callees;
  const auto at =
      std::find_if(callees.begin(), callees.end(), [&](const Callee& callee) { return callee.session == session; });
  const std::string text = reason.is_string() ? reason.get<std::string>() : std::string();
  if (at == callees.end() || !remove_callee_(found.registration, at->key, session, text, out)) {
    return request.fail(
        wamp::kNoSuchRegistration,
        fmt::format("session {} is not registered on registration {} on this dealer", session, found.registration->id),
        out);
  }
  answer(request, "null", out);
}

}  // namespace crosspoint::realm
