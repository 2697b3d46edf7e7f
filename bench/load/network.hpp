#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "base/io_thread.hpp"
#include "base/random.hpp"
#include "load/options.hpp"
#include "serializers/scratch.hpp"
#include "serializers/serializers.hpp"
#include "transports/stream.hpp"
#include "transports/tls_context.hpp"

namespace crosspoint::bench {

/// What all clients of the program share: the one thread, its sockets, the router's address, and what messages are
/// encoded and decoded with.
class Network {
 public:
  /// Looks the host up. Throws Failure if that fails.
  explicit Network(const Options& options);
  ~Network();

  const Options& options() const { return options_; }
  const serializers::Serializer& serializer() const { return serializer_; }
  const transports::TlsContext& tls() const { return tls_; }
  const boost::asio::ip::tcp::resolver::results_type& addresses() const { return addresses_; }
  /// HELLO's Details.
  wamp::Dict hello_details() const;

  base::IoThread io{0};
  transports::StreamSet streams{io};
  serializers::Encoder encoder;
  serializers::Scratch scratch;
  base::Random random = base::Random::from_system();

 private:
  const Options& options_;
  const serializers::Serializer& serializer_;
  transports::TlsContext tls_{settings::Tls()};
  boost::asio::ip::tcp::resolver::results_type addresses_;
  std::string hello_details_;
};

/// Has this process use as many sockets as its hard limit allows.
void raise_descriptor_limit();

}  // namespace crosspoint::bench
