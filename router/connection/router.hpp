#pragma once

#include <tsl/robin_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "connection/handshake.hpp"
#include "connection/realm_gate.hpp"
#include "connection/workbench.hpp"
#include "realm/realm.hpp"

namespace crosspoint::connection {

/// Names that WELCOME.Details gives clients, as Crossbar's does (`x_cb_node`, `x_cb_worker`).
struct RouterNames {
  std::string node;
  std::string worker;
};

/// All realms on all I/O threads. Built before the threads start and constant from then on; what belongs to one thread
/// is reached by that thread's index.
class Router {
 public:
  Router(std::vector<base::IoThread*> threads, RouterNames names);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Returns nullptr if there is a realm of that name.
  realm::Realm* add_realm(std::string name, realm::RealmOptions options);
  realm::Realm* find_realm(std::string_view name) const;
  const FindRealm& realm_finder() const { return realm_finder_; }

  RealmGate& gate(const realm::Realm& realm, unsigned thread);
  Workbench& workbench(unsigned thread) { return *workbenches_[thread]; }
  const RouterNames& names() const { return names_; }

  /// Any thread: has GOODBYE sent to every session.
  void say_goodbye(std::string_view reason);
  /// Any thread: sessions joined, in all realms.
  std::size_t session_count() const;

 private:
  struct Entry {
    std::unique_ptr<realm::Realm> realm;
    std::vector<std::unique_ptr<RealmGate>> gates;  // by thread
  };
  std::vector<base::IoThread*> threads_;
  RouterNames names_;
  std::vector<std::unique_ptr<Workbench>> workbenches_;
  tsl::robin_map<std::string, std::unique_ptr<Entry>, base::StringHash, std::equal_to<>> realms_;
  FindRealm realm_finder_;
};

}  // namespace crosspoint::connection
