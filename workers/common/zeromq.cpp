#include "common/zeromq.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <zmq.hpp>

#include "common/log.hpp"

namespace workshop {
namespace {

constexpr int kKept = 1000;                // messages, at each end
constexpr int kLargest = 1024 * 1024;      // bytes of a message
constexpr int kLingerMilliseconds = 1000;  // to get rid of what is kept, when the program ends
constexpr std::chrono::seconds kBetweenTries{1};
constexpr std::chrono::milliseconds kGlance{200};  // how soon the thread sees that it shall end

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
  Impl(Post post, std::string endpoint, Handler handler)
      : post_(std::move(post)), endpoint_(std::move(endpoint)), handler_(std::move(handler)) {}

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
    while (!stopping()) {
      zmq::message_t message;
      try {
        if (!socket.recv(message)) continue;
      } catch (const zmq::error_t& error) {
        if (error.num() == EINTR) continue;
        terminal_log("ZeroMQ at " + endpoint_ + ": " + error.what());
        return;
      }
      hand_over(self, message.to_string());
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
    post_([self, message] { self->handle(message); });
    // The loop may have ended, and then nobody handles it.
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !busy_ || stopping_; });
  }

  void handle(const std::string& message) {
    try {
      if (!stopping()) handler_(message);
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      busy_ = false;
    }
    changed_.notify_all();
  }

  bool stopping() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stopping_;
  }

  const Post post_;
  const std::string endpoint_;
  const Handler handler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

ZmqReceiver::ZmqReceiver(Post post, const std::string& endpoint, Handler handler)
    : impl_(std::make_shared<Impl>(std::move(post), endpoint, std::move(handler))) {
  Impl::start(impl_);
}

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
