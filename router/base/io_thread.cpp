#include "base/io_thread.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <string>

namespace crosspoint::base {
namespace {

/// Rounds served before the io_context gets its share. Each costs one epoll_wait; going back to the io_context costs
/// three system calls, which pays only when the connections have fallen silent.
constexpr int kRounds = 32;

}  // namespace

IoThread::IoThread(unsigned index)
    : index_(index),
      context_(1),
      work_(boost::asio::make_work_guard(context_)),
      poller_ready_(context_, ::dup(poller_.fd())),
      timer_(context_),
      now_(std::chrono::steady_clock::now()),
      read_buffer_(new std::uint8_t[kReadBuffer + kReadPadding]()) {
  wait_for_connections();
}

IoThread::~IoThread() {
  stop();
  join();
}

void IoThread::start() {
  thread_ = std::thread([this] {
    ::prctl(PR_SET_NAME, ("io-" + std::to_string(index_)).c_str(), 0, 0, 0);
    run();
  });
}

void IoThread::run() {
  thread_id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  context_.run();
}

void IoThread::stop() { context_.stop(); }

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

void IoThread::post(std::function<void()> task) {
  bool wake = false;
  {
    const std::lock_guard lock(mailbox_mutex_);
    wake = mailbox_.empty();
    mailbox_.push_back(std::move(task));
  }
  if (wake) boost::asio::post(context_, [this] { drain_mailbox(); });
}

void IoThread::drain_mailbox() {
  now_ = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mailbox_mutex_);
    taken_.swap(mailbox_);
  }
  for (auto& task : taken_) task();
  taken_.clear();
  end_turn();
}

Timers::Handle IoThread::after(std::chrono::steady_clock::duration delay, Timers::Callback callback) {
  const auto due = std::chrono::steady_clock::now() + delay;
  auto handle = timers_.add(due, std::move(callback));
  if (due < armed_until_) arm_timer();
  return handle;
}

void IoThread::arm_timer() {
  armed_until_ = timers_.next_due();
  if (armed_until_ == Timers::TimePoint::max()) return;
  timer_.expires_at(armed_until_);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // superseded by an earlier deadline
    now_ = std::chrono::steady_clock::now();
    timers_.run_due(now_);
    end_turn();
    arm_timer();
  });
}

void IoThread::at_turn_end(TurnEnd& hook, Stage stage) {
  hooks_[static_cast<int>(stage)].push_back(&hook);
  if (turn_end_posted_) return;
  turn_end_posted_ = true;
  boost::asio::post(context_, [this] { end_turn(); });
}

void IoThread::forget(const TurnEnd& hook) {
  for (auto& hooks : hooks_) std::erase(hooks, &hook);
  std::replace(running_hooks_.begin(), running_hooks_.end(), const_cast<TurnEnd*>(&hook),
               static_cast<TurnEnd*>(nullptr));
}

void IoThread::end_turn() {
  turn_end_posted_ = true;  // hooks asked for by hooks run in the loop below
  while (!hooks_[0].empty() || !hooks_[1].empty()) {
    running_hooks_.swap(hooks_[hooks_[0].empty() ? 1 : 0]);
    for (std::size_t i = 0; i < running_hooks_.size(); ++i) {
      if (running_hooks_[i] != nullptr) running_hooks_[i]->on_turn_end();
    }
    running_hooks_.clear();
  }
  turn_end_posted_ = false;
}

void IoThread::resume(Pollable& pollable) {
  poller_.again(pollable);
  if (serving_ || rounds_posted_) return;
  post_rounds();
}

void IoThread::wait_for_connections() {
  poller_ready_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
    if (error) return;
    serve_connections();
    wait_for_connections();
  });
}

void IoThread::serve_connections() {
  serving_ = true;
  for (int round = 0; round < kRounds; ++round) {
    now_ = std::chrono::steady_clock::now();
    turn_end_posted_ = true;  // the hooks run right here, without a detour through the io_context
    const std::size_t calls = poller_.run_ready();
    end_turn();
    if (calls == 0 && !poller_.has_again()) break;
  }
  serving_ = false;
  if (poller_.has_again() && !rounds_posted_) post_rounds();
}

void IoThread::post_rounds() {
  rounds_posted_ = true;
  boost::asio::post(context_, [this] {
    rounds_posted_ = false;
    serve_connections();
  });
}

}  // namespace crosspoint::base
