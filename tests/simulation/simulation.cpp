#include "simulation/simulation.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include "base/hash.hpp"

namespace crosspoint::simulation {
namespace {

using nlohmann::json;

constexpr int kSteps = 900;
constexpr std::size_t kLogged = 20;
constexpr std::size_t kMostClients = 10;

bool applies(const Pattern& pattern, const std::string& topic) {
  if (pattern.match == wamp::Match::exact) return pattern.uri == topic;
  if (pattern.match == wamp::Match::prefix) return topic.starts_with(pattern.uri);
  return wamp::matches_wildcard(pattern.uri, topic);
}

/// Calls of p.limited wait when its callees are busy.
realm::RealmOptions options() {
  realm::RealmOptions options;
  options.call_queues.push_back({"p.limited", wamp::Match::exact, 4});
  return options;
}

std::string key_of(const json& payload) { return payload.dump(); }

bool is_meta(const std::string& topic) { return topic.starts_with("wamp."); }

}  // namespace

Simulation::Simulation(std::uint64_t seed, bool trace)
    : random_(seed),
      seed_(seed),
      trace_(trace),
      realm_(kShards, options(), seed),
      log_(*realm_.realm().add_history("a", wamp::Match::prefix, {kLogged})) {}

void Simulation::check(bool good, const std::string& what) const {
  if (!good)
    throw std::runtime_error("seed " + std::to_string(seed_) + ", step " + std::to_string(step_) + ": " + what);
}

void Simulation::trace(const std::string& what) const {
  if (trace_) std::cerr << step_ << ": " << what << "\n";
}

std::string Simulation::topic() {
  constexpr const char* kTopics[] = {"a.b", "a.c", "a.b.c", "b"};
  return kTopics[pick(4)];
}

void Simulation::run() {
  for (int i = 0; i < 3; ++i) join();
  for (step_ = 1; step_ <= kSteps; ++step_) step();
  drain();
  check_the_end();
}

void Simulation::step() {
  // Every kind of step that is possible now is as likely as any other; which one of its kind, too.
  const auto any = [&](auto&& good) -> Client* {
    std::vector<Client*> candidates;
    for (auto& client : clients_) {
      if (good(*client)) candidates.push_back(client.get());
    }
    return candidates.empty() ? nullptr : candidates[pick(candidates.size())];
  };
  switch (pick(17)) {
    case 16:
      return time_out();
    case 0:
      if (pick(4) == 0) return join();
      break;
    case 1:
      if (pick(6) == 0) {
        if (Client* client = any([](const Client& c) { return c.peer->joined(); })) return leave(*client);
      }
      break;
    case 2:
    case 3:
    case 4:
      if (Client* client = any([](const Client& c) { return c.peer->joined() && !c.leaving; })) return act(*client);
      break;
    case 5:
    case 6:
    case 7:
    case 8:
      if (Client* client = any([](const Client& c) { return c.peer->joined() && !c.outgoing.empty(); })) {
        return handle_outgoing(*client);
      }
      break;
    case 9:
    case 10:
    case 11:
      if (realm_.carry(static_cast<unsigned>(pick(kShards)), static_cast<unsigned>(pick(kShards)))) {
        return note_revocations();
      }
      break;
    default:
      if (Client* client = any([](const Client& c) { return c.peer->joined() && c.peer->waiting() > 0; })) {
        return read(*client);
      }
  }
}

void Simulation::join() {
  const auto joined = std::count_if(clients_.begin(), clients_.end(), [](const auto& c) { return c->peer->joined(); });
  if (static_cast<std::size_t>(joined) >= kMostClients) return;
  auto client = std::make_unique<Client>();
  client->serial = static_cast<int>(clients_.size());
  client->peer = &realm_.join(static_cast<unsigned>(pick(kShards)), "id" + std::to_string(clients_.size()), "user",
                              {pick(3) != 0, false, true, pick(2) == 0, pick(2) == 0});
  client->session = client->peer->id();
  client->listener.may_miss();  // it is not subscribed to all topics
  trace("client " + std::to_string(client->serial) + " joins on shard " + std::to_string(client->peer->shard()));
  clients_.push_back(std::move(client));
}

void Simulation::send(Client& client, const json& message) { client.outgoing.push_back(message.dump()); }

void Simulation::act(Client& client) {
  switch (pick(10)) {
    case 8:
      return cancel(client);
    case 9:
      return remove(client);
    case 0:
    case 1:
      return subscribe(client);
    case 2:
    case 3:
      return publish(client);
    case 4:
      return register_procedure(client);
    case 5:
    case 6:
      return call(client);
    default:
      return answer(client);
  }
}

void Simulation::subscribe(Client& client) {
  if (!client.subscriptions.empty() && pick(2) == 0) {
    auto at = client.subscriptions.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(pick(client.subscriptions.size())));
    for (const auto& [request, id] : client.unsubscribing) {
      if (id == at->first) return;
    }
    client.unsubscribing[++client.next_request] = at->first;
    return send(client, {34, client.next_request, at->first});
  }
  constexpr const char* kPrefixes[] = {"a", "", "wamp."};
  constexpr const char* kMeta[] = {"wamp.session.on_join",
                                   "wamp.session.on_leave",
                                   "wamp.subscription.on_create",
                                   "wamp.subscription.on_subscribe",
                                   "wamp.subscription.on_unsubscribe",
                                   "wamp.subscription.on_delete",
                                   "wamp.registration.on_create",
                                   "wamp.registration.on_register",
                                   "wamp.registration.on_unregister",
                                   "wamp.registration.on_delete"};
  Pattern pattern{pick(3) == 0 ? kMeta[pick(10)] : topic(), wamp::Match::exact};
  json options = json::object();
  if (pick(3) == 0) {
    pattern = {kPrefixes[pick(3)], wamp::Match::prefix};
    options["match"] = "prefix";
  } else if (pick(3) == 0) {
    pattern = {pick(2) == 0 ? "a." : ".b", wamp::Match::wildcard};
    options["match"] = "wildcard";
  }
  // Only at the first time: later ones may bring an event that an earlier membership has brought already.
  if (client.asked_patterns.insert(pattern).second && pick(2) == 0) {
    pattern.get_retained = true;
    options["get_retained"] = true;
  }
  client.subscribing[++client.next_request] = pattern;
  send(client, {32, client.next_request, options, pattern.uri});
}

