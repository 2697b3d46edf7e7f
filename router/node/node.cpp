#include "node/node.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>

#include "base/log.hpp"
#include "node/notify.hpp"
#include "node/version.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::node {
namespace {

/// How long sessions may take to answer GOODBYE, and connections to close.
constexpr std::chrono::seconds kSessionTime{5};
constexpr std::chrono::milliseconds kConnectionTime{500};
constexpr std::chrono::milliseconds kLook{10};

std::string default_node_id() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  std::string id = std::string(name.data()) + "-" + std::to_string(::getpid());
  for (char& c : id) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return id;
}

/// As many descriptors as the system lets us have: each connection is one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Node::Node(settings::Node settings)
    : settings_(std::move(settings)), signals_(context_, SIGINT, SIGTERM), timer_(context_) {
  if (settings_.controller.id.empty()) settings_.controller.id = default_node_id();
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
}

Node::~Node() = default;

std::optional<std::string> Node::start() {
  log::write(log::Level::info, "Controller", "Booting Crosspoint {} node \"{}\"", kVersion, settings_.controller.id);
  log::write(log::Level::info, "Controller", "Will start {} worker{} ..", settings_.workers.size(),
             settings_.workers.size() == 1 ? "" : "s");
  std::vector<std::string> ids;
  for (const auto& worker : settings_.workers) {
    const auto* router = std::get_if<settings::RouterWorker>(&worker.kind);
    if (worker.disabled) {
      log::warn("SKIP STARTING OF WORKER ! ({} is disabled)", worker.id);
      continue;
    }
    if (router == nullptr) return worker.path + ": workers of this type are not available";
    routers_.push_back(std::make_unique<RouterWorker>(*router, worker.id, settings_.controller.id));
    ids.push_back(worker.id);
    std::string problem;
    if (!routers_.back()->open(problem)) {
      routers_.clear();
      return problem;
    }
  }
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    routers_[i]->start();
    log::info("Router worker \"{}\" started", ids[i]);
    for (const auto& address : routers_[i]->addresses()) log::info("listening on {}", address);
  }
  log::write(log::Level::info, "Controller", "Ok, local node configuration ran successfully.");
  notify_ready();
  return std::nullopt;
}

void Node::run(std::optional<std::chrono::seconds> shutdown_after) {
  wait_for_signal();
  if (shutdown_after) {
    timer_.expires_after(*shutdown_after);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) begin_shutdown("the time of --shutdownafter is over");
    });
  }
  context_.run();
  for (const auto& router : routers_) router->join();
  log::write(log::Level::info, "Controller", "Node stopped");
}

void Node::wait_for_signal() {
  signals_.async_wait([this](boost::system::error_code error, int signal) {
    if (error) return;
    if (stopping_) {
      log::warn("second signal: not waiting any longer");
      return context_.stop();
    }
    wait_for_signal();
    begin_shutdown(signal == SIGINT ? "SIGINT" : "SIGTERM");
  });
}

void Node::begin_shutdown(const std::string& why) {
  if (stopping_) return;
  stopping_ = true;
  log::write(log::Level::info, "Controller", "Shutting down: {}", why);
  for (const auto& router : routers_) router->stop_listening();
  for (const auto& router : routers_) router->say_goodbye(wamp::kSystemShutdown);
  deadline_ = std::chrono::steady_clock::now() + kSessionTime;
  wait_for_sessions();
}

std::size_t Node::total(std::size_t (RouterWorker::*count)() const) const {
  std::size_t sum = 0;
  for (const auto& router : routers_) sum += (router.get()->*count)();
  return sum;
}

void Node::wait_for_sessions() {
  if (total(&RouterWorker::session_count) == 0 || std::chrono::steady_clock::now() > deadline_) {
    return close_connections();
  }
  timer_.expires_after(kLook);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) wait_for_sessions();
  });
}

void Node::close_connections() {
  deadline_ = std::chrono::steady_clock::now() + kConnectionTime;
  // Clients that have said goodbye close by themselves, which is the better end for them.
  wait_for_connections();
}

void Node::wait_for_connections() {
  if (total(&RouterWorker::connection_count) == 0 || std::chrono::steady_clock::now() > deadline_) {
    return context_.stop();
  }
  timer_.expires_after(kLook);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) wait_for_connections();
  });
}

}  // namespace crosspoint::node
