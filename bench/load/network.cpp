#include "load/network.hpp"

#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "load/failure.hpp"
#include "serializers/value.hpp"

namespace crosspoint::bench {

Network::Network(const Options& options) : options_(options), serializer_(serializers::of(options.encoding)) {
  boost::asio::ip::tcp::resolver resolver(io.context());
  boost::system::error_code error;
  addresses_ = resolver.resolve(options.target.host, options.target.port, error);
  if (error) throw Failure("cannot find host " + options.target.host + ": " + error.message());

  tls_.load_trusting_client();
  nlohmann::json details;
  for (const char* role : {"publisher", "subscriber", "caller", "callee"}) {
    details["roles"][role] = nlohmann::json::object();
  }
  if (!options.authid.empty()) {
    details["authid"] = options.authid;
    details["authmethods"] = {"ticket"};
  }
  serializers::append_value(options.encoding, details, hello_details_);
}

Network::~Network() { streams.clear(); }

wamp::Dict Network::hello_details() const {
  wamp::Dict dict;
  dict.encoding = options_.encoding;
  dict.bytes = base::as_bytes(hello_details_);
  return dict;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace crosspoint::bench
