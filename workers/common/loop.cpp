#include "common/loop.hpp"

#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <memory>

#include "common/log.hpp"

namespace workshop {

Loop::Loop() : signals_(io_, SIGINT, SIGTERM) {}

void Loop::after(std::chrono::milliseconds delay, std::function<void()> job) {
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, delay);
  timer->async_wait([timer, job = std::move(job)](const boost::system::error_code& stopped) {
    if (!stopped) job();
  });
}

void Loop::every(std::chrono::milliseconds interval, const std::function<void()>& job) {
  after(interval, [this, interval, job] {
    job();
    every(interval, job);
  });
}

int Loop::run() {
  signals_.async_wait([this](const boost::system::error_code&, int) { io_.stop(); });
  try {
    io_.run();
  } catch (const std::exception& error) {
    terminal_log(std::string("Ending: ") + error.what());
    return 1;
  }
  return 0;
}

}  // namespace workshop
