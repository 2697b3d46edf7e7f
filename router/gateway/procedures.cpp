#include "gateway/procedures.hpp"

#include <fmt/core.h>

#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "gateway/call_arguments.hpp"
#include "gateway/message_call.hpp"
#include "realm/role.hpp"
#include "transports/websocket_frame.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;

constexpr std::uint16_t kNormal = 1000;

/// What a message was made of, for another node to make it of again.
json to_value(const Data& data) {
  if (data.kind == transports::DataKind::text) return data.bytes;
  return json::binary({data.bytes.begin(), data.bytes.end()});
}

/// Two functions that wait for each other: when both have been called, so is `then`, with what they were given.
template <class First, class Second, class Then>
std::pair<std::function<void(const First&)>, std::function<void(const Second&)>> gather(Then then) {
  struct Gathered {
    std::optional<First> first;
    std::optional<Second> second;
  };
  const auto gathered = std::make_shared<Gathered>();
  const auto look = [gathered, then] {
    if (gathered->first && gathered->second) then(*gathered->first, *gathered->second);
  };
  return {[gathered, look](const First& first) { gathered->first = first, look(); },
          [gathered, look](const Second& second) { gathered->second = second, look(); }};
}

/// Appends a list of texts that another node has sent.
void append(json& all, const json& texts) {
  if (texts.is_array()) all.insert(all.end(), texts.begin(), texts.end());
}

}  // namespace

Procedures::Procedures(Hub& hub, connection::RealmGate& gate) : hub_(hub), gate_(gate), own_(hub, gate.io()) {
  if (hub.others() != nullptr) for_others_.emplace(own_, *hub.others());
}

bool Procedures::start() {
  service_ = &gate_.service(*gate_.shard().realm().find_role(realm::kTrustedRole));
  const auto provide = [this](const char* name, void (Procedures::*handler)(const Call&)) {
    return service_->provide(std::string("crosspoint.gateway.") + name,
                             [this, handler](const Call& call) { (this->*handler)(call); });
  };
  return provide("send", &Procedures::send) && provide("send_many", &Procedures::send_many) &&
         provide("broadcast", &Procedures::broadcast) && provide("close", &Procedures::close) &&
         provide("list", &Procedures::list) && provide("get", &Procedures::get) &&
         provide("statistics", &Procedures::statistics);
}

void Procedures::gone(wamp::RequestId call) {
  service_->refuse(call, kNoSuchConnection, "there is no such connection");
}

void Procedures::invalid(const Call& call, std::string_view text) {
  service_->refuse(call.id, wamp::kInvalidArgument, text);
}

std::optional<ConnectionId> Procedures::connection_argument(const Call& call) {
  const json id = argument(call.arguments, 0);
  if (!id.is_string()) {
    invalid(call, "the first argument is the id of a connection");
    return std::nullopt;
  }
  const auto parsed = parse_connection_id(id.get_ref<const std::string&>());
  if (parsed && (own_.is_own(*parsed) || is_of_another_node(*parsed))) return parsed;
  gone(call.id);
  return std::nullopt;
}

bool Procedures::is_of_another_node(const ConnectionId& id) const {
  return hub_.others() != nullptr && id.node != hub_.node();
}

template <class Then>
void Procedures::ask(const Call& call, const ConnectionId& id, const char* name, json arguments, Then then) {
  using Outcome = NodeCalls::Outcome;
  hub_.others()->ask(id.node, name, std::move(arguments),
                     [this, request = call.id, then](Outcome outcome, const json& value) {
                       if (outcome == Outcome::answered) return then(value);
                       if (outcome == Outcome::no_such_node) return gone(request);
                       service_->refuse(request, wamp::kUnavailable, "the node of this connection does not answer");
                     });
}

std::shared_ptr<const Data> Procedures::data_argument(const Call& call) {
  auto data = call.arguments.size() == 2 ? to_data(call.arguments[1]) : std::nullopt;
  if (data) return std::make_shared<const Data>(std::move(*data));
  invalid(call, "the second argument is the message: UTF-8 text, bytes, or any value that can be JSON");
  return nullptr;
}

std::optional<std::string> Procedures::route_argument(const Call& call, bool needed) {
  const json route = argument(call.arguments, 0);
  if (route.is_string()) return route.get<std::string>();
  if (route.is_null() && !needed) return std::string();
  invalid(call, "the first argument is the name of a route");
  return std::nullopt;
}

void Procedures::answer_send(wamp::RequestId call, Sent sent) {
  if (sent == Sent::yes) return service_->yield(call, true);
  if (sent == Sent::gone) return gone(call);
  service_->refuse(call, kSlowReceiver, "the connection does not read what is sent to it");
}

void Procedures::send(const Call& call) {
  const auto data = data_argument(call);
  if (!data) return;
  const auto id = connection_argument(call);
  if (!id) return;
  if (own_.is_own(*id)) {
    return own_.send(*id, data, [this, request = call.id](Sent sent) { answer_send(request, sent); });
  }
  ask(call, *id, "send", {to_string(*id), to_value(*data)}, [this, request = call.id](const json& value) {
    answer_send(request, value == static_cast<int>(Sent::yes)    ? Sent::yes
                         : value == static_cast<int>(Sent::full) ? Sent::full
                                                                 : Sent::gone);
  });
}