void Simulation::publish(Client& client) {
  json options = json::object();
  const std::uint64_t request = ++client.next_request;
  if (pick(2) == 0) {
    options["acknowledge"] = true;
    client.acknowledgements.insert(request);
  }
  if (pick(3) == 0) options["exclude_me"] = false;
  std::string excluded;
  if (pick(4) == 0) {
    excluded = "id" + std::to_string(pick(clients_.size()));
    options["exclude_authid"] = {excluded};
  }
  if (pick(4) == 0) options["retain"] = true;
  const std::string uri = topic();
  const bool to_me = !options.value("exclude_me", true);
  send(client, {16, request, options, uri, {client.serial, ++publication_sequence_, uri, to_me, excluded}});
}

void Simulation::register_procedure(Client& client) {
  if (!client.registrations.empty() && pick(2) == 0) {
    const std::uint64_t id = *client.registrations.begin();
    for (const auto& [request, other] : client.unregistering) {
      if (id == other) return;
    }
    client.unregistering[++client.next_request] = id;
    return send(client, {66, client.next_request, id});
  }
  constexpr const char* kPolicies[] = {"single", "first", "last", "roundrobin", "random"};
  if (client.concurrency == 0 && pick(3) == 0) {
    client.concurrency = 1 + static_cast<unsigned>(pick(2));
    client.registering[++client.next_request] = "p.limited";
    return send(
        client,
        {64, client.next_request, {{"invoke", "roundrobin"}, {"concurrency", client.concurrency}}, "p.limited"});
  }
  const std::uint64_t policy = pick(5);
  // Those of r. may say that they are not available.
  const std::string uri = (pick(3) == 0 ? "r." : "p.") + std::string(kPolicies[policy]);
  client.registering[++client.next_request] = uri;
  send(client, {64, client.next_request, {{"invoke", kPolicies[policy]}}, uri});
}

void Simulation::call(Client& client) {
  constexpr const char* kProcedures[] = {"p.single", "p.first",   "p.last",    "p.roundrobin", "p.random",
                                         "p.none",   "r.single",  "r.first",   "r.last",       "r.roundrobin",
                                         "r.random", "p.limited", "p.limited", "p.limited",    "p.limited"};
  const std::uint64_t request = ++client.next_request;
  const std::string procedure = kProcedures[pick(15)];
  client.calls[request] = {++client.call_sequence, 0};
  json options = json::object();
  if (pick(3) == 0) options["receive_progress"] = true;
  if (pick(4) == 0) options["timeout"] = 1000;
  send(client, {48, request, options, procedure, {client.serial, client.call_sequence, procedure}});
}

