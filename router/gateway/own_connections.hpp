#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/io_thread.hpp"
#include "gateway/connection_id.hpp"
#include "gateway/hub.hpp"
#include "gateway/message_call.hpp"

namespace crosspoint::gateway {

/// What can be done with a realm's connections on this node, whichever thread has them. Belongs to the thread of the
/// realm's procedures, on which `then` is called, maybe at once.
class OwnConnections {
 public:
  using DataRef = std::shared_ptr<const Data>;
  template <class Result>
  using Then = std::function<void(const Result& result)>;

  OwnConnections(Hub& hub, base::IoThread& home) : hub_(hub), home_(home) {}

  /// Whether the id can be one of ours; the functions below want only such.
  bool is_own(const ConnectionId& id) const { return id.node == hub_.node() && id.thread < hub_.parts(); }

  void send(const ConnectionId& id, DataRef data, Then<Sent> then);
  /// `then` gets the ids of those that it did not reach.
  void send_many(const std::vector<ConnectionId>& ids, DataRef data, Then<std::vector<std::string>> then);
  /// To all of a route but those given by id; `then` gets to how many.
  void broadcast(const std::string& route, DataRef data, std::set<std::string> except, Then<std::size_t> then);
  /// False if it is gone, or going.
  void close(const ConnectionId& id, std::uint16_t code, const std::string& reason, Then<bool> then);
  /// The ids of a route, or of all if the name is empty.
  void list(const std::string& route, Then<std::vector<std::string>> then);
  /// What is known of it; null if it is gone.
  void get(const ConnectionId& id, Then<nlohmann::json> then);

  /// Runs `task(part)` on every thread, then `then(results)` here.
  template <class Task, class Then>
  void on_all_threads(Task task, Then then) {
    using Result = decltype(task(hub_.part(0)));
    const auto results = std::make_shared<std::vector<Result>>();
    const auto shared_task = std::make_shared<Task>(std::move(task));
    for (unsigned thread = 0; thread < hub_.parts(); ++thread) {
      hub_.ask(
          home_, thread, [shared_task](HubPart& part) { return (*shared_task)(part); },
          [results, then, count = hub_.parts()](const Result& result) {
            results->push_back(result);
            if (results->size() == count) then(*results);
          });
    }
  }

 private:
  Hub& hub_;
  base::IoThread& home_;
};

}  // namespace crosspoint::gateway
