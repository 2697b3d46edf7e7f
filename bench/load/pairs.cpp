#include "load/event_load.hpp"

namespace crosspoint::bench {

std::unique_ptr<Scenario> make_pairs(Network& network, Clients& clients) {
  return std::make_unique<EventLoad>(network, clients, network.options().pairs, 1);
}

}  // namespace crosspoint::bench