void Simulation::remove(Client& client) {
  const Client& other = *clients_[pick(clients_.size())];
  if (!other.peer->joined()) return;
  const realm::Session& session = other.peer->session();
  const bool registration = pick(2) == 0;
  std::vector<std::uint64_t> ids;
  for (const auto& entry : session.registrations) {
    if (registration) ids.push_back(entry.first);
  }
  for (const auto& entry : session.subscriptions) {
    if (!registration) ids.push_back(entry.first);
  }
  if (ids.empty()) return;
  std::sort(ids.begin(), ids.end());
  const std::uint64_t request = ++client.next_request;
  client.calls[request] = {0, 0, true};
  const char* procedure = registration ? "wamp.registration.remove_callee" : "wamp.subscription.remove_subscriber";
  send(client, {48, request, json::object(), procedure, {ids[pick(ids.size())], session.id}});
}

void Simulation::cancel(Client& client) {
  if (client.calls.empty()) return;
  constexpr const char* kModes[] = {"skip", "kill", "killnowait"};
  auto at = client.calls.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(pick(client.calls.size())));
  send(client, {49, at->first, {{"mode", kModes[pick(3)]}}});
}

void Simulation::time_out() {
  if (realm_.timers.empty()) return;
  auto at = realm_.timers.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(pick(realm_.timers.size())));
  const auto number = at->first;
  trace("timer " + std::to_string(number) + " is due");
  realm_.fire(at->second.caller.shard, number);
}

void Simulation::answer(Client& client) {
  if (client.to_answer.empty()) return;
  const auto index = pick(client.to_answer.size());
  OpenInvocation& open = client.to_answer[index];
  if (open.receive_progress && !client.leaving && pick(2) == 0) {
    json arguments = open.arguments;
    arguments.push_back(++open.progress);
    return send(client, {70, open.id, {{"progress", true}}, arguments});
  }
  const OpenInvocation closed = open;
  client.to_answer.erase(client.to_answer.begin() + static_cast<std::ptrdiff_t>(index));
  if (pick(4) != 0) return send(client, {70, closed.id, json::object(), closed.arguments});
  const bool busy = closed.arguments[2].get<std::string>().starts_with("r.") && pick(2) == 0;
  send(client, {8, 68, closed.id, json::object(), busy ? "wamp.error.unavailable" : "com.error", closed.arguments});
}

void Simulation::expect_event(const Client& publisher, const json& publication) {
  const json& options = publication[2];
  const std::string topic = publication[3];
  for (auto& receiver : clients_) {
    if (!receiver->peer->joined()) continue;
    if (receiver.get() == &publisher && options.value("exclude_me", true)) continue;
    if (options.contains("exclude_authid") &&
        options["exclude_authid"][0] == receiver->peer->session().identity->authid) {
      continue;
    }
    for (const auto& [id, pattern] : receiver->member_of) {
      if (applies(pattern, topic)) receiver->expected[{id, key_of(publication[4])}];
    }
  }
}

void Simulation::expect_retained(Client& client, std::uint64_t subscription, const Pattern& pattern) {
  const std::string& authid = client.peer->session().identity->authid;
  for (const auto& [topic, events] : retained_) {
    if (!applies(pattern, topic)) continue;
    const auto newest =
        std::find_if(events.rbegin(), events.rend(), [&](const Retained& e) { return e.excluded != authid; });
    if (newest != events.rend()) client.expected[{subscription, key_of(newest->payload)}];
  }
}

