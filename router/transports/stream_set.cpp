#include "transports/stream.hpp"

namespace crosspoint::transports {

StreamSet::~StreamSet() { io_.forget(*this); }

Stream* StreamSet::add(int fd, std::string own_address, std::string peer_address) {
  auto stream = std::make_unique<Stream>(*this, fd, std::move(own_address), std::move(peer_address));
  if (!io_.poller().add(fd, *stream)) return nullptr;
  stream->place_ = static_cast<std::uint32_t>(streams_.size());
  streams_.push_back(std::move(stream));
  return streams_.back().get();
}

void StreamSet::need_turn_end() {
  if (turn_end_asked_) return;
  turn_end_asked_ = true;
  io_.at_turn_end(*this, base::IoThread::Stage::write);
}

void StreamSet::mark_dirty(Stream& stream) {
  dirty_.push_back(&stream);
  need_turn_end();
}

void StreamSet::retire(Stream& stream) {
  const std::uint32_t place = stream.place_;
  closed_.push_back(std::move(streams_[place]));
  if (place + 1 != streams_.size()) {
    streams_[place] = std::move(streams_.back());
    streams_[place]->place_ = place;
  }
  streams_.pop_back();
  if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  need_turn_end();
}

void StreamSet::close_all(std::string_view reason) {
  while (!streams_.empty()) streams_.back()->close(reason);
}

void StreamSet::clear() {
  dirty_.clear();
  replaced_.clear();
  closed_.clear();
  streams_.clear();
}

void StreamSet::on_turn_end() {
  turn_end_asked_ = false;
  constexpr std::size_t kAhead = 4;                  // of many streams none is in a cache
  for (std::size_t i = 0; i < dirty_.size(); ++i) {  // closing one may wake others
    if (i + kAhead < dirty_.size()) dirty_[i + kAhead]->prefetch();
    dirty_[i]->flush();
  }
  dirty_.clear();
  replaced_.clear();
  // Destroying a protocol may close nothing further, but protocols may be destroyed in any order.
  std::vector<std::unique_ptr<Stream>> closed;
  closed.swap(closed_);
}

}  // namespace crosspoint::transports
