#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wamp/payload.hpp"

namespace crosspoint::bench {

/// Where the router listens, taken apart: ws://host:port/path, rs://host:port, or the same with TLS, wss:// and rss://.
struct Target {
  bool rawsocket = false;
  bool tls = false;
  std::string host;
  std::string port = "80";
  std::string path = "/";

  /// As in the Host header: an IPv6 address has its brackets again.
  std::string authority() const;
};

/// False if `url` is no such URL; `problem` says why.
bool parse_url(std::string_view url, Target& out, std::string& problem);

/// What the command line says. Counts belong to the scenarios that use them. `scenario` is "compare" for a comparison.
struct Options {
  std::string scenario;
  std::string url = "ws://127.0.0.1:8080/ws";
  Target target;
  std::string realm = "realm1";
  std::string serializer = "msgpack";
  wamp::Encoding encoding = wamp::Encoding::msgpack;
  /// Those of the subscribers in turn, in `fanout` and `pairs`; none: that of the publishers.
  std::vector<std::string> subscriber_serializers;
  std::string authid;
  std::string ticket;
  std::size_t payload = 64;
  double duration = 5;
  double warmup = 1;
  double timeout = 10;  ///< seconds without any progress after which a run is given up
  std::vector<int> pids;
  bool json = false;
  bool quiet = false;

  std::size_t subscribers = 100;
  std::size_t pairs = 10;
  std::size_t callers = 1;
  std::size_t callees = 1;
  std::size_t window = 0;  ///< 0: the scenario's own choice
  double rate = 1000;
  std::size_t concurrency = 16;
  std::size_t sessions = 1000;
  std::size_t connections = 2000;
  std::string gateway = "/gateway";         ///< the path of a gateway route
  std::string procedure = "bench.message";  ///< that the route calls
  std::size_t topics = 1000;

  // A comparison: the second router, and how the two are called.
  std::string against_url;
  Target against;
  std::vector<int> against_pids;
  std::string name = "first";
  std::string against_name = "second";
  std::vector<std::string> scenarios{"fanout", "pairs", "rpc", "latency", "connections"};
  std::size_t rounds = 5;
  std::string svg;  ///< the file for the plot; empty: none
  bool subscribers_given = false;
};

/// What parsing the command line came to. Without `run` the program ends with `exit_code`.
struct Parsed {
  bool run = false;
  int exit_code = 0;
  Options options;
};

/// Parses the command line. Help goes to standard output, the one line about a mistake to standard error.
Parsed parse_command_line(int argc, char** argv);

}  // namespace crosspoint::bench
