#include "transports/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/log.hpp"

namespace crosspoint::transports {
namespace {

template <auto Free>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using File = std::unique_ptr<std::FILE, Release<std::fclose>>;
using Key = std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;

/// What OpenSSL says is wrong.
std::string openssl_text() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown error";
}

/// A key that needs a password is refused rather than asked for on a terminal.
int no_password(char*, int, int, void*) { return 0; }

/// Reads what an endpoint's files hold into one SSL_CTX, and remembers the first thing that is wrong.
class Builder {
 public:
  Builder(const settings::Tls& settings, const SSL_METHOD* method)
      : settings_(settings), context_(SSL_CTX_new(method)) {}

  bool build_server() {
    ERR_clear_error();
    set_rules();
    SSL_CTX_set_alpn_select_cb(context_.get(), choose_protocol, nullptr);
    return set_ciphers() && set_certificate() && set_chain() && set_client_authorities() && set_dh_parameters();
  }
  bool build_client() {
    ERR_clear_error();
    set_rules();
    return (settings_.certificate.empty() || set_certificate()) && set_server_authorities();
  }
  Context take() { return std::move(context_); }
  const std::string& problem() const { return problem_; }

 private:
  bool fail(std::string problem) {
    problem_ = std::move(problem);
    ERR_clear_error();
    return false;
  }

  File open(std::string_view what, const std::string& path) {
    File file(std::fopen(path.c_str(), "re"));
    if (!file) {
      fail("cannot read the " + std::string(what) + " " + path + ": " + std::generic_category().message(errno));
    }
    return file;
  }

  /// All certificates of a PEM file; none, and a problem, if there is not at least one.
  std::vector<Certificate> read_certificates(std::string_view what, const std::string& path) {
    std::vector<Certificate> certificates;
    const File file = open(what, path);
    if (!file) return certificates;
    while (X509* certificate = PEM_read_X509(file.get(), nullptr, no_password, nullptr)) {
      certificates.emplace_back(certificate);
    }
    ERR_clear_error();
    if (certificates.empty()) fail("the " + std::string(what) + " " + path + " holds no certificate in PEM format");
    return certificates;
  }

  void set_rules() {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // Sessions are not resumed, as in Crossbar: WAMP connections are long, and there are no ticket keys to look after.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    // An idle connection holds no buffers; one that reads takes what the kernel has in one go.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
  }

  /// Everything here begins as HTTP/1.1, or needs no name. A client that offers only others is served all the same.
  static int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                             unsigned offered_size, void*) {
    static constexpr unsigned char kOurs[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs - 1, offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
  }

  /// Suites of TLS 1.3 have a list of their own in OpenSSL; in the configuration there is one for both.
  bool set_ciphers() {
    std::string suites;
    std::string ciphers;
    for (std::string_view rest = settings_.ciphers; !rest.empty();) {
      const auto colon = rest.find(':');
      const auto name = rest.substr(0, colon);
      std::string& list = name.starts_with("TLS_") ? suites : ciphers;
      if (!name.empty()) list += (list.empty() ? "" : ":") + std::string(name);
      rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
    if (!ciphers.empty() && SSL_CTX_set_cipher_list(context_.get(), ciphers.c_str()) != 1) {
      return fail("no cipher of \"" + settings_.ciphers + "\" is known");
    }
    if (!suites.empty() && SSL_CTX_set_ciphersuites(context_.get(), suites.c_str()) != 1) {
      return fail("a cipher suite of \"" + settings_.ciphers + "\" is not known");
    }
    return true;
  }

  bool set_certificate() {
    const File file = open("private key", settings_.key);
    if (!file) return false;
    const Key key(PEM_read_PrivateKey(file.get(), nullptr, no_password, nullptr));
    if (!key) return fail("the private key " + settings_.key + " is not one in PEM format without a password");
    const auto certificates = read_certificates("certificate", settings_.certificate);
    if (certificates.empty()) return false;
    X509* certificate = certificates[0].get();
    if (X509_check_private_key(certificate, key.get()) != 1) {
      return fail("the private key " + settings_.key + " does not belong to the certificate " + settings_.certificate);
    }
    if (SSL_CTX_use_certificate(context_.get(), certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) {
      return fail("the certificate " + settings_.certificate + " cannot be used: " + openssl_text());
    }
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
      log::warn("the certificate {} has expired", settings_.certificate);
    }
    // Crossbar reads one certificate here; more of them are the chain, as for most other servers.
    for (std::size_t i = 1; i < certificates.size(); ++i) {
      SSL_CTX_add1_chain_cert(context_.get(), certificates[i].get());
    }
    return true;
  }

  bool set_chain() {
    for (const auto& path : settings_.chain_certificates) {
      const auto certificates = read_certificates("chain certificate", path);
      if (certificates.empty()) return false;
      for (const auto& certificate : certificates) SSL_CTX_add1_chain_cert(context_.get(), certificate.get());
    }
    return true;
  }

  bool trust_authorities() {
    for (const auto& path : settings_.ca_certificates) {
      const auto certificates = read_certificates("CA certificate", path);
      if (certificates.empty()) return false;
      for (const auto& certificate : certificates) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), certificate.get());
        SSL_CTX_add_client_CA(context_.get(), certificate.get());  // what a server names to clients
      }
    }
    return true;
  }

  bool set_server_authorities() {
    if (settings_.ca_certificates.empty()) SSL_CTX_set_default_verify_paths(context_.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    return trust_authorities();
  }

  bool set_client_authorities() {
    if (settings_.ca_certificates.empty()) return true;
    if (!trust_authorities()) return false;
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return true;
  }

  bool set_dh_parameters() {
    if (settings_.dhparam.empty()) return true;
    const File file = open("DH parameters", settings_.dhparam);
    if (!file) return false;
    const std::unique_ptr<BIO, Release<BIO_free>> source(BIO_new_fp(file.get(), BIO_NOCLOSE));
    Key parameters(PEM_read_bio_Parameters(source.get(), nullptr));
    if (!parameters) return fail("the DH parameters " + settings_.dhparam + " are not in PEM format");
    if (SSL_CTX_set0_tmp_dh_pkey(context_.get(), parameters.get()) != 1) {
      return fail("the DH parameters " + settings_.dhparam + " cannot be used: " + openssl_text());
    }
    static_cast<void>(parameters.release());  // the context owns them now
    return true;
  }

  const settings::Tls& settings_;
  Context context_;
  std::string problem_;
};

}  // namespace

bool TlsContext::load(std::string& problem) {
  Builder builder(settings_, TLS_server_method());
  if (builder.build_server()) {
    replace(builder.take());
    return true;
  }
  problem = builder.problem();
  return false;
}

bool TlsContext::load_client(std::string& problem) {
  Builder builder(settings_, TLS_client_method());
  if (builder.build_client()) {
    replace(builder.take());
    return true;
  }
  problem = builder.problem();
  return false;
}

void TlsContext::load_trusting_client() {
  Context made(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  replace(std::move(made));
}

void TlsContext::replace(std::shared_ptr<SSL_CTX> context) {
  const std::lock_guard lock(mutex_);
  context_ = std::move(context);
}

std::shared_ptr<SSL_CTX> TlsContext::current() const {
  const std::lock_guard lock(mutex_);
  return context_;
}

}  // namespace crosspoint::transports
