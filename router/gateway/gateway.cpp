#include "gateway/gateway.hpp"

#include "base/random.hpp"
#include "gateway/gateway_service.hpp"

namespace crosspoint::gateway {

Gateway::Gateway(connection::Router& router, unsigned threads)
    : router_(router), threads_(threads), node_(base::Random::from_system().next()) {}

Hub* Gateway::find_hub(const std::string& name) {
  for (const auto& hub : hubs_) {
    if (hub->realm() == name) return hub.get();
  }
  const realm::Realm* realm = router_.find_realm(name);
  if (realm == nullptr) return nullptr;
  // The procedures of several realms are spread over the threads.
  const auto home = static_cast<unsigned>(hubs_.size()) % threads_;
  hubs_.push_back(std::make_unique<Hub>(name, node_, home));
  Hub& hub = *hubs_.back();
  for (unsigned thread = 0; thread < threads_; ++thread) hub.add_part(router_.gate(*realm, thread), count_);
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
