#include "gateway/gateway.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/random.hpp"
#include "gateway/gateway_service.hpp"

namespace crosspoint::gateway {

namespace {

constexpr std::chrono::seconds kComplaintTime{1};  // between two lines about messages that cannot be read

}  // namespace

Gateway::Gateway(connection::Router& router, unsigned threads)
    : router_(router), threads_(threads), node_(base::Random::from_system().next()) {}

NodeCalls* Gateway::find_calls(const std::string& realm) {
  const auto at =
      std::find_if(calls_.begin(), calls_.end(), [&](const auto& calls) { return calls->realm() == realm; });
  return at != calls_.end() ? at->get() : nullptr;
}

void Gateway::complain(std::string_view from) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_complaint_) return;
  next_complaint_ = now + kComplaintTime;
  log::warn("gateway: a message of node {} cannot be read", from);
}

void Gateway::join(OtherNodes& others) {
  others_ = &others;
  node_ = start_of(others.address());
  // What is not understood is not answered, so that nodes cannot keep each other busy with it.
  others.on_message(NodeCalls::kAsk, [this](std::string_view from, std::string_view text) {
    NodeAsk ask;
    if (!read(text, ask)) return complain(from);
    if (NodeCalls* calls = find_calls(ask.realm)) return calls->take_in(from, std::move(ask), text.size());
    others_->send(std::string(from), NodeCalls::kAnswer, write(NodeAnswer{ask.realm, ask.number, std::nullopt}));
  });
  others.on_message(NodeCalls::kAnswer, [this](std::string_view from, std::string_view text) {
    NodeAnswer answer;
    if (!read(text, answer)) return complain(from);
    if (NodeCalls* calls = find_calls(answer.realm)) calls->take_in(from, std::move(answer), text.size());
  });
  others.on_gone([this](std::string_view address) {
    for (const auto& calls : calls_) calls->lose(address);
  });
}

Hub* Gateway::find_hub(const std::string& name) {
  for (const auto& hub : hubs_) {
    if (hub->realm() == name) return hub.get();
  }
  realm::Realm* realm = router_.find_realm(name);
  if (realm == nullptr) return nullptr;
  // The procedures of several realms are spread over the threads.
  const auto home = static_cast<unsigned>(hubs_.size()) % threads_;
  hubs_.push_back(std::make_unique<Hub>(name, node_, home));
  Hub& hub = *hubs_.back();
  for (unsigned thread = 0; thread < threads_; ++thread) hub.add_part(router_.gate(*realm, thread), count_);
  if (others_ != nullptr && realm->directory().cluster != nullptr) {
    calls_.push_back(std::make_unique<NodeCalls>(*others_, router_.gate(*realm, home).io(), name));
    hub.join(*calls_.back());
  }
  procedures_.push_back(std::make_unique<Procedures>(hub, router_.gate(*realm, home)));
  return &hub;
}

std::unique_ptr<transports::HttpService> Gateway::make_service(const settings::Gateway& settings) {
  Hub* hub = find_hub(settings.realm);
  const realm::Role* role = hub != nullptr ? router_.find_realm(settings.realm)->find_role(settings.role) : nullptr;
  if (role == nullptr) return nullptr;
  routes_.push_back(std::make_unique<Route>(Route{settings, *role, *hub}));
  // So that a route that nobody has used is counted with zeros.
  for (unsigned thread = 0; thread < threads_; ++thread) hub->part(thread).counters(*routes_.back());
  return std::make_unique<GatewayService>(*routes_.back(), closed_);
}

bool Gateway::add_mailboxes(const std::string& name, MailboxOptions options) {
  Hub* hub = find_hub(name);
  if (hub == nullptr) return false;
  connection::RealmGate& gate = router_.gate(*router_.find_realm(name), hub->home());
  mailboxes_.push_back(std::make_unique<MailboxProcedures>(*hub, gate, std::move(options)));
  return true;
}

void Gateway::start() {
  for (const auto& procedures : procedures_) procedures->start();
  for (const auto& mailboxes : mailboxes_) mailboxes->start();
}

void Gateway::shut_down() {
  closed_.store(true, std::memory_order_relaxed);
  for (const auto& hub : hubs_) {
    for (unsigned thread = 0; thread < hub->parts(); ++thread) {
      HubPart& part = hub->part(thread);
      part.io().post([&part] { part.shut_down(); });
    }
  }
}

}  // namespace crosspoint::gateway
