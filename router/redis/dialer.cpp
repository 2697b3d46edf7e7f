#include "redis/dialer.hpp"

#include <fmt/core.h>
#include <hiredis/hiredis.h>

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

}  // namespace

Dialer::Dialer(settings::Redis settings, std::chrono::milliseconds patience, std::string name)
    : settings_(std::move(settings)),
      patience_(patience),
      name_(std::move(name)),
      place_(fmt::format("{}:{}", settings_.url.host, settings_.url.port)),
      tls_(files_of(settings_.tls)) {}

bool Dialer::check(std::string& problem) { return !settings_.url.tls || tls_.load_client(problem); }

std::unique_ptr<Client> Dialer::dial(std::string& problem) {
  auto client = connect(settings_.url, problem);
  return client && sign_in(*client, settings_.url, problem) ? std::move(client) : nullptr;
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

bool Dialer::sign_in(Client& client, const settings::RedisUrl& url, std::string& problem) const {
  if (!url.password.empty()) {
    const auto answer = url.user.empty() ? client.ask({"AUTH", url.password}, problem)
                                         : client.ask({"AUTH", url.user, url.password}, problem);
    if (!answer) return false;
  }
  if (url.database != 0 && !client.ask({"SELECT", std::to_string(url.database)}, problem)) return false;
  // A PING also tells whether the server is still loading its data.
  return client.ask({"PING"}, problem) && (name_.empty() || client.ask({"CLIENT", "SETNAME", name_}, problem));
}

}  // namespace crosspoint::redis
