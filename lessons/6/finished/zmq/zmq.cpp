// Lesson 6, finished: stores the messages that arrive over ZeroMQ.

#include <chrono>
#include <string>

#include "common/chat.hpp"
#include "common/log.hpp"
#include "common/loop.hpp"
#include "common/zeromq.hpp"

using workshop::Json;
using workshop::terminal_log;

int main() {
  workshop::set_log_name("zmq");
  workshop::Loop loop;
  loop.after(std::chrono::seconds(1), [] { terminal_log("The loop runs; I will say so every five minutes"); });
  loop.every(std::chrono::minutes(5), [] { terminal_log("Still running"); });

  const std::string endpoint = workshop::environment("ZMQ_MESSAGES", "tcp://127.0.0.1:9116");
  workshop::ZmqReceiver receiver(endpoint, [](const std::string& message) {
    terminal_log("Got " + message);
    workshop::store_message(Json::parse(message));
    terminal_log("Saved the message");
  });

  return loop.run();
}
