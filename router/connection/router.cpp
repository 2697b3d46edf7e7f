#include "connection/router.hpp"

namespace crosspoint::connection {

Router::Router(std::vector<base::IoThread*> threads, RouterNames names)
    : threads_(std::move(threads)),
      names_(std::move(names)),
      realm_finder_([this](std::string_view name) { return find_realm(name); }) {
  for (base::IoThread* thread : threads_) workbenches_.push_back(std::make_unique<Workbench>(*thread));
}

realm::Realm* Router::add_realm(std::string name, realm::RealmOptions options) {
  if (realms_.contains(name)) return nullptr;
  auto entry = std::make_unique<Entry>();
  entry->realm = std::make_unique<realm::Realm>(name, std::move(options), static_cast<unsigned>(threads_.size()),
                                                base::Random::from_system().next());
  std::vector<RealmGate*> gates;
  for (unsigned index = 0; index < threads_.size(); ++index) {
    entry->gates.push_back(std::make_unique<RealmGate>(entry->realm->shard(index), *workbenches_[index]));
    gates.push_back(entry->gates.back().get());
  }
  for (RealmGate* gate : gates) gate->set_gates(gates);
  realm::Realm* realm = entry->realm.get();
  realms_.emplace(std::move(name), std::move(entry));
  return realm;
}

realm::Realm* Router::find_realm(std::string_view name) const {
  const auto at = realms_.find(name);
  return at != realms_.end() ? at->second->realm.get() : nullptr;
}

RealmGate& Router::gate(const realm::Realm& realm, unsigned thread) {
  return *realms_.find(realm.name())->second->gates[thread];
}

void Router::say_goodbye(std::string_view reason) {
  for (const auto& [name, entry] : realms_) {
    for (unsigned index = 0; index < threads_.size(); ++index) {
      threads_[index]->post([gate = entry->gates[index].get(), reason] { gate->say_goodbye(reason); });
    }
  }
}

std::size_t Router::session_count() const {
  std::size_t count = 0;
  for (const auto& [name, entry] : realms_) count += entry->realm->directory().sessions.size();
  return count;
}

}  // namespace crosspoint::connection