void Simulation::handle_outgoing(Client& client) {
  const std::string text = std::move(client.outgoing.front());
  client.outgoing.pop_front();
  trace("shard handles of client " + std::to_string(client.serial) + ": " + text);
  const json message = json::parse(text);
  if (message[0] == 34) {
    client.member_of.erase(message[2].get<std::uint64_t>());
    for (auto& [key, expectation] : client.expected) {
      if (key.first == message[2]) expectation.mandatory = false;
    }
  }
  if (message[0] == 16) {
    expect_event(client, message);
    if (message[3].get<std::string>().starts_with("a")) logged_.push_back(key_of(message[4]));
    if (message[2].contains("retain")) retained_[message[3]].push_back({message[4], message[4][4]});
  }
  const std::size_t before = client.peer->waiting();
  const std::string violation = client.peer->send(text);
  check(violation.empty(), "protocol violation: " + violation + ": " + text);
  note_revocations();
  if (message[0] != 32) return;
  const Pattern& pattern = client.subscribing.at(message[1]);
  check(client.peer->waiting() > before, "SUBSCRIBE is answered at once");
  const auto& ids = client.peer->session().subscriptions;
  // The id is in the last message, which only the client may take: find it as the one we did not know.
  for (const auto& [id, position] : ids) {
    if (client.member_of.contains(id)) continue;
    client.member_of[id] = pattern;
    if (pattern.get_retained) expect_retained(client, id, pattern);
  }
}

void Simulation::read(Client& client) {
  const json message = client.peer->take();
  trace("client " + std::to_string(client.serial) + " reads " + message.dump());
  const auto take = [&](auto& map, std::uint64_t request) {
    const auto at = map.find(request);
    check(at != map.end(), "an answer to what was not asked: " + message.dump());
    auto value = at->second;
    map.erase(at);
    return value;
  };
  switch (message[0].get<int>()) {
    case 33: {
      const Pattern pattern = take(client.subscribing, message[1]);
      client.subscriptions[message[2].get<std::uint64_t>()] = pattern;
      if (pattern.get_retained) client.wants_retained.insert(message[2].get<std::uint64_t>());
      return;
    }
    case 35:
      return on_unsubscribed(client, message);
    case 65:
      take(client.registering, message[1]);
      client.registrations.insert(message[2].get<std::uint64_t>());
      return;
    case 67:
      return on_unregistered(client, message);
    case 17:
      check(client.acknowledgements.erase(message[1].get<std::uint64_t>()) == 1, "PUBLISHED twice");
      return;
    case 36:
      return on_event(client, message);
    case 68:
      return on_invocation(client, message);
    case 50:
      return on_result(client, message);
    case 69:
      return on_interrupt(client, message);
    case 8:
      return on_error(client, message);
    default:
      check(false, "unexpected message " + message.dump());
  }
}

void Simulation::on_error(Client& client, const json& message) {
  const std::uint64_t request = message[2];
  switch (message[1].get<int>()) {
    case 48:
      check(client.calls.erase(request) == 1, "an error for a call that is not open: " + message.dump());
      return;
    case 64:
      check(client.registering.erase(request) == 1, "an error for a registration that was not asked for");
      return;
    case 34:  // it was taken off by somebody else
      check(message[4] == "wamp.error.no_such_subscription", "unexpected error " + message.dump());
      client.listeners.erase(client.unsubscribing.at(request));
      client.subscriptions.erase(client.unsubscribing.at(request));
      client.unsubscribing.erase(request);
      return;
    case 66:
      check(message[4] == "wamp.error.no_such_registration", "unexpected error " + message.dump());
      client.registrations.erase(client.unregistering.at(request));
      client.unregistering.erase(request);
      return;
    default:
      check(false, "unexpected error " + message.dump());
  }
}

void Simulation::on_unsubscribed(Client& client, const json& message) {
  std::uint64_t id = 0;
  if (message[1] == 0) {
    check(client.peer->session().announced.subscription_revocation,
          "who does not understand it is told of a revocation");
    id = message[2].at("subscription");
  } else {
    const auto at = client.unsubscribing.find(message[1].get<std::uint64_t>());
    check(at != client.unsubscribing.end(), "an answer to what was not asked: " + message.dump());
    id = at->second;
    client.unsubscribing.erase(at);
  }
  client.subscriptions.erase(id);
  client.listeners.erase(id);
}

void Simulation::on_unregistered(Client& client, const json& message) {
  if (message[1] == 0) {
    check(client.peer->session().announced.registration_revocation,
          "who does not understand it is told of a revocation");
    client.registrations.erase(message[2].at("registration").get<std::uint64_t>());
    return;
  }
  const auto at = client.unregistering.find(message[1].get<std::uint64_t>());
  check(at != client.unregistering.end(), "an answer to what was not asked: " + message.dump());
  client.registrations.erase(at->second);
  client.unregistering.erase(at);
}

