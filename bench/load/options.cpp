#include "load/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iostream>

#include "load/failure.hpp"
#include "load/process_usage.hpp"
#include "serializers/serializers.hpp"

namespace crosspoint::bench {
namespace {

/// Larger texts would not fit a message of 16 MiB, the most that many routers take.
constexpr std::size_t kMaxPayload = 15'000'000;
constexpr std::size_t kMaxSessions = 1'000'000;

void add_count(CLI::App& command, const char* name, std::size_t& value, const char* text) {
  command.add_option(name, value, text)->check(CLI::Range(std::size_t{1}, kMaxSessions))->capture_default_str();
}

void add_window(CLI::App& command, Options& options, const char* text) {
  command.add_option("--window", options.window, text)->check(CLI::Range(std::size_t{1}, std::size_t{1} << 20));
}

const std::vector<std::string> kComparable{"fanout", "pairs", "rpc", "latency", "connections", "churn", "idle"};

/// Both routers run the same scenarios with the same flags.
void add_comparison(CLI::App& app, Options& options) {
  CLI::App* compare = app.add_subcommand("compare", "scenarios at two routers in turn: a table, and a plot");
  compare->add_option("--against", options.against_url, "the other router's WebSocket")->required();
  compare->add_option("--against-pid", options.against_pids, "the other router's process (repeat for several)");
  compare->add_option("--name", options.name, "what to call the router at --url")->capture_default_str();
  compare->add_option("--against-name", options.against_name, "what to call the other one")->capture_default_str();
  compare->add_option("--scenarios", options.scenarios, "which, with commas between them")
      ->delimiter(',')
      ->check(CLI::IsMember(kComparable))
      ->capture_default_str();
  compare->add_option("--rounds", options.rounds, "how often each runs at each router")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))
      ->capture_default_str();
  compare->add_option("--svg", options.svg, "write the plot to this file");
  add_count(*compare, "--subscribers", options.subscribers, "fanout, latency");
  add_count(*compare, "--pairs", options.pairs, "pairs");
  add_count(*compare, "--callers", options.callers, "rpc");
  add_count(*compare, "--callees", options.callees, "rpc");
  add_count(*compare, "--concurrency", options.concurrency, "connections");
  add_count(*compare, "--sessions", options.sessions, "churn, idle");
  add_count(*compare, "--topics", options.topics, "churn");
  add_window(*compare, options, "fanout, pairs, rpc, churn");
  compare->add_option("--rate", options.rate, "latency")->check(CLI::Range(0.1, 10'000'000.0))->capture_default_str();
}

void add_subscriber_serializers(CLI::App& command, Options& options) {
  command
      .add_option("--subscriber-serializers", options.subscriber_serializers,
                  "what the subscribers speak in turn, with commas between them (default: --serializer)")
      ->delimiter(',')
      ->check(CLI::IsMember({"json", "msgpack", "cbor", "ubjson"}));
}

/// Each subcommand has the common flags itself, so that its own --help shows them.
void add_common(CLI::App& command, Options& options) {
  command.add_option("--url", options.url, "the router: ws://host:port/path or rs://host:port; wss://, rss:// for TLS")
      ->capture_default_str();
  command.add_option("--realm", options.realm, "realm to join")->capture_default_str();
  command.add_option("--serializer", options.serializer, "json, msgpack, cbor or ubjson")
      ->check(CLI::IsMember({"json", "msgpack", "cbor", "ubjson"}))
      ->capture_default_str();
  command.add_option("--authid", options.authid, "sign in under this name with a ticket (without it: anonymous)");
  command.add_option("--ticket", options.ticket, "the ticket; better kept from `ps` in $CROSSPOINT_BENCH_TICKET")
      ->envname("CROSSPOINT_BENCH_TICKET");
  command.add_option("--payload", options.payload, "bytes of text in each message")
      ->check(CLI::Range(std::size_t{0}, kMaxPayload))
      ->capture_default_str();
  command.add_option("--duration", options.duration, "seconds to measure")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str();
  command.add_option("--warmup", options.warmup, "seconds of load before measuring")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  command.add_option("--timeout", options.timeout, "give up after so many seconds in which nothing arrives")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  command.add_option("--pid", options.pids, "the router's process (repeat for several): its CPU time and memory");
  command.add_flag("--json", options.json, "print one JSON document instead of a table");
  command.add_flag("--quiet", options.quiet, "no progress lines");
}