void Procedures::send_many(const Call& call) {
  const auto data = data_argument(call);
  if (!data) return;
  const json& texts = call.arguments[0];
  if (!texts.is_array()) return invalid(call, "the first argument is a list of ids");
  struct Gathered {
    json unreached = json::array();
    std::size_t missing = 1;  // answers
  };
  const auto gathered = std::make_shared<Gathered>();
  std::vector<ConnectionId> own;
  std::map<std::uint64_t, json> elsewhere;  // by node
  for (const json& text : texts) {
    const auto id = text.is_string() ? parse_connection_id(text.get_ref<const std::string&>()) : std::nullopt;
    if (id && own_.is_own(*id)) {
      own.push_back(*id);
    } else if (id && is_of_another_node(*id)) {
      elsewhere[id->node].push_back(to_string(*id));
    } else {
      gathered->unreached.push_back(text);
    }
  }
  gathered->missing += elsewhere.size();
  const auto done = [this, gathered, request = call.id](const json& unreached) {
    append(gathered->unreached, unreached);
    if (--gathered->missing == 0) service_->yield(request, gathered->unreached);
  };
  for (const auto& [node, ids] : elsewhere) {
    hub_.others()->ask(node, "send_many", {ids, to_value(*data)},
                       [done, ids = ids](NodeCalls::Outcome outcome, const json& value) {
                         done(outcome == NodeCalls::Outcome::answered ? value : ids);
                       });
  }
  own_.send_many(own, data, done);
}

void Procedures::broadcast(const Call& call) {
  const auto data = data_argument(call);
  if (!data) return;
  const auto route = route_argument(call, true);
  if (!route) return;
  json exclude = keyword(call.keyword_arguments, "exclude");
  if (exclude.is_null()) exclude = json::array();
  std::set<std::string> except;
  if (!exclude.is_array()) return invalid(call, "exclude is a list of ids");
  for (const json& id : exclude) {
    if (!id.is_string()) return invalid(call, "exclude is a list of ids");
    except.insert(id.get<std::string>());
  }
  NodeCalls* others = hub_.others();
  if (others == nullptr) {
    return own_.broadcast(*route, data, std::move(except),
                          [this, request = call.id](std::size_t count) { service_->yield(request, count); });
  }
  if (others->is_full())
    return service_->refuse(call.id, wamp::kUnavailable, "too much waits to be sent to other nodes");
  const auto finish = [this, request = call.id](std::size_t count, const std::vector<json>& answers) {
    for (const json& answer : answers) count += answer.is_number_unsigned() ? answer.get<std::size_t>() : 0;
    service_->yield(request, count);
  };
  const auto both = gather<std::size_t, std::vector<json>>(finish);
  others->ask_all("broadcast", {*route, to_value(*data), exclude}, both.second);
  own_.broadcast(*route, data, std::move(except), both.first);
}

void Procedures::answer_close(wamp::RequestId call, bool closed) {
  if (!closed) return gone(call);
  service_->yield(call, true);
}

void Procedures::close(const Call& call) {
  const json code = keyword(call.keyword_arguments, "code");
  const json reason = keyword(call.keyword_arguments, "reason");
  const bool good_code = code.is_null() || (code.is_number_unsigned() && code <= 4999 &&
                                            transports::is_valid_close_code(code.get<std::uint16_t>()));
  if (!good_code) return invalid(call, "code is a close code of WebSocket");
  if (!reason.is_null() && (!reason.is_string() || !to_data(reason))) return invalid(call, "reason is UTF-8 text");
  const auto id = connection_argument(call);
  if (!id) return;
  const std::uint16_t number = code.is_null() ? kNormal : code.get<std::uint16_t>();
  const std::string text = reason.is_null() ? std::string() : reason.get<std::string>();
  if (own_.is_own(*id)) {
    return own_.close(*id, number, text, [this, request = call.id](bool closed) { answer_close(request, closed); });
  }
  ask(call, *id, "close", {to_string(*id), number, text},
      [this, request = call.id](const json& closed) { answer_close(request, closed == true); });
}

void Procedures::list(const Call& call) {
  const auto route = route_argument(call, false);
  if (!route) return;
  using Texts = std::vector<std::string>;
  const auto finish = [this, request = call.id](const Texts& own, const std::vector<json>& answers) {
    json all = own;
    for (const json& answer : answers) append(all, answer);
    service_->yield(request, all);
  };
  if (hub_.others() == nullptr) return own_.list(*route, [finish](const Texts& own) { finish(own, {}); });
  const auto both = gather<Texts, std::vector<json>>(finish);
  hub_.others()->ask_all("list", {*route}, both.second);
  own_.list(*route, both.first);
}

void Procedures::answer_get(wamp::RequestId call, const json& details) {
  if (details.is_null()) return gone(call);
  service_->yield(call, details);
}

void Procedures::get(const Call& call) {
  const auto id = connection_argument(call);
  if (!id) return;
  const auto answer = [this, request = call.id](const json& details) { answer_get(request, details); };
  if (own_.is_own(*id)) return own_.get(*id, answer);
  ask(call, *id, "get", {to_string(*id)}, answer);
}

void Procedures::statistics(const Call& call) {
  const auto route = route_argument(call, false);
  if (!route) return;
  using Counts = std::map<std::string, RouteCounters>;
  own_.on_all_threads([route = *route](HubPart& part) { return part.count(route); },
                      [this, call_id = call.id](const std::vector<Counts>& parts) {
                        Counts sums;
                        for (const Counts& part : parts) {
                          for (const auto& [name, counters] : part) sums[name] += counters;
                        }
                        json all = json::object();
                        for (const auto& [name, sum] : sums) {
                          all[name] = {{"connections", sum.connections},
                                       {"queued_bytes", sum.queued_bytes},
                                       {"opened", sum.opened},
                                       {"received", sum.received},
                                       {"sent", sum.sent},
                                       {"dropped", sum.dropped},
                                       {"failed", sum.failed},
                                       {"refused", sum.refused}};
                        }
                        service_->yield(call_id, all);
                      });
}

}  // namespace crosspoint::gateway
