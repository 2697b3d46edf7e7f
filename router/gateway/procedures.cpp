#include "gateway/procedures.hpp"

#include <fmt/core.h>

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

void append(json& list, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) list.push_back(text);
}

}  // namespace

Procedures::Procedures(Hub& hub, connection::RealmGate& gate) : hub_(hub), gate_(gate) {}

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

template <class Task, class Then>
void Procedures::on_thread(unsigned thread, Task task, Then then) {
  hub_.ask(gate_.io(), thread, std::move(task), std::move(then));
}

template <class Task, class Then>
void Procedures::on_all_threads(Task task, Then then) {
  using Result = decltype(task(hub_.part(0)));
  const auto results = std::make_shared<std::vector<Result>>();
  const auto shared_task = std::make_shared<Task>(std::move(task));
  for (unsigned thread = 0; thread < hub_.parts(); ++thread) {
    on_thread(
        thread, [shared_task](HubPart& part) { return (*shared_task)(part); },
        [results, then, count = hub_.parts()](const Result& result) {
          results->push_back(result);
          if (results->size() == count) then(*results);
        });
  }
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
  if (parsed && parsed->node == hub_.node() && parsed->thread < hub_.parts()) return parsed;
  gone(call.id);
  return std::nullopt;
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

void Procedures::send(const Call& call) {
  const auto data = data_argument(call);
  if (!data) return;
  const auto id = connection_argument(call);
  if (!id) return;
  on_thread(
      id->thread,
      [data, number = id->number](HubPart& part) {
        const auto client = part.find(number);
        return client ? client->send(data->kind, base::as_bytes(data->bytes)) : Sent::gone;
      },
      [this, request = call.id](Sent sent) {
        if (sent == Sent::yes) return service_->yield(request, true);
        if (sent == Sent::gone) return gone(request);
        service_->refuse(request, kSlowReceiver, "the connection does not read what is sent to it");
      });
}

void Procedures::send_many(const Call& call) {
  const auto data = data_argument(call);
  if (!data) return;
  const json& ids = call.arguments[0];
  if (!ids.is_array()) return invalid(call, "the first argument is a list of ids");
  const auto wanted = std::make_shared<std::vector<std::vector<std::uint64_t>>>(hub_.parts());
  json missing = json::array();
  for (const json& text : ids) {
    const auto id = text.is_string() ? parse_connection_id(text.get_ref<const std::string&>()) : std::nullopt;
    if (id && id->node == hub_.node() && id->thread < hub_.parts()) {
      (*wanted)[id->thread].push_back(id->number);
    } else {
      missing.push_back(text);
    }
  }
  on_all_threads(
      [data, wanted](HubPart& part) {
        std::vector<std::string> unreached;
        for (const std::uint64_t number : (*wanted)[part.io().index()]) {
          const auto client = part.find(number);
          if (!client || client->send(data->kind, base::as_bytes(data->bytes)) != Sent::yes) {
            unreached.push_back(part.id_of(number));
          }
        }
        return unreached;
      },
      [this, call_id = call.id, missing](const std::vector<std::vector<std::string>>& parts) {
        json all = missing;
        for (const auto& part : parts) append(all, part);
        service_->yield(call_id, all);
      });
}

void Procedures::broadcast(const Call& call) {
  const auto data = data_argument(call);
  if (!data) return;
  const auto route = route_argument(call, true);
  if (!route) return;
  const json exclude = keyword(call.keyword_arguments, "exclude");
  std::set<std::string> except;
  if (!exclude.is_null() && !exclude.is_array()) return invalid(call, "exclude is a list of ids");
  for (const json& id : exclude) {
    if (!id.is_string()) return invalid(call, "exclude is a list of ids");
    except.insert(id.get<std::string>());
  }
  on_all_threads([data, route = *route, except](HubPart& part) { return part.broadcast(route, *data, except); },
                 [this, call_id = call.id](const std::vector<std::size_t>& counts) {
                   std::size_t sum = 0;
                   for (const std::size_t count : counts) sum += count;
                   service_->yield(call_id, sum);
                 });
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
  on_thread(
      id->thread,
      [number = id->number, number_of_code = code.is_null() ? kNormal : code.get<std::uint16_t>(),
       text = reason.is_null() ? std::string() : reason.get<std::string>()](HubPart& part) {
        const auto client = part.find(number);
        return client && client->close(number_of_code, text);
      },
      [this, request = call.id](bool closed) {
        if (!closed) return gone(request);
        service_->yield(request, true);
      });
}

void Procedures::list(const Call& call) {
  const auto route = route_argument(call, false);
  if (!route) return;
  on_all_threads(
      [route = *route](HubPart& part) {
        std::vector<std::string> ids;
        for (const auto& client : part.clients(route)) ids.push_back(client->id());
        return ids;
      },
      [this, call_id = call.id](const std::vector<std::vector<std::string>>& parts) {
        json all = json::array();
        for (const auto& part : parts) append(all, part);
        service_->yield(call_id, all);
      });
}

void Procedures::get(const Call& call) {
  const auto id = connection_argument(call);
  if (!id) return;
  on_thread(
      id->thread,
      [number = id->number](HubPart& part) {
        const auto client = part.find(number);
        return client ? client->describe() : json();
      },
      [this, request = call.id](const json& details) {
        if (details.is_null()) return gone(request);
        service_->yield(request, details);
      });
}

void Procedures::statistics(const Call& call) {
  const auto route = route_argument(call, false);
  if (!route) return;
  using Counts = std::map<std::string, RouteCounters>;
  on_all_threads([route = *route](HubPart& part) { return part.count(route); },
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
