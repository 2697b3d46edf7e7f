#include "connection/stream_holds.hpp"

#include <algorithm>
#include <chrono>

#include "connection/connection.hpp"

namespace crosspoint::connection {
namespace {

/// Often enough that a stream of 256 KiB at a time is not slowed down by the wait itself.
constexpr std::chrono::milliseconds kLook{1};

}  // namespace

void StreamHolds::add(Connection& sender, const std::shared_ptr<realm::Intake>& receiver) {
  const std::pair entry{&sender, receiver};
  if (std::find(held_.begin(), held_.end(), entry) != held_.end()) return;
  held_.push_back(entry);
  receiver->await();
  sender.hold_back(Connection::HoldBack::stream, true);
  if (!timer_) look_later();
}

void StreamHolds::forget(const Connection& sender) {
  std::erase_if(held_, [&](const auto& entry) { return entry.first == &sender; });
}

bool StreamHolds::holds(const Connection& sender) const {
  return std::any_of(held_.begin(), held_.end(), [&](const auto& entry) { return entry.first == &sender; });
}

void StreamHolds::look_later() {
  timer_ = io_.after(kLook, [this] { look(); });
}

void StreamHolds::look() {
  timer_ = {};
  std::vector<Connection*> released;
  std::erase_if(held_, [&](const auto& entry) {
    if (entry.second->congested()) {
      entry.second->await();
      return false;
    }
    released.push_back(entry.first);
    return true;
  });
  for (Connection* sender : released) {
    if (!holds(*sender)) sender->hold_back(Connection::HoldBack::stream, false);
  }
  if (!held_.empty()) look_later();
}

}  // namespace crosspoint::connection
