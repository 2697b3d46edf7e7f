#include "node/node.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cctype>
#include <csignal>
#include <utility>

#include "base/log.hpp"
#include "guests/orphans.hpp"
#include "node/notify.hpp"
#include "node/version.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::node {
namespace {

/// How long the gateway's workers and connections may take to end, sessions to answer GOODBYE, and connections to
/// close.
constexpr std::chrono::seconds kGatewayTime{5};
constexpr std::chrono::seconds kSessionTime{5};
constexpr std::chrono::milliseconds kConnectionTime{500};
constexpr std::chrono::milliseconds kLook{10};
/// How long clients wait for a node to join its cluster.
constexpr std::chrono::seconds kJoinTime{10};

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
    : settings_(std::move(settings)),
      signals_(context_, SIGINT, SIGTERM),
      reload_signals_(context_, SIGHUP),
      child_signals_(context_, SIGCHLD),
      timer_(context_),
      join_timer_(context_) {
  if (settings_.controller.id.empty()) settings_.controller.id = default_node_id();
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
}

Node::~Node() = default;

std::optional<std::string> Node::start() {
  log::write(log::Level::info, "Controller", "Booting Crosspoint {} node \"{}\"", kVersion, settings_.controller.id);
  log::write(log::Level::info, "Controller", "Will start {} worker{} ..", settings_.workers.size(),
             settings_.workers.size() == 1 ? "" : "s");
  if (auto problem = prepare()) {
    routers_.clear();
    guests_.clear();
    return problem;
  }
  for (const auto& router : routers_) {
    router->start([this] { boost::asio::post(context_, [this] { serve(); }); });
  }
  // There is one at most.
  const bool clustered =
      std::any_of(routers_.begin(), routers_.end(), [](const auto& router) { return router->is_clustered(); });
  clustered ? wait_for_cluster() : serve();
  return std::nullopt;
}

void Node::wait_for_cluster() {
  // Before, its clients would miss what others publish, and call in vain what others have registered.
  join_timer_.expires_after(kJoinTime);
  join_timer_.async_wait([this](boost::system::error_code error) {
    if (error || serving_ || stopping_) return;
    log::warn("the node has not joined its cluster within {} s: it takes clients now", kJoinTime.count());
    serve();
  });
}

void Node::serve() {
  if (stopping_ || std::exchange(serving_, true)) return;
  join_timer_.cancel();
  for (std::size_t i = 0; i < routers_.size(); ++i) {
    routers_[i]->listen();
    log::info("Router worker \"{}\" started", router_ids_[i]);
    for (const auto& address : routers_[i]->addresses()) log::info("listening on {}", address);
  }
  // Guests are clients as a rule: they find the routers ready.
  if (!guests_.empty()) guests::adopt_orphans();
  wait_for_children();
  for (const auto& guest : guests_) guest->start();
  log::write(log::Level::info, "Controller", "Ok, local node configuration ran successfully.");
  notify_ready();
}

std::optional<std::string> Node::prepare() {
  InheritedSockets inherited = InheritedSockets::from_environment();
  for (const auto& worker : settings_.workers) {
    if (worker.disabled) {
      log::warn("SKIP STARTING OF WORKER ! ({} is disabled)", worker.id);
      continue;
    }
    std::string problem;
    if (const auto* router = std::get_if<settings::RouterWorker>(&worker.kind)) {
      routers_.push_back(std::make_unique<RouterWorker>(*router, worker.id, settings_.controller.id, scripts_));
      router_ids_.push_back(worker.id);
      const auto clustered = [](const settings::Realm& realm) { return realm.clustered; };
      if (std::any_of(router->realms.begin(), router->realms.end(), clustered)) {
        routers_.back()->join_cluster(*settings_.cluster);
      }
      if (!routers_.back()->open(inherited, problem)) return problem;
    } else if (const auto* guest = std::get_if<settings::GuestWorker>(&worker.kind)) {
      guests_.push_back(std::make_unique<guests::Guest>(context_, *guest, worker.id));
      if (!guests_.back()->prepare(problem)) return worker.path + ": " + problem;
    } else {
      return worker.path + ": workers of this type are not available";
    }
  }
  inherited.close_rest();
  return std::nullopt;
}

void Node::wait_for_children() {
  child_signals_.async_wait([this](boost::system::error_code error, int) {
    if (error) return;
    wait_for_children();
    reap_children();
  });
}

void Node::reap_children() {
  for (siginfo_t child{}; ::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid > 0;
       child = {}) {
    const int pid = child.si_pid;
    scripts_.on_exit(pid);
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return;
    // Others are scripts, and orphans of guests and scripts that have ended.
    const auto at =
        std::find_if(guests_.begin(), guests_.end(), [pid](const auto& guest) { return guest->pid() == pid; });
    if (at != guests_.end()) (*at)->on_exit(status);
  }
}

bool Node::guests_running() const {
  return std::any_of(guests_.begin(), guests_.end(), [](const auto& guest) { return guest->running(); });
}

void Node::run(std::optional<std::chrono::seconds> shutdown_after) {
  wait_for_signal();
  wait_for_reload();
  if (shutdown_after) {
    timer_.expires_after(*shutdown_after);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) begin_shutdown("the time of --shutdownafter is over");
    });
  }
  context_.run();
  if (!guests_.empty()) guests::kill_children();
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

void Node::wait_for_reload() {
  reload_signals_.async_wait([this](boost::system::error_code error, int) {
    if (error) return;
    std::size_t count = 0;
    for (const auto& router : routers_) count += router->reload_certificates();
    log::write(log::Level::info, "Controller", "SIGHUP: certificates of {} endpoint{} read again", count,
               count == 1 ? "" : "s");
    wait_for_reload();
  });
}

void Node::begin_shutdown(const std::string& why) {
  if (stopping_) return;
  stopping_ = true;
  join_timer_.cancel();
  log::write(log::Level::info, "Controller", "Shutting down: {}", why);
  for (const auto& router : routers_) router->stop_listening();
  for (const auto& router : routers_) router->shut_down_gateway();
  deadline_ = std::chrono::steady_clock::now() + kGatewayTime;
  wait_for_gateway();
}

void Node::wait_for_gateway() {
  // The workers are needed until their connections have ended; they may be guests.
  if (total(&RouterWorker::gateway_count) == 0 || std::chrono::steady_clock::now() > deadline_) return end_sessions();
  timer_.expires_after(kLook);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) wait_for_gateway();
  });
}

void Node::end_sessions() {
  for (const auto& guest : guests_) guest->stop();
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
  const auto now = std::chrono::steady_clock::now();
  const bool sessions = total(&RouterWorker::session_count) > 0 && now <= deadline_;
  // A guest that has to be killed needs a moment more than the time it was given.
  const bool guests = guests_running() && now <= deadline_ + kSessionTime;
  if (!sessions && !guests) {
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