void Simulation::note_revocations() {
  for (auto& client : clients_) {
    if (!client->peer->joined()) continue;
    const auto& subscriptions = client->peer->session().subscriptions;
    for (auto at = client->member_of.begin(); at != client->member_of.end();) {
      if (subscriptions.contains(at->first)) {
        ++at;
        continue;
      }
      for (auto& [key, expectation] : client->expected) {
        if (key.first == at->first) expectation.mandatory = false;
      }
      client->listeners[at->first].may_miss();
      at = client->member_of.erase(at);
    }
  }
}

void Simulation::on_event(Client& client, const json& message) {
  const std::uint64_t id = message[1];
  check(client.subscriptions.contains(id), "EVENT before SUBSCRIBED or after UNSUBSCRIBED: " + message.dump());
  const json& payload = message[4];
  const Pattern& pattern = client.subscriptions[id];
  MetaListener& listener = pattern.match == wamp::Match::prefix ? client.listeners[id] : client.listener;
  const std::string told =
      pattern.match == wamp::Match::exact ? pattern.uri : message[3].at("topic").get<std::string>();
  if (is_meta(told)) {
    check(applies(pattern, told), "EVENT of a topic that does not match");
    const std::string problem = listener.on_meta_event(told, payload);
    return check(problem.empty(), problem + ": " + message.dump());
  }
  const int publisher = payload[0];
  const std::uint64_t sequence = payload[1];
  const std::string topic = payload[2];
  check(applies(client.subscriptions[id], topic), "EVENT of a topic that does not match");
  const bool retained = message[3].contains("retained");
  if (!retained) {
    const std::string problem = listener.on_publication(clients_[static_cast<std::size_t>(publisher)]->session);
    check(problem.empty(), problem + ": " + message.dump());
  }
  check(!retained || client.wants_retained.contains(id), "a retained EVENT that was not asked for");
  check(retained || publisher != client.serial || payload[3] == true, "EVENT to its publisher, which did not want it");
  check(payload[4] != "id" + std::to_string(client.serial), "EVENT to an excluded receiver");
  auto& last = client.last_event[{id, publisher, topic}];
  check(sequence > last, "events of one publisher and topic out of order: " + message.dump());
  last = sequence;
  auto& expectation = client.expected[{id, key_of(payload)}];
  check(!expectation.delivered, "EVENT twice: " + message.dump());
  expectation.delivered = true;
}

void Simulation::on_result(Client& client, const json& message) {
  const auto at = client.calls.find(message[1].get<std::uint64_t>());
  check(at != client.calls.end(), "a result of a call that is not open: " + message.dump());
  OpenCall& call = at->second;
  if (call.meta) {
    client.calls.erase(at);
    return;
  }
  check(message[3][0] == client.serial && message[3][1] == call.sequence, "the result of another call");
  if (!message[2].contains("progress")) {
    client.calls.erase(at);
    return;
  }
  const std::uint64_t progress = message[3][3];
  check(progress == call.progress + 1, "progressive results out of order: " + message.dump());
  call.progress = progress;
}

void Simulation::on_interrupt(Client& client, const json& message) {
  const std::uint64_t id = message[1];
  check(id <= client.last_invocation_id, "INTERRUPT of an invocation that never came: " + message.dump());
  check(client.peer->session().announced.call_canceling, "INTERRUPT to a callee that does not understand it");
  for (OpenInvocation& open : client.to_answer) {
    if (open.id == id && message[2]["mode"] == "killnowait") open.counts = false;
  }
}

void Simulation::on_invocation(Client& client, const json& message) {
  check(client.registrations.contains(message[2].get<std::uint64_t>()),
        "INVOCATION before REGISTERED or after UNREGISTERED: " + message.dump());
  const std::uint64_t id = message[1];
  check(id == client.last_invocation_id + 1, "invocations are not numbered one by one: " + message.dump());
  client.last_invocation_id = id;
  const int caller = message[4][0];
  const std::uint64_t sequence = message[4][1];
  const std::string procedure = message[4][2];
  if (!procedure.starts_with("r.")) {  // re-routing a call changes its place
    auto& last = client.last_invocation[{caller, procedure == "p.limited" ? procedure : ""}];
    check(sequence > last, "calls of one caller to one callee out of order: " + message.dump());
    last = sequence;
  }
  client.to_answer.push_back({id, message[4], message[3].contains("receive_progress")});
  const auto busy = std::count_if(client.to_answer.begin(), client.to_answer.end(), [](const OpenInvocation& open) {
    return open.counts && open.arguments[2] == "p.limited";
  });
  check(busy <= client.concurrency, "more invocations at a time than the callee takes");
}

