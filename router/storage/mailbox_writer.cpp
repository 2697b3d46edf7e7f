#include "storage/mailbox_writer.hpp"

#include <iterator>
#include <utility>

#include "base/log.hpp"

namespace crosspoint::storage {

MailboxWriter::~MailboxWriter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void MailboxWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void MailboxWriter::write(std::vector<MailboxChange> changes, Done done) {
  {
    const std::lock_guard lock(mutex_);
    std::move(changes.begin(), changes.end(), std::back_inserter(waiting_.changes));
    waiting_.done.push_back(std::move(done));
  }
  changed_.notify_one();
}

void MailboxWriter::run() {
  for (;;) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !waiting_.done.empty(); });
      if (waiting_.done.empty()) return;
      std::swap(batch, waiting_);
    }
    std::string problem;
    if (!batch.changes.empty() && !store_->commit(batch.changes, problem)) {
      log::error("mailboxes: {} changes could not be written: {}", batch.changes.size(), problem);
    }
    for (const Done& done : batch.done) done(problem);
  }
}

}  // namespace crosspoint::storage
