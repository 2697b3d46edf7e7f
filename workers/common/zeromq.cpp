#include "common/zeromq.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <zmq.hpp>

#include "common/log.hpp"
#include "common/loop.hpp"

namespace workshop {
namespace {

constexpr int kKept = 1000;                // messages, at each end
constexpr int kLargest = 1024 * 1024;      // bytes of a message
constexpr int kLingerMilliseconds = 1000;  // to get rid of what is kept, when the program ends
constexpr std::chrono::seconds kBetweenTries{1};
constexpr std::chrono::milliseconds kGlance{200};  // how soon the thread sees that it shall end
constexpr std::chrono::seconds kTimeToFinish{2};

/// One for all sockets of the program. The last of them to go waits until what is kept has been sent (or a second).
std::shared_ptr<zmq::context_t> shared_context() {
  static std::mutex mutex;
  static std::weak_ptr<zmq::context_t> weak;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<zmq::context_t> context = weak.lock();
  if (!context) weak = context = std::make_shared<zmq::context_t>();
  return context;
}

}  // namespace

class ZmqReceiver::Impl {
 public:
  Impl(Post post, std::string endpoint, Handler handler, bool finishes)
      : post_(std::move(post)), endpoint_(std::move(endpoint)), handler_(std::move(handler)), finishes_(finishes) {}

  static void start(const std::shared_ptr<Impl>& self) {
    self->thread_ = std::thread([self] { self->receive(self); });
  }

  void stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void receive(const std::shared_ptr<Impl>& self) {
    const std::shared_ptr<zmq::context_t> context = shared_context();
    zmq::socket_t socket(*context, zmq::socket_type::pull);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::rcvhwm, kKept);
    socket.set(zmq::sockopt::maxmsgsize, std::int64_t{kLargest});
    socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(kGlance.count()));
    if (!bind(socket)) return;
    try {
      while (!stopping()) {
        if (const auto message = next(socket)) hand_over(self, *message);
      }
      if (finishes_) finish(socket);
    } catch (const zmq::error_t& error) {
      terminal_log("ZeroMQ at " + endpoint_ + ": " + error.what());
    }
  }

  static std::optional<std::string> next(zmq::socket_t& socket) {
    zmq::message_t message;
    try {
      if (socket.recv(message)) return message.to_string();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    return std::nullopt;
  }

  /// The senders think that what has arrived here is in good hands. The loop has ended, and so this thread handles it.
  void finish(zmq::socket_t& socket) {
    socket.unbind(endpoint_);
    const auto end = std::chrono::steady_clock::now() + kTimeToFinish;
    while (const auto message = next(socket)) {
      if (std::chrono::steady_clock::now() > end) return terminal_log("Ending, though there are messages left");
      handle(*message);
    }
  }

  bool bind(zmq::socket_t& socket) {
    for (bool told = false;; told = true) {
      try {
        socket.bind(endpoint_);
        terminal_log("Listening for ZeroMQ messages on " + endpoint_);
        return true;
      } catch (const zmq::error_t& error) {
        if (!told) terminal_log("ZeroMQ at " + endpoint_ + ": " + error.what() + ", trying again every second");
      }
      std::unique_lock<std::mutex> lock(mutex_);
      if (changed_.wait_for(lock, kBetweenTries, [this] { return stopping_; })) return false;
    }
  }

  void hand_over(const std::shared_ptr<Impl>& self, const std::string& message) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      busy_ = true;
    }
    post_([self, message] {
      self->handle(message);
      {
        const std::lock_guard<std::mutex> lock(self->mutex_);
        self->busy_ = false;
      }
      self->changed_.notify_all();
    });
    bool is_done = false;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return !busy_ || stopping_; });
      is_done = !busy_;
    }
    // The loop has ended without it.
    if (!is_done && finishes_) handle(message);
  }

  void handle(const std::string& message) {
    try {
      handler_(message);
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
    }
  }

  bool stopping() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }

  const Post post_;
  const std::string endpoint_;
  const Handler handler_;
  const bool finishes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

ZmqReceiver::ZmqReceiver(Post post, const std::string& endpoint, Handler handler, bool finishes)
    : impl_(std::make_shared<Impl>(std::move(post), endpoint, std::move(handler), finishes)) {
  Impl::start(impl_);
}

ZmqReceiver::ZmqReceiver(Loop& loop, const std::string& endpoint, Handler handler)
    : ZmqReceiver([&loop](std::function<void()> job) { loop.post(std::move(job)); }, endpoint, std::move(handler),
                  true) {}

ZmqReceiver::~ZmqReceiver() { impl_->stop(); }

class ZmqSender::Impl {
 public:
  explicit Impl(const std::string& to) : endpoint(to), socket(*context, zmq::socket_type::push) {
    socket.set(zmq::sockopt::linger, kLingerMilliseconds);
    socket.set(zmq::sockopt::sndhwm, kKept);
    socket.connect(endpoint);
  }

  const std::string endpoint;
  const std::shared_ptr<zmq::context_t> context = shared_context();
  std::mutex mutex;
  zmq::socket_t socket;
  bool told = false;
};

ZmqSender::ZmqSender(const std::string& endpoint) try : impl_(std::make_unique<Impl>(endpoint)) {
} catch (const zmq::error_t& error) {
  throw std::runtime_error("ZeroMQ at " + endpoint + ": " + error.what());
}

ZmqSender::~ZmqSender() = default;

bool ZmqSender::send(const std::string& message) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  bool sent = false;
  std::string why = "nobody takes the messages";
  try {
    sent = impl_->socket.send(zmq::buffer(message), zmq::send_flags::dontwait).has_value();
  } catch (const zmq::error_t& error) {
    why = error.what();
  }
  if (!sent && !impl_->told) terminal_log("ZeroMQ at " + impl_->endpoint + ": " + why + ", they are dropped");
  if (sent && impl_->told) terminal_log("ZeroMQ at " + impl_->endpoint + ": messages are taken again");
  impl_->told = !sent;
  return sent;
}

}  // namespace workshop
