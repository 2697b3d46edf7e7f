#include "redis/dialer.hpp"

#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include <charconv>

#include "redis/connect.hpp"

namespace crosspoint::redis {
namespace {

settings::Tls files_of(const settings::ClientTls& settings) {
  settings::Tls files;
  files.key = settings.key;
  files.certificate = settings.certificate;
  files.ca_certificates = settings.ca_certificates;
  return files;
}

std::string address_of(const settings::RedisUrl& url) { return fmt::format("{}:{}", url.host, url.port); }

bool authenticate(Client& client, const settings::RedisUrl& url, std::string& problem) {
  if (url.password.empty()) return true;
  const auto answer = url.user.empty() ? client.ask({"AUTH", url.password}, problem)
                                       : client.ask({"AUTH", url.user, url.password}, problem);
  return answer != nullptr;
}

}  // namespace

Dialer::Dialer(settings::Redis settings, std::chrono::milliseconds patience, std::string name)
    : settings_(std::move(settings)),
      patience_(patience),
      name_(std::move(name)),
      server_(settings_.url),
      tls_(files_of(settings_.tls)) {}

bool Dialer::check(std::string& problem) {
  bool used = settings_.url.tls;
  for (const auto& sentinel : settings_.sentinels) used = used || sentinel.tls;
  return !used || tls_.load_client(problem);
}

std::string Dialer::place() const {
  const std::size_t masters = slots_.masters().size();
  if (masters > 0) return fmt::format("{} (Redis Cluster, masters: {})", address_of(server_), masters);
  if (!has_sentinels()) return address_of(server_);
  const std::string master = fmt::format("master \"{}\"", settings_.url.host);
  return server_.port == 0 ? master : fmt::format("{} ({})", address_of(server_), master);
}

std::unique_ptr<Client> Dialer::dial(std::string& problem) {
  slots_ = {};
  if (!has_sentinels()) {
    server_ = settings_.url;
    auto client = dial_server(settings_.url, problem);
    // Any node of a Redis Cluster knows as much.
    for (std::size_t i = 0; !client && slots_.masters().empty() && i < known_.size(); ++i) {
      std::string why;
      client = dial_server(url_of(known_[i]), why);
      if (!client && !slots_.masters().empty()) problem = why;
    }
    return client;
  }
  problem.clear();
  for (const auto& sentinel : settings_.sentinels) {
    // A sentinel that has been cut off may name a server that is not the master any more: others know better.
    settings::RedisUrl master = settings_.url;
    std::string why;
    if (ask_sentinel(sentinel, master, why)) {
      if (auto client = dial_server(master, why)) {
        server_ = std::move(master);
        return client;
      }
      why = fmt::format("names {}: {}", address_of(master), why);
    }
    problem += fmt::format("{}sentinel {}: {}", problem.empty() ? "" : "; ", address_of(sentinel), why);
  }
  return nullptr;
}

bool Dialer::has_moved(std::string& place) {
  std::string ignored;
  for (const auto& sentinel : settings_.sentinels) {
    settings::RedisUrl master = settings_.url;
    if (!ask_sentinel(sentinel, master, ignored)) continue;
    if (master.host == server_.host && master.port == server_.port) return false;
    if (!dial_server(master, ignored)) continue;
    place = address_of(master);
    return true;
  }
  return false;
}

bool Dialer::ask_sentinel(const settings::RedisUrl& sentinel, settings::RedisUrl& master, std::string& problem) {
  const auto client = connect(sentinel, problem);
  if (!client || !authenticate(*client, sentinel, problem)) return false;
  const auto answer = client->ask({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master.host}, problem);
  if (!answer) return false;
  if (answer->type == REDIS_REPLY_NIL) {
    problem = fmt::format("it knows no master \"{}\"", master.host);
    return false;
  }
  if (answer->type == REDIS_REPLY_ARRAY && answer->elements == 2) {
    const std::string_view port = text_of(*answer->element[1]);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), master.port);
    master.host = text_of(*answer->element[0]);
    if (error == std::errc() && end == port.data() + port.size() && master.port != 0 && !master.host.empty())
      return true;
  }
  problem = "what it says is no address";
  return false;
}

