#include "common/zeromq.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>
#include <zmq_addon.hpp>

#include "common/log.hpp"
#include "common/table.hpp"
#include "common/unreachable.hpp"

namespace workshop {
namespace {

constexpr std::size_t kMostInOutbox = 1000;
constexpr std::size_t kRemembered = 100;       // messages that were done; of each sender only the last may come again
constexpr std::size_t kLargest = 1024 * 1024;  // bytes of a message
constexpr std::size_t kLongestId = 100;
constexpr int kLingerMilliseconds = 1000;  // for the last answer, when the program ends
constexpr int kHeartbeatMilliseconds = 5000;
constexpr std::chrono::seconds kBetweenTries{1};
constexpr std::chrono::milliseconds kGlance{200};  // how soon a thread sees that it shall end

/// One for all sockets of the program.
std::shared_ptr<zmq::context_t> shared_context() {
  static std::mutex mutex;
  static std::weak_ptr<zmq::context_t> weak;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<zmq::context_t> context = weak.lock();
  if (!context) weak = context = std::make_shared<zmq::context_t>();
  return context;
}

/// The parts of the next message; none if there is no message for a moment.
std::vector<std::string> receive(zmq::socket_t& socket) {
  std::vector<zmq::message_t> parts;
  std::vector<std::string> texts;
  try {
    if (!zmq::recv_multipart(socket, std::back_inserter(parts))) return texts;
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
  for (const zmq::message_t& part : parts) texts.push_back(part.to_string());
  return texts;
}

/// A thread, and its end.
class Thread {
 public:
  ~Thread() { stop(); }

  void start(std::function<void()> work) { thread_ = std::thread(std::move(work)); }

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      stopping_ = true;
    }
    changed.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  bool stopping() {
    const std::lock_guard<std::mutex> lock(mutex);
    return stopping_;
  }

  void wait_between_tries() {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait_for(lock, kBetweenTries, [this] { return stopping_; });
  }

  std::mutex mutex;
  std::condition_variable changed;

 private:
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

class ZmqReceiver::Impl {
 public:
  Impl(std::string endpoint, Handler handler)
      : endpoint_(std::move(endpoint)), handler_(std::move(handler)), socket_(*context_, zmq::socket_type::router) {
    socket_.set(zmq::sockopt::linger, kLingerMilliseconds);
    socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kLargest));
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(kGlance.count()));
    thread_.start([this] { work(); });
  }

 private:
  void work() {
    if (!bind()) return;
    try {
      while (!thread_.stopping()) {
        const std::vector<std::string> parts = receive(socket_);
        if (parts.empty()) continue;
        if (parts.size() != 3 || parts[1].size() > kLongestId) {
          terminal_log("ZeroMQ at " + endpoint_ + ": dropped something that is not an id and a text");
          continue;
        }
        const std::string& sender = parts[0];  // the ROUTER's name for it
        const std::string& id = parts[1];
        if (!handle(id, parts[2])) continue;
        // To a sender that is gone it goes nowhere: it will ask again.
        zmq::send_multipart(socket_, std::array{zmq::buffer(sender), zmq::buffer(id)}, zmq::send_flags::dontwait);
      }
    } catch (const zmq::error_t& error) {
      terminal_log("ZeroMQ at " + endpoint_ + ": " + error.what());
    }
  }

  bool bind() {
    for (bool told = false; !thread_.stopping(); told = true) {
      try {
        socket_.bind(endpoint_);
        terminal_log("Listening for ZeroMQ messages on " + endpoint_);
        return true;
      } catch (const zmq::error_t& error) {
        if (!told) terminal_log("ZeroMQ at " + endpoint_ + ": " + error.what() + ", trying again every second");
      }
      thread_.wait_between_tries();
    }
    return false;
  }

  /// False if the sender shall try again.
  bool handle(const std::string& id, const std::string& message) {
    if (std::find(done_.begin(), done_.end(), id) != done_.end()) return true;
    try {
      handler_(message);
    } catch (const Unreachable& error) {
      if (!std::exchange(failing_, true)) terminal_log(std::string("Error: ") + error.what() + ", trying again");
      return false;
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
    }
    if (std::exchange(failing_, false)) terminal_log("It works again");
    done_.push_back(id);
    if (done_.size() > kRemembered) done_.pop_front();
    return true;
  }

  const std::string endpoint_;
  const Handler handler_;
  const std::shared_ptr<zmq::context_t> context_ = shared_context();
  zmq::socket_t socket_;
  std::deque<std::string> done_;
  bool failing_ = false;
  Thread thread_;
};

