// Lesson 3, finished: a WAMP client that listens, answers and adds.

#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "common/worker.hpp"

using workshop::terminal_log;
using workshop::when_ready;

namespace {

workshop::Login login() {
  const char* url = std::getenv("ROUTER_URL");
  return {url != nullptr ? url : "ws://127.0.0.1:8003/ws", "somewhere-else", "alan", "definitelysecret"};
}

void listen(const workshop::Session& session) {
  const std::string topic = "test";
  auto subscribed = session->subscribe(topic, [session, topic](const autobahn::wamp_event& event) {
    terminal_log("Subscriber says: received \"" + event.argument<std::string>(0) + "\"");
    terminal_log("Publisher says: sending one back ...");
    session->publish(topic, std::vector<std::string>{"I am a robot"});
  });
  when_ready(std::move(subscribed), [topic](auto result) {
    try {
      result.get();
      terminal_log("Subscriber says: I subscribed to \"" + topic + "\"");
    } catch (const std::exception& error) {
      terminal_log(std::string("Subscriber says: I was refused: ") + error.what());
    }
  });
}

void serve(const workshop::Session& session) {
  const std::string name = "add";
  auto registered = session->provide(name, [](autobahn::wamp_invocation invocation) {
    const auto numbers = invocation->arguments<std::vector<double>>();
    const double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
    terminal_log("Procedure says: the sum of " + std::to_string(numbers.size()) + " numbers is " + std::to_string(sum));
    invocation->result(std::vector<double>{sum});
  });
  when_ready(std::move(registered), [name](auto result) {
    try {
      result.get();
      terminal_log("Procedure says: I registered \"" + name + "\"");
    } catch (const std::exception& error) {
      terminal_log(std::string("Procedure says: I was refused: ") + error.what());
    }
  });
}

}  // namespace

int main() {
  workshop::set_log_name("client");
  workshop::Worker worker(login());
  worker.on_open([](const workshop::Session& session, const workshop::Welcome& welcome) {
    terminal_log("Connection open: I am \"" + welcome.authid + "\" with the role \"" + welcome.authrole + "\"");
    listen(session);
    serve(session);
  });
  return worker.run();
}
