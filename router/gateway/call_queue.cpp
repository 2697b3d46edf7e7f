#include "gateway/call_queue.hpp"

#include <utility>

namespace crosspoint::gateway {

bool CallQueue::begin_message() {
  if (!waiting_.empty() || alone_ || under_way_ >= max_messages_) return false;
  ++under_way_;
  return true;
}

std::optional<QueuedCall> CallQueue::next() {
  if (waiting_.empty() || alone_) return std::nullopt;
  const bool message = waiting_.front().kind == QueuedCall::Kind::message;
  if (message ? under_way_ >= max_messages_ : under_way_ > 0) return std::nullopt;
  alone_ = !message;
  ++under_way_;
  QueuedCall call = std::move(waiting_.front());
  waiting_.pop_front();
  return call;
}

void CallQueue::done() {
  --under_way_;
  alone_ = false;
}

void CallQueue::drop_messages() {
  std::erase_if(waiting_, [](const QueuedCall& call) { return call.kind == QueuedCall::Kind::message; });
}

}  // namespace crosspoint::gateway
