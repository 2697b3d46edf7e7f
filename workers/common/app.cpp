#include "common/app.hpp"

#include <csignal>
#include <thread>

#include "common/log.hpp"
#include "common/unreachable.hpp"

namespace workshop {
namespace {

constexpr std::size_t kLargestBody = 64 * 1024;

/// What a browser's script of another origin may do, for its preflight question and the answer itself. Nothing here
/// depends on cookies, so that any origin may.
void allow_pages(httplib::Response& response) {
  response.set_header("Access-Control-Allow-Origin", "*");
  response.set_header("Access-Control-Allow-Methods", "POST, OPTIONS");
  response.set_header("Access-Control-Allow-Headers", "Content-Type");
  response.set_header("Access-Control-Max-Age", "600");
}

void prepare(httplib::Server& server) {
  server.set_payload_max_length(kLargestBody);
  server.set_read_timeout(5);
  server.set_keep_alive_timeout(2);
  server.set_tcp_nodelay(true);
  // The library's own choice, SO_REUSEPORT, would let two programs have one port.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server.set_exception_handler(
      [](const httplib::Request& request, httplib::Response& response, std::exception_ptr problem) {
        try {
          std::rethrow_exception(problem);
        } catch (const HttpRefusal& refusal) {
          answer(response, refusal.status(), {{"error", refusal.what()}});
        } catch (const Unreachable& error) {
          terminal_log("Error at " + request.method + " " + request.path + ": " + error.what());
          answer(response, 503, {{"error", "something is missing here, try again later"}});
        } catch (const std::exception& error) {
          terminal_log("Error at " + request.method + " " + request.path + ": " + error.what());
          answer(response, 500, {{"error", "something went wrong here"}});
        }
      });
  server.set_logger([](const httplib::Request& request, const httplib::Response& response) {
    // Without the query: there may be names in it.
    terminal_log(request.method + " " + request.path + " " + std::to_string(response.status));
  });
}

bool bind(httplib::Server& server, std::string& address) {
  const std::size_t colon = address.rfind(':');
  try {
    const std::string host = address.substr(0, colon);
    const int port = colon == std::string::npos ? -1 : std::stoi(address.substr(colon + 1));
    if (port > 0 && server.bind_to_port(host, port)) return true;
    if (port == 0) {
      const int chosen = server.bind_to_any_port(host);
      address = host + ":" + std::to_string(chosen);
      return chosen > 0;
    }
  } catch (const std::exception&) {
    // no number
  }
  return false;
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

App::App(int lesson) {
  const std::string name = "APP_" + std::to_string(lesson);
  const std::string port = std::to_string(10 + lesson);
  address_ = environment(name + "_ADDRESS", "0.0.0.0:80" + port);
  internal_address_ = environment(name + "_INTERNAL_ADDRESS", "127.0.0.1:90" + port);
  prepare(open_);
  prepare(internal_);
  // Before there are any threads, so that all have it: the signals are for sigwait() in run().
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void App::get(const std::string& path, Handler handler) { open_.Get(path, std::move(handler)); }
void App::post(const std::string& path, Handler handler) { open_.Post(path, std::move(handler)); }
void App::internal_get(const std::string& path, Handler handler) { internal_.Get(path, std::move(handler)); }
void App::internal_post(const std::string& path, Handler handler) { internal_.Post(path, std::move(handler)); }

void App::post_from_pages(const std::string& path, const Handler& handler) {
  open_.Options(path, [](const httplib::Request&, httplib::Response& response) {
    allow_pages(response);
    response.status = 204;
  });
  open_.Post(path, [handler](const httplib::Request& request, httplib::Response& response) {
    allow_pages(response);
    handler(request, response);
  });
}

int App::run() {
  for (auto [server, address] : {std::pair{&open_, &address_}, std::pair{&internal_, &internal_address_}}) {
    if (bind(*server, *address)) continue;
    terminal_log("Cannot listen on " + *address + ": is it in use, or no address?");
    return 1;
  }
  terminal_log("Listening on " + address_ + ", for our own programs on " + internal_address_);
  std::thread open([this] { open_.listen_after_bind(); });
  std::thread internal([this] { internal_.listen_after_bind(); });
  const sigset_t signals = ending_signals();
  int signal = 0;
  sigwait(&signals, &signal);
  for (httplib::Server* server : {&open_, &internal_}) {
    while (!server->is_running()) std::this_thread::yield();  // stop() before that would be forgotten
    server->stop();
  }
  open.join();
  internal.join();
  return 0;
}

Json json_body(const httplib::Request& request) {
  // A page from elsewhere can send other types without asking first.
  if (request.get_header_value("Content-Type").rfind("application/json", 0) != 0) {
    throw HttpRefusal(415, "the body must be JSON, with the header \"Content-Type: application/json\"");
  }
  Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) throw HttpRefusal(400, "the body must be a JSON object");
  return body;
}

std::string needed(const Json& body, const std::string& key) {
  std::string text = text_at(body, key);
  if (text.empty()) throw HttpRefusal(400, "the text \"" + key + "\" is missing");
  return text;
}

void answer(httplib::Response& response, int status, const Json& body) {
  response.status = status;
  response.set_content(text_of(body) + "\n", "application/json");
}

}  // namespace workshop
