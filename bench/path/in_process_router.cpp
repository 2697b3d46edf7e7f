#include "path/in_process_router.hpp"

#include <ctime>

#include "auth/methods.hpp"
#include "micro/allocations.hpp"
#include "path/instructions.hpp"
#include "realm/permissions.hpp"
#include "settings/auth.hpp"
#include "settings/transport.hpp"

namespace crosspoint::bench {
namespace {

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

InProcessRouter::InProcessRouter() : io_(0), streams_(io_), router_({&io_}, {"node", "worker"}) {
  io_.post([this] { io_.stop(); });
  io_.run();  // makes this thread the I/O thread
  io_.context().restart();
  router_.add_realm("realm1", {})->add_role("anonymous", realm::make_fixed_authorizer({true, false}));
  connection::AuthMethods methods;
  methods.emplace_back("anonymous", auth::make_anonymous({"anonymous", {}}));
  endpoint_ = std::make_unique<connection::Endpoint>(router_, std::move(methods));
  service_ = std::make_unique<transports::WebSocketService>(settings::WebSocket{}, *endpoint_);
}

void InProcessRouter::accept(int fd) {
  transports::Stream* stream = streams_.add(fd, "unix", "unix");
  stream->set_protocol(std::make_unique<transports::HttpProtocol>(*stream, *service_, options_));
}

void InProcessRouter::run() {
  const std::uint64_t before = bench::allocations();
  const double since = thread_cpu_seconds();
  {
    CountedInstructions counted;
    while (io_.context().poll() != 0) {
    }
  }
  cpu_seconds_ += thread_cpu_seconds() - since;
  allocations_ += bench::allocations() - before;
}

}  // namespace crosspoint::bench
