// Lesson 6: will store the messages that arrive over ZeroMQ. The steps in lessons/6/README.md turn it into that.

#include <string>

#include "common/chat.hpp"
#include "common/log.hpp"
#include "common/loop.hpp"
#include "common/zeromq.hpp"

using workshop::Json;
using workshop::terminal_log;

int main() {
  workshop::set_log_name("zmq");
  terminal_log("I have nothing to do yet");
  return 0;
}
