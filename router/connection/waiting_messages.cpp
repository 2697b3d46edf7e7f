#include "connection/waiting_messages.hpp"

#include <algorithm>

#include "base/io_thread.hpp"

namespace crosspoint::connection {

void WaitingMessages::append(std::span<const std::uint8_t> message) {
  Entry entry{base::ChunkRef::make(message.size() + base::IoThread::kReadPadding), message.size()};
  std::copy(message.begin(), message.end(), entry.chunk->data());
  std::fill_n(entry.chunk->data() + message.size(), base::IoThread::kReadPadding, std::uint8_t{0});
  bytes_ += entry.size;
  entries_.push_back(std::move(entry));
}

void WaitingMessages::put_back(Entry entry) {
  bytes_ += entry.size;
  entries_.push_front(std::move(entry));
}

WaitingMessages::Entry WaitingMessages::take() {
  Entry entry = std::move(entries_.front());
  entries_.pop_front();
  bytes_ -= entry.size;
  return entry;
}

}  // namespace crosspoint::connection
