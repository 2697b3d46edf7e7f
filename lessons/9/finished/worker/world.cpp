#include "world.hpp"

#include <algorithm>
#include <set>

using workshop::Json;
using workshop::terminal_log;

namespace {

// One press of a button. The cage is 100 wide and 100 high.
constexpr int step = 10;
constexpr int middle = 50;

int moved(const Json& place, int by) { return std::clamp(place.get<int>() + by, 0, 100); }

}  // namespace

World::World(workshop::Session session) : session_(std::move(session)) {
  for (const std::string& id : store_.ids()) {
    if (auto state = store_.get(id)) states_[id] = *state;
  }
  terminal_log("In the store there are " + std::to_string(states_.size()) + " connections");
}

void World::come(const std::string& id) {
  states_[id] = {{"connectionId", id}, {"x", middle}, {"y", middle}};
  keep(id);
}

void World::hear(const std::string& id, const Json& message) {
  if (states_.count(id) == 0) come(id);
  const std::string direction = workshop::text_at(message, "direction");
  Json& state = states_[id];
  if (direction == "left") state["x"] = moved(state["x"], -step);
  if (direction == "right") state["x"] = moved(state["x"], step);
  if (direction == "up") state["y"] = moved(state["y"], -step);
  if (direction == "down") state["y"] = moved(state["y"], step);
  if (!direction.empty()) {
    state["direction"] = direction.substr(0, 5);
    keep(id);
  }
  tell_everybody();
}

void World::leave(const std::string& id) {
  if (states_.erase(id) == 0) return;
  forget(id);
  tell_everybody();
}

void World::compare(const Json& connected) {
  const std::set<std::string> there(connected.begin(), connected.end());
  for (auto at = states_.begin(); at != states_.end();) {
    if (there.count(at->first) != 0) {
      ++at;
      continue;
    }
    terminal_log("Connection " + at->first + " is gone");
    forget(at->first);
    at = states_.erase(at);
  }
  tell_everybody();
}

Json World::connections() const {
  Json list = Json::array();
  for (const auto& [id, state] : states_) list.push_back(state);
  return list;
}

void World::keep(const std::string& id) {
  workshop::run_beside(session_, "store", [this, id, state = states_[id]] { store_.put(id, state); });
}

void World::forget(const std::string& id) {
  workshop::run_beside(session_, "store", [this, id] { store_.remove(id); });
}

void World::tell_everybody() const {
  workshop::call(session_, "crosspoint.gateway.broadcast", {"cage", {{"connections", connections()}}},
                 [](const Json&) {});
}