ZmqReceiver::ZmqReceiver(const std::string& endpoint, Handler handler)
    : impl_(std::make_unique<Impl>(endpoint, std::move(handler))) {}

ZmqReceiver::~ZmqReceiver() = default;

/// One message is on its way at a time: so their order stays, whatever is lost and sent again.
class ZmqSender::Impl {
 public:
  Impl(const std::string& outbox, std::string endpoint)
      : endpoint_(std::move(endpoint)), outbox_(outbox), socket_(*context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::immediate, true);  // nothing waits in ZeroMQ for a connection
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(kGlance.count()));
    socket_.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMilliseconds);  // finds out if the other machine is gone
    socket_.connect(endpoint_);
    thread_.start([this] { work(); });
  }

  ~Impl() {
    thread_.stop();
    if (ids_.empty()) return;
    terminal_log("Ending; left in the outbox for the next start: " + std::to_string(ids_.size()));
  }

  bool send(const std::string& message) {
    if (message.size() > kLargest) {
      terminal_log("A message of " + std::to_string(message.size()) + " bytes is too large for " + endpoint_);
      return false;
    }
    const std::lock_guard<std::mutex> lock(thread_.mutex);
    const bool is_full = ids_.size() >= kMostInOutbox;
    if (is_full && !full_) terminal_log("The outbox for " + endpoint_ + " is full: messages are refused");
    full_ = is_full;
    if (is_full) return false;
    const std::string id = Table::next_id();
    outbox_.add(id, {{"message", message}});
    ids_.push_back(id);
    thread_.changed.notify_all();
    return true;
  }

 private:
  void work() {
    while (!thread_.stopping()) {
      std::string why = "nobody answers";
      try {
        const std::optional<std::string> id = next();
        if (!id) continue;
        if (deliver(*id)) {
          forget(*id);
          why.clear();
        }
      } catch (const std::exception& error) {
        why = error.what();
        thread_.wait_between_tries();
      }
      tell(why);
    }
  }

  /// The id of the message that is to be sent, if there is one.
  std::optional<std::string> next() {
    std::unique_lock<std::mutex> lock(thread_.mutex);
    if (ids_.empty()) {
      const std::vector<std::string> left = outbox_.ids();
      ids_.assign(left.begin(), left.end());
      if (!ids_.empty()) terminal_log("In the outbox from before: " + std::to_string(ids_.size()));
    }
    if (ids_.empty()) thread_.changed.wait_for(lock, kBetweenTries);
    return ids_.empty() ? std::nullopt : std::optional(ids_.front());
  }

  /// True if there is nothing more to do for the message.
  bool deliver(const std::string& id) {
    const std::optional<Json> document = outbox_.get(id);
    if (!document) return true;  // bin/clear-db has wiped it
    const std::string message = text_at(*document, "message");
    const std::array parts{zmq::buffer(id), zmq::buffer(message)};
    bool is_sent = false;
    const auto end = std::chrono::steady_clock::now() + kBetweenTries;
    while (std::chrono::steady_clock::now() < end && !thread_.stopping()) {
      is_sent = is_sent || zmq::send_multipart(socket_, parts, zmq::send_flags::dontwait);
      const std::vector<std::string> answer = receive(socket_);
      if (answer.size() == 1 && answer[0] == id) return true;
    }
    return false;
  }

  void forget(const std::string& id) {
    const std::lock_guard<std::mutex> lock(thread_.mutex);
    outbox_.remove(id);
    ids_.pop_front();
  }

  void tell(const std::string& why) {
    if (why.empty() == !failing_ || thread_.stopping()) return;
    failing_ = !why.empty();
    terminal_log("ZeroMQ at " + endpoint_ + ": " + (failing_ ? why + ", trying again" : "messages are taken again"));
  }

  const std::string endpoint_;
  const Table outbox_;
  const std::shared_ptr<zmq::context_t> context_ = shared_context();
  zmq::socket_t socket_;
  std::deque<std::string> ids_;  ///< of what is in the outbox
  bool full_ = false;
  bool failing_ = false;
  Thread thread_;  ///< whose mutex is for the ids
};

ZmqSender::ZmqSender(const std::string& outbox, const std::string& endpoint) try
    : impl_(std::make_unique<Impl>(outbox, endpoint)) {
} catch (const zmq::error_t& error) {
  throw std::runtime_error("ZeroMQ at " + endpoint + ": " + error.what());
}

ZmqSender::~ZmqSender() = default;

bool ZmqSender::send(const std::string& message) { return impl_->send(message); }

}  // namespace workshop
