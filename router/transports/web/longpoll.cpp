#include "transports/longpoll_service.hpp"
#include "transports/web/services.hpp"

namespace crosspoint::transports::web {

std::unique_ptr<HttpService> make_longpoll(const settings::LongPoll& settings, const ServiceContext& context) {
  return std::make_unique<LongPollService>(settings, context.make_longpoll_endpoint(settings));
}

}  // namespace crosspoint::transports::web
