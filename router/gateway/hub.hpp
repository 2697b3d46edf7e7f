#pragma once

#include <tsl/robin_map.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "connection/realm_gate.hpp"
#include "connection/service.hpp"
#include "gateway/client.hpp"
#include "gateway/connection_id.hpp"
#include "gateway/route_counters.hpp"
#include "settings/gateway.hpp"

namespace crosspoint::gateway {

class Hub;
class NodeCalls;

/// A configured route. Constant.
struct Route {
  const settings::Gateway& settings;
  const realm::Role& role;
  Hub& hub;
};

/// The connections of one realm's routes on one thread. Belongs to that thread.
class HubPart {
 public:
  HubPart(connection::RealmGate& gate, std::uint64_t node, std::atomic<std::size_t>& count)
      : gate_(gate), node_(node), count_(count) {}

  base::IoThread& io() { return gate_.io(); }
  /// The session that calls a route's procedures.
  connection::Service& service(const Route& route) { return gate_.service(route.role); }
  /// For the arguments of the call being made.
  std::string& buffer() { return buffer_; }

  std::uint64_t next_number() { return ++last_number_; }
  std::string id_of(std::uint64_t number) { return to_string({node_, io().index(), number}); }

  void add(std::shared_ptr<Client> client);
  void remove(std::uint64_t number);
  /// Called on this thread with the id of each connection that is removed. Before the threads start.
  void when_gone(std::function<void(const std::string& id)> listener) { gone_ = std::move(listener); }
  /// nullptr if it is gone.
  std::shared_ptr<Client> find(std::uint64_t number) const;
  /// Those of one route, or all if the name is empty.
  std::vector<std::shared_ptr<Client>> clients(std::string_view route) const;
  /// Sends to all of a route but those given by id. Returns to how many.
  std::size_t broadcast(std::string_view route, const Data& data, const std::set<std::string>& except);
  /// Publishes what has happened to a connection: `crosspoint.gateway.` and the name given, to whoever may subscribe to
  /// it. `arguments` is the JSON text of a list.
  void announce(std::string_view what, std::string_view arguments);
  void shut_down();

  /// A procedure did not do its work: a line in the log, one until it works again.
  void failed(const Route& route, std::string_view what, const connection::Service::Answer& answer);
  void succeeded(const Route& route) {
    if (!failing_.empty()) failing_.erase(&route);
  }

  /// Those of a route, on this thread.
  RouteCounters& counters(const Route& route) { return counters_[&route]; }
  /// The counters of the routes that have been in use, by name; those of all, if the name given is empty.
  std::map<std::string, RouteCounters> count(std::string_view route) const;

  void count_up() { count_.fetch_add(1, std::memory_order_relaxed); }
  void count_down() { count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  connection::RealmGate& gate_;
  const std::uint64_t node_;
  std::atomic<std::size_t>& count_;
  std::uint64_t last_number_ = 0;
  tsl::robin_map<std::uint64_t, std::shared_ptr<Client>> clients_;
  std::function<void(const std::string& id)> gone_;
  std::set<const Route*> failing_;
  std::map<const Route*, RouteCounters> counters_;
  std::string buffer_;
};

/// The gateway of one realm, on all threads. Its parts are constant from the start on.
class Hub {
 public:
  Hub(std::string realm, std::uint64_t node, unsigned home) : realm_(std::move(realm)), node_(node), home_(home) {}

  const std::string& realm() const { return realm_; }
  std::uint64_t node() const { return node_; }
  /// The thread that has the procedures for workers.
  unsigned home() const { return home_; }
  HubPart& part(unsigned thread) { return *parts_[thread]; }
  unsigned parts() const { return static_cast<unsigned>(parts_.size()); }
  /// Runs `task(part)` on the thread given, then `then(result)` on `home`, which calls this.
  template <class Task, class Then>
  void ask(base::IoThread& home, unsigned thread, Task task, Then then) {
    HubPart& asked = part(thread);
    if (&asked.io() == &home) return then(task(asked));
    asked.io().post([&home, &asked, task = std::move(task), then = std::move(then)] {
      home.post([result = task(asked), then] { then(result); });
    });
  }
  /// The same realm on other nodes; nullptr if there are none. Set before the threads start.
  NodeCalls* others() const { return others_; }
  void join(NodeCalls& others) { others_ = &others; }
  void add_part(connection::RealmGate& gate, std::atomic<std::size_t>& count) {
    parts_.push_back(std::make_unique<HubPart>(gate, node_, count));
  }

 private:
  std::string realm_;
  const std::uint64_t node_;
  const unsigned home_;
  NodeCalls* others_ = nullptr;
  std::vector<std::unique_ptr<HubPart>> parts_;
};

}  // namespace crosspoint::gateway