void add_scenarios(CLI::App& app, Options& options) {
  CLI::App* fanout = app.add_subcommand("fanout", "one publisher, many subscribers of its topic");
  add_count(*fanout, "--subscribers", options.subscribers, "subscribers");
  add_window(*fanout, options, "publications not yet seen by all subscribers (default: 256, less if they are large)");
  add_subscriber_serializers(*fanout, options);

  CLI::App* pairs = app.add_subcommand("pairs", "many publishers, each with a topic and one subscriber of its own");
  add_count(*pairs, "--pairs", options.pairs, "publishers, and as many subscribers");
  add_window(*pairs, options, "publications of a publisher not yet seen (default: 256, less if they are large)");
  add_subscriber_serializers(*pairs, options);

  CLI::App* rpc = app.add_subcommand("rpc", "callers that call the procedures of callees");
  add_count(*rpc, "--callers", options.callers, "sessions that call");
  add_count(*rpc, "--callees", options.callees, "sessions with one procedure each");
  add_window(*rpc, options, "calls that a caller keeps under way (default: 32)");

  CLI::App* latency = app.add_subcommand("latency", "how long events take at a fixed rate");
  latency->add_option("--rate", options.rate, "publications per second")
      ->check(CLI::Range(0.1, 10'000'000.0))
      ->capture_default_str();
  add_count(*latency, "--subscribers", options.subscribers, "subscribers (default here: 1)");

  CLI::App* connections = app.add_subcommand("connections", "sessions opened and closed again, over and over");
  add_count(*connections, "--concurrency", options.concurrency, "sessions being opened or closed at a time");

  CLI::App* gateway = app.add_subcommand("gateway", "connections without WAMP, and their worker (Crosspoint only)");
  add_count(*gateway, "--connections", options.connections, "plain WebSocket connections");
  gateway->add_option("--gateway", options.gateway, "the path of the gateway route")->capture_default_str();
  gateway->add_option("--procedure", options.procedure, "the route's procedure for messages")->capture_default_str();

  CLI::App* idle = app.add_subcommand("idle", "sessions that do nothing: their memory; needs --pid");
  add_count(*idle, "--sessions", options.sessions, "sessions");

  CLI::App* churn = app.add_subcommand("churn", "sessions that subscribe and unsubscribe, over and over");
  add_count(*churn, "--sessions", options.sessions, "sessions (default here: 100)");
  add_count(*churn, "--topics", options.topics, "topics that they subscribe to in turn");
  add_window(*churn, options, "requests that a session keeps under way (default: 4)");

  add_comparison(app, options);
  for (CLI::App* command : app.get_subcommands({})) add_common(*command, options);
}

void check_processes(const std::string& flag, const std::vector<int>& pids) {
  for (const int pid : pids) {
    if (!process_exists(pid)) throw UsageError(flag + ": there is no process " + std::to_string(pid));
  }
}

void finish_comparison(Options& options, const CLI::App& command) {
  std::string problem;
  if (!parse_url(options.against_url, options.against, problem)) throw UsageError("--against: " + problem);
  options.subscribers_given = command.count("--subscribers") > 0;
  const bool has_idle =
      std::find(options.scenarios.begin(), options.scenarios.end(), "idle") != options.scenarios.end();
  if (has_idle && (options.pids.empty() || options.against_pids.empty()))
    throw UsageError("compare: idle needs --pid and --against-pid");
}

