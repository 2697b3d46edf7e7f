#include "load/event_load.hpp"

namespace crosspoint::bench {

std::unique_ptr<Scenario> make_fanout(Network& network, Clients& clients) {
  return std::make_unique<EventLoad>(network, clients, 1, network.options().subscribers);
}

}  // namespace crosspoint::bench
