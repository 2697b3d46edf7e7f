#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "auth/certificate.hpp"
#include "auth/dynamic.hpp"
#include "auth/methods.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::auth {
namespace {

Denied not_authorized(std::string message) { return {std::string(wamp::kNotAuthorized), std::move(message)}; }

/// "TLS certificate-based authentication": the client has proved in the TLS handshake that it has the key of a
/// certificate that one of the endpoint's authorities has signed.
class Tls : public Authenticator {
 public:
  Verdict begin(const Request& request) override {
    if (request.peer_certificate.empty()) return not_authorized("client did not send a TLS client certificate");
    return look_up(request);
  }
  Verdict answer(std::string_view) override { return not_authorized("no pending authentication"); }

 protected:
  virtual Verdict look_up(const Request& request) = 0;
};

/// The principals of an endpoint, by what is looked at in a certificate.
struct CertificateHolders {
  std::unordered_map<std::string, Principal> by_sha1, by_sha256, by_common_name;
};

CertificateHolders make_holders(const settings::StaticTls& settings) {
  CertificateHolders holders;
  for (const auto& [authid, from] : settings.principals) {
    Principal principal;
    principal.authid = authid;
    principal.role = from.role.empty() ? settings.default_role : from.role;
    principal.provider = "static";
    if (!from.certificate_sha1.empty()) holders.by_sha1.emplace(from.certificate_sha1, principal);
    if (!from.certificate_sha256.empty()) holders.by_sha256.emplace(from.certificate_sha256, principal);
    if (!from.common_name.empty()) holders.by_common_name.emplace(from.common_name, principal);
  }
  return holders;
}

class StaticTls final : public Tls {
 public:
  explicit StaticTls(const CertificateHolders& holders) : holders_(holders) {}

 protected:
  Verdict look_up(const Request& request) override {
    const std::string_view certificate = request.peer_certificate;
    const std::string sha1 = fingerprint(certificate, Fingerprint::sha1);
    const auto find = [](const auto& map, const std::string& key) {
      const auto at = map.find(key);
      return at != map.end() ? &at->second : nullptr;
    };
    const Principal* found = find(holders_.by_sha256, fingerprint(certificate, Fingerprint::sha256));
    if (found == nullptr) found = find(holders_.by_sha1, sha1);
    if (found == nullptr) found = find(holders_.by_common_name, common_name(certificate));
    if (found != nullptr) return Accepted{*found};
    return not_authorized(fmt::format("no principal with authid \"{}\" exists", sha1));  // Crossbar's words
  }

 private:
  const CertificateHolders& holders_;
};

class StaticTlsMethod final : public Method {
 public:
  explicit StaticTlsMethod(const settings::StaticTls& settings) : holders_(make_holders(settings)) {}
  std::unique_ptr<Authenticator> make_authenticator() const override { return std::make_unique<StaticTls>(holders_); }

 private:
  const CertificateHolders holders_;
};

/// A procedure decides, which finds the certificate in `details.transport.peer_cert`.
class DynamicTls final : public Tls {
 public:
  explicit DynamicTls(const settings::DynamicAuth& settings) : settings_(settings) {}

  Verdict on_reply(const Reply& reply) override {
    auto read = read_principal(settings_, reply);
    if (auto* denied = std::get_if<Denied>(&read)) return std::move(*denied);
    return Accepted{std::move(std::get<Principal>(read))};
  }

 protected:
  Verdict look_up(const Request& request) override { return make_ask(settings_, request, request.authid, "tls"); }

 private:
  const settings::DynamicAuth& settings_;
};

}  // namespace

std::shared_ptr<const Method> make_tls(const settings::StaticTls& settings) {
  return std::make_shared<StaticTlsMethod>(settings);
}

std::shared_ptr<const Method> make_dynamic_tls(const settings::DynamicAuth& settings) {
  return std::make_shared<SimpleMethod<DynamicTls, settings::DynamicAuth>>(settings);
}

}  // namespace crosspoint::auth