std::unique_ptr<Client> Dialer::dial_server(const settings::RedisUrl& url, std::string& problem) {
  auto client = connect(url, problem);
  if (!client || !authenticate(*client, url, problem)) return nullptr;
  const auto info = client->ask({"INFO", "cluster"}, problem);
  // A user who may not ask is believed to know that the server is one by itself.
  if (!info && !client->good()) return nullptr;
  if (info && text_of(*info).find("cluster_enabled:1") != std::string_view::npos) {
    return look_for_masters(*client, url, problem) ? dial_home(problem) : nullptr;
  }
  return prepare(*client, url, problem) ? std::move(client) : nullptr;
}

std::unique_ptr<Client> Dialer::dial_home(std::string& problem) {
  const std::size_t home = slots_.master_of(slot_of(cluster_key_));
  if (home == SlotMap::kNobody) {
    problem = "its Redis Cluster has no master for the slot " + std::to_string(slot_of(cluster_key_));
    return nullptr;
  }
  server_ = url_of(slots_.masters()[home]);
  return dial_master(home, problem);
}

std::unique_ptr<Client> Dialer::dial_master(std::size_t master, std::string& problem) {
  const settings::RedisUrl url = url_of(slots_.masters()[master]);
  auto client = connect(url, problem);
  if (client && authenticate(*client, url, problem) && prepare(*client, url, problem)) {
    const auto info = client->ask({"CLUSTER", "INFO"}, problem);
    if (info && text_of(*info).find("cluster_state:ok") != std::string_view::npos) return client;
    if (info) problem = "its Redis Cluster does not work: cluster_state is not \"ok\"";
  }
  problem = fmt::format("master {}: {}", address_of(url), problem);
  return nullptr;
}

std::unique_ptr<Client> Dialer::connect(const settings::RedisUrl& url, std::string& problem) {
  // Each time, so that certificates may be renewed.
  if (url.tls && !tls_.load_client(problem)) return nullptr;
  const int fd = connect_tcp(url.host, url.port, patience_, canceled_, problem);
  if (fd < 0) return nullptr;
  auto stream = url.tls
                    ? std::make_unique<ByteStream>(fd, tls_.current().get(),
                                                   settings_.tls.hostname.empty() ? url.host : settings_.tls.hostname)
                    : std::make_unique<ByteStream>(fd);
  return std::make_unique<Client>(std::move(stream), patience_, canceled_);
}

bool Dialer::prepare(Client& client, const settings::RedisUrl& url, std::string& problem) const {
  if (url.database != 0 && !client.ask({"SELECT", std::to_string(url.database)}, problem)) return false;
  // A PING also tells whether the server is still loading its data.
  return client.ask({"PING"}, problem) && (name_.empty() || client.ask({"CLIENT", "SETNAME", name_}, problem)) &&
         check_role(client, problem);
}

/// Whether the server takes what changes its data. A user who may not ask for it is believed to know, but not where
/// masters change.
bool Dialer::check_role(Client& client, std::string& problem) const {
  const auto answer = client.ask({"ROLE"}, problem);
  if (!answer) return client.good() && !has_sentinels();
  const std::string_view role = answer->elements > 0 ? text_of(*answer->element[0]) : std::string_view();
  if (role == "master") return true;
  problem = role == "sentinel" ? "it is a sentinel, not a server with data" : "it is a replica, not the master";
  return false;
}

/// Asks a node of a Redis Cluster, a replica if need be.
bool Dialer::look_for_masters(Client& client, const settings::RedisUrl& url, std::string& problem) {
  if (cluster_key_.empty()) {
    problem = "it belongs to a Redis Cluster, which is not supported here";
  } else if (has_sentinels()) {
    problem = "it belongs to a Redis Cluster, which has no use for sentinels: \"redis\" is to name one of its nodes";
  } else if (url.database != 0) {
    problem = fmt::format("it belongs to a Redis Cluster, which has no database {}, but 0 only", url.database);
  } else if (!client.ask({"PUBSUB", "SHARDNUMSUB"}, problem)) {
    if (client.good() && problem.find("NOPERM") == std::string::npos) {
      problem = "it belongs to a Redis Cluster without sharded channels, which need Redis 7 or later";
    }
  } else {
    const auto slots = client.ask({"CLUSTER", "SLOTS"}, problem);
    if (!slots || !slots_.read(*slots, url.host, problem)) return false;
    known_ = slots_.masters();
    if (!known_.empty()) return true;
    problem = "its Redis Cluster has given no slot to any master";
  }
  return false;
}

settings::RedisUrl Dialer::url_of(const Address& address) const {
  settings::RedisUrl url = settings_.url;
  url.host = address.host;
  url.port = address.port;
  return url;
}

}  // namespace crosspoint::redis
