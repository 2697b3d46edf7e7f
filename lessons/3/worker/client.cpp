// Lesson 3: a program that goes on. The steps in lessons/3/README.md turn it into a WAMP client.

#include <chrono>
#include <string>
#include <thread>

#include "common/worker.hpp"

using workshop::terminal_log;

int main() {
  workshop::set_log_name("client");
  for (int count = 1;; ++count) {
    terminal_log("Still here: " + std::to_string(count));
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
}
