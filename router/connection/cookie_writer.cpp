#include "connection/cookie_writer.hpp"

#include "base/log.hpp"

namespace crosspoint::connection {

CookieWriter::CookieWriter(std::unique_ptr<CookieBackend> backend)
    : backend_(std::move(backend)), thread_([this] { run(); }) {}

CookieWriter::~CookieWriter() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void CookieWriter::write(CookieChange change) {
  {
    const std::lock_guard lock(mutex_);
    std::string id = change.cookie.id;
    waiting_.insert_or_assign(std::move(id), std::move(change));
  }
  changed_.notify_one();
}

void CookieWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<CookieChange> changes;
    for (auto& [id, change] : waiting_) changes.push_back(std::move(change));
    waiting_.clear();
    lock.unlock();
    const std::string problem = backend_->apply(changes);
    if (!problem.empty()) log::error("{} cookies could not be stored: {}", changes.size(), problem);
    lock.lock();
  }
}

}  // namespace crosspoint::connection
