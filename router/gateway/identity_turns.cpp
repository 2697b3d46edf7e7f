#include "gateway/identity_turns.hpp"

#include <utility>

namespace crosspoint::gateway {

void IdentityTurns::run(const std::string& identity, Task task) {
  const auto at = identities_.find(identity);
  if (at == identities_.end()) return task();
  at->second.tasks.push_back(std::move(task));
  ++waiting_;
}

void IdentityTurns::begin(const std::string& identity) { identities_[identity].under_way = true; }

void IdentityTurns::end(const std::string& identity) {
  const auto at = identities_.find(identity);
  Turns& turns = at->second;
  turns.under_way = false;
  if (turns.running) return;  // a task that ended at once: whoever runs it goes on, so that the stack does not grow
  turns.running = true;
  while (!turns.under_way && !turns.tasks.empty()) {
    const Task task = std::move(turns.tasks.front());
    turns.tasks.pop_front();
    --waiting_;
    task();
  }
  turns.running = false;
  if (!turns.under_way) identities_.erase(at);
}

}  // namespace crosspoint::gateway