/// What CLI11's checks cannot say.
void finish(Options& options, const CLI::App& command) {
  options.scenario = command.get_name();
  std::string problem;
  if (!parse_url(options.url, options.target, problem)) throw UsageError("--url: " + problem);
  options.encoding = serializers::find_by_name(options.serializer)->encoding;
  if (options.scenario == "latency" && command.count("--subscribers") == 0) options.subscribers = 1;
  if (options.scenario == "churn" && command.count("--sessions") == 0) options.sessions = 100;
  if (options.scenario == "compare") finish_comparison(options, command);
  if (options.scenario == "gateway" && options.target.rawsocket)
    throw UsageError("gateway: --url must be ws:// or wss://");
  if (!options.ticket.empty() && options.authid.empty()) throw UsageError("--ticket needs --authid");
  if (!options.authid.empty() && options.ticket.empty()) throw UsageError("--authid needs --ticket");
  if (options.scenario == "idle" && options.pids.empty()) throw UsageError("idle: --pid is required");
  check_processes("--pid", options.pids);
  check_processes("--against-pid", options.against_pids);
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::string Target::authority() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

namespace {

/// Takes the scheme off a URL; false if it is none of ours.
bool read_scheme(std::string_view& url, Target& out) {
  constexpr std::string_view kEnd = "://";
  const auto end = url.find(kEnd);
  if (end == std::string_view::npos) return false;
  const std::string_view scheme = url.substr(0, end);
  url.remove_prefix(end + kEnd.size());
  out.rawsocket = scheme == "rs" || scheme == "rss";
  out.tls = scheme == "wss" || scheme == "rss";
  return out.rawsocket || out.tls || scheme == "ws";
}

}  // namespace

bool parse_url(std::string_view url, Target& out, std::string& problem) {
  problem =
      "must be ws://host:port/path or rs://host:port, or wss:// or rss:// for TLS, not \"" + std::string(url) + "\"";
  if (url.find_first_of(" \t\r\n#") != std::string_view::npos) return false;
  if (!read_scheme(url, out)) return false;
  const auto end = std::min(url.find_first_of("/?"), url.size());
  std::string_view authority = url.substr(0, end);
  const std::string_view path = url.substr(end);
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == std::string_view::npos) return false;
    out.host = authority.substr(1, bracket - 1);
    authority.remove_prefix(bracket + 1);
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    authority.remove_prefix(colon);
  }
  if (out.host.empty()) return false;
  if (!authority.empty()) {
    if (authority.front() != ':') return false;
    authority.remove_prefix(1);
    unsigned port = 0;
    const auto result = std::from_chars(authority.data(), authority.data() + authority.size(), port);
    if (result.ec != std::errc() || result.ptr != authority.data() + authority.size()) return false;
    if (port < 1 || port > 65535) return false;
    out.port = authority;
  }
  if (out.rawsocket && !path.empty() && path != "/") return false;
  out.path = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
  problem.clear();
  return true;
}

Parsed parse_command_line(int argc, char** argv) {
  Parsed parsed;
  CLI::App app{"Loads a WAMP router over WebSocket or RawSocket and measures it", "crosspoint-bench"};
  app.require_subcommand(0, 1);
  add_scenarios(app, parsed.options);
  try {
    app.parse(argc, argv);
    const auto chosen = app.get_subcommands();
    if (chosen.empty())
      throw UsageError("which scenario? fanout, pairs, rpc, latency, connections, gateway, churn or idle; or compare");
    finish(parsed.options, *chosen.front());
    parsed.run = true;
  } catch (const CLI::CallForHelp& help) {
    parsed.exit_code = app.exit(help);
  } catch (const CLI::ParseError& error) {
    complain(one_line(error.what()));
    parsed.exit_code = kUsage;
  } catch (const UsageError& error) {
    complain(one_line(error.what()));
    parsed.exit_code = kUsage;
  }
  return parsed;
}

}  // namespace crosspoint::bench
