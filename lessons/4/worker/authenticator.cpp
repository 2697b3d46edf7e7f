// Lesson 4: the program that decides who may join the realm. The steps in lessons/4/README.md turn it into that.

#include <string>

#include "common/wamp.hpp"

using workshop::Json;
using workshop::terminal_log;

int main(int argc, char** argv) {
  workshop::set_log_name("authenticator");
  terminal_log("I was started with " + std::to_string(argc - 1) + " arguments and have nothing to do yet");
  return 0;
}
