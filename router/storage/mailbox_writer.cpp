#include "storage/mailbox_writer.hpp"

#include <utility>

#include "base/log.hpp"

namespace crosspoint::storage {
namespace {

constexpr std::size_t kMostOwed = 100'000;  // mailboxes

}  // namespace

MailboxWriter::MailboxWriter(std::unique_ptr<MailboxStore> store, std::chrono::milliseconds retry,
                             std::chrono::milliseconds hold)
    : store_(std::move(store)), retry_(retry), hold_again_(hold), owed_(kMostOwed) {}

MailboxWriter::~MailboxWriter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void MailboxWriter::start(OnNews on_news) {
  if (store_->is_shared()) on_news_ = std::move(on_news);
  thread_ = std::thread([this] { run(); });
}

void MailboxWriter::write(std::vector<MailboxChange> changes, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(changes), std::move(done), begun_});
  }
  changed_.notify_one();
}

void MailboxWriter::begin_term(std::uint64_t term) {
  const std::lock_guard lock(mutex_);
  begun_ = term;
}

bool MailboxWriter::take(std::vector<Entry>& batch) {
  batch.clear();
  const auto ready = [this] { return stopping_ || !waiting_.empty(); };
  std::unique_lock lock(mutex_);
  if (on_news_) {
    changed_.wait_until(lock, next_hold_, ready);
  } else if (owed_.empty()) {
    changed_.wait(lock, ready);
  } else {
    changed_.wait_for(lock, retry_, ready);
  }
  std::swap(batch, waiting_);
  return !batch.empty() || !stopping_;
}

void MailboxWriter::run() {
  std::vector<Entry> batch;
  hold();
  while (take(batch)) {
    refuse_former(batch);
    commit(batch);
    hold();
  }
  if (!owed_.empty()) commit({});
  if (on_news_) store_->let_go();
  if (owed_.empty()) return;
  log::error("mailboxes: changes of {} identities could not be written; what they were delivered may come again",
             owed_.size());
}

void MailboxWriter::refuse_former(std::vector<Entry>& batch) const {
  std::erase_if(batch, [this](const Entry& entry) {
    if (entry.term == term_) return false;
    if (entry.done) entry.done("another node has kept the mailboxes meanwhile");
    return true;
  });
}

void MailboxWriter::commit(const std::vector<Entry>& batch) {
  std::vector<MailboxChange> changes = owed_.list();
  for (const Entry& entry : batch) changes.insert(changes.end(), entry.changes.begin(), entry.changes.end());
  std::string problem;
  if (changes.empty() || store_->commit(changes, problem)) {
    if (!owed_.empty()) log::info("mailboxes: what could not be written before is, for {} identities", owed_.size());
    owed_.clear();
  } else {
    if (!batch.empty()) log::error("mailboxes: {} changes could not be written: {}", changes.size(), problem);
    owe(batch);
  }
  for (const Entry& entry : batch) {
    if (entry.done) entry.done(problem);
  }
}

void MailboxWriter::hold() {
  const auto now = std::chrono::steady_clock::now();
  if (!on_news_ || now < next_hold_) return;
  next_hold_ = now + hold_again_;
  News news;
  news.since = now;
  if (store_->hold(news.hold, news.problem)) {
    news.hold.anew = news.hold.ours && (news.hold.anew || !loaded_);
    // What is owed to mailboxes that somebody else has kept meanwhile is nothing to them.
    if (news.hold.anew || !news.hold.ours) {
      owed_.clear();
      ++term_;
    }
    loaded_ = news.hold.ours && (!news.hold.anew || store_->load(news.stored, news.problem));
  }
  news.term = term_;
  on_news_(std::move(news));
}

void MailboxWriter::owe(const std::vector<Entry>& batch) {
  std::size_t forgotten = 0;
  for (const Entry& entry : batch) {
    for (const MailboxChange& change : entry.changes) {
      if (entry.done && change.kind == MailboxChange::Kind::put) continue;
      if (!owed_.add(change)) ++forgotten;
    }
  }
  if (forgotten != 0) log::error("mailboxes: {} changes are given up, since too many wait to be written", forgotten);
}

}  // namespace crosspoint::storage
