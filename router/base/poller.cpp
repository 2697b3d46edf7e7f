#include "base/poller.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace crosspoint::base {

Poller::Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::~Poller() { ::close(fd_); }

bool Poller::add(int fd, Pollable& pollable) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &pollable;
  return ::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd, const Pollable& pollable) {
  ::epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (std::size_t i = 0; i < count_; ++i) {
    if (events_[i].data.ptr == &pollable) events_[i].data.ptr = nullptr;
  }
  std::erase(again_, &pollable);
  std::replace(round_.begin(), round_.end(), const_cast<Pollable*>(&pollable), static_cast<Pollable*>(nullptr));
}

std::size_t Poller::run_ready() {
  std::size_t calls = 0;
  const int ready = ::epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), 0);
  count_ = ready > 0 ? static_cast<std::size_t>(ready) : 0;
  round_.swap(again_);
  for (std::size_t i = 0; i < count_; ++i) {
    if (events_[i].data.ptr == nullptr) continue;
    static_cast<Pollable*>(events_[i].data.ptr)->on_ready(events_[i].events);
    ++calls;
  }
  count_ = 0;
  for (std::size_t i = 0; i < round_.size(); ++i) {
    if (round_[i] == nullptr) continue;
    round_[i]->on_ready(EPOLLIN);
    ++calls;
  }
  round_.clear();
  return calls;
}

}  // namespace crosspoint::base
