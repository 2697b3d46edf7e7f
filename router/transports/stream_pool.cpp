#include "transports/stream_pool.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace crosspoint::transports {

StreamPool::StreamPool(const std::vector<base::IoThread*>& threads) {
  for (base::IoThread* thread : threads) {
    members_.push_back(std::make_unique<Member>(*thread));
    members_.back()->set->count_in(members_.back()->count);
  }
}

void StreamPool::adopt(int fd, std::string own_address, std::string peer_address, const ProtocolFactory& factory) {
  auto& member = **std::min_element(members_.begin(), members_.end(), [](const auto& a, const auto& b) {
    return a->count.load(std::memory_order_relaxed) < b->count.load(std::memory_order_relaxed);
  });
  member.count.fetch_add(1, std::memory_order_relaxed);
  if (member.thread.is_current()) {
    return add(member, fd, std::move(own_address), std::move(peer_address), factory);
  }
  member.thread.post([this, &member, fd, own = std::move(own_address), peer = std::move(peer_address), &factory] {
    add(member, fd, own, peer, factory);
  });
}

void StreamPool::add(Member& member, int fd, std::string own_address, std::string peer_address,
                     const ProtocolFactory& factory) {
  Stream* stream = member.set->add(fd, std::move(own_address), std::move(peer_address));
  if (stream == nullptr) {
    member.count.fetch_sub(1, std::memory_order_relaxed);
    return log::warn("a connection could not be watched and was closed");
  }
  stream->set_protocol(factory(*stream));
}

std::size_t StreamPool::size() const {
  std::size_t size = 0;
  for (const auto& member : members_) size += member->count.load(std::memory_order_relaxed);
  return size;
}

void StreamPool::close_all(std::string_view reason) {
  for (const auto& member : members_) {
    member->thread.post([set = member->set.get(), reason] { set->close_all(reason); });
  }
}

void StreamPool::clear() {
  for (const auto& member : members_) member->set->clear();
}

}  // namespace crosspoint::transports