void Simulation::leave(Client& client) {
  trace("client " + std::to_string(client.serial) + " leaves");
  client.peer->leave();
  read_when_left_[client.peer] = client.peer->waiting();
  client.outgoing.clear();
}

void Simulation::drain() {
  // No new requests; everything under way arrives, everything received is read and answered.
  for (auto& client : clients_) client->leaving = true;
  bool busy = true;
  while (busy) {
    ++step_;
    busy = false;
    for (auto& client : clients_) {
      if (!client->peer->joined()) continue;
      while (!client->to_answer.empty()) answer(*client);
      while (!client->outgoing.empty()) handle_outgoing(*client);
    }
    for (unsigned from = 0; from < kShards; ++from) {
      for (unsigned to = 0; to < kShards; ++to) {
        while (realm_.carry(from, to)) {
          busy = true;
          note_revocations();
        }
      }
    }
    for (auto& client : clients_) {
      while (client->peer->joined() && client->peer->waiting() > 0) {
        read(*client);
        busy = true;
      }
      busy = busy || (client->peer->joined() && !client->to_answer.empty());
    }
  }
}

void Simulation::check_tables(Client& client) const {
  const realm::Session& session = client.peer->session();
  check(session.calls.empty() && session.waiting.empty() && session.reroutable.empty() && session.call_streams.empty(),
        "a session keeps calls that were answered");
  check(session.invocations.empty() && session.slots.empty() && session.result_streams.empty(),
        "a session keeps invocations that were answered");
}

void Simulation::check_listeners(const Client& client) const {
  MetaListener::Members actual;
  for (const auto& other : clients_) {
    if (!other->peer->joined()) continue;
    for (const auto& entry : other->peer->session().subscriptions) {
      actual["subscription " + std::to_string(entry.first)].insert(other->session);
    }
    for (const auto& entry : other->peer->session().registrations) {
      actual["registration " + std::to_string(entry.first)].insert(other->session);
    }
  }
  for (const auto& entry : client.listeners) {
    for (const auto& [what, members] : entry.second.members()) {
      check(actual[what] == members, "meta events told of other members of " + what + " than it has");
    }
  }
}

void Simulation::check_history() const {
  const auto events = log_.events();
  check(events.size() == std::min(logged_.size(), kLogged), "history has another number of events");
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& payload = events[i].publication->payload;
    check(std::string(base::as_text(payload.bytes)) == logged_[logged_.size() - events.size() + i],
          "history has another event in place " + std::to_string(i));
  }
}

void Simulation::check_the_end() {
  check(realm_.timers.empty(), "a timer is left when all calls have been answered");
  for (const auto& client : clients_) {
    const std::string who = "client " + std::to_string(client->serial);
    if (!client->peer->joined()) {
      check(client->peer->waiting() == read_when_left_[client->peer], who + " was sent something after it left");
      continue;
    }
    check(client->calls.empty(), who + " has calls without an answer");
    check_tables(*client);
    check_listeners(*client);
    check(client->subscribing.empty() && client->unsubscribing.empty() && client->registering.empty() &&
              client->unregistering.empty() && client->acknowledgements.empty(),
          who + " has requests without an answer");
    for (const auto& [key, expectation] : client->expected) {
      check(expectation.delivered || !expectation.mandatory,
            who + " never got publication " + key.second + " on subscription " + std::to_string(key.first));
    }
  }
  for (auto& client : clients_) {
    if (client->peer->joined()) leave(*client);
  }
  realm_.settle();
  check_history();
  auto& directory = realm_.realm().directory();
  std::vector<realm::SubscriptionRef> left;
  for (const char* uri : {"a.b", "a.c", "a.b.c", "b"}) {
    directory.subscriptions.match(uri, left);
    std::erase_if(left, [](const auto& subscription) { return subscription->log != nullptr; });
    check(left.empty(), "a subscription is left when all are gone");
  }
  check(directory.registrations.list().empty(), "a registration is left when all are gone");
  check(directory.sessions.size() == 0, "a session is left when all are gone");
  for (unsigned shard = 0; shard < kShards; ++shard) {
    check(realm_.realm().shard(shard).sessions().size() == 0, "a shard has sessions when all are gone");
  }
}

}  // namespace crosspoint::simulation
