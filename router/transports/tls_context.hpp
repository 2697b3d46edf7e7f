#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "settings/endpoint.hpp"

struct ssl_ctx_st;

namespace crosspoint::transports {

/// Key, certificates and rules of one side of TLS, mostly of an endpoint's. They can be read again while connections
/// use them: those keep what they began with.
class TlsContext {
 public:
  explicit TlsContext(settings::Tls settings) : settings_(std::move(settings)) {}

  /// Reads the files. If something is wrong, returns false with one line in `problem`, and what was read before stays
  /// in use.
  bool load(std::string& problem);
  /// Instead of load(): a client's side. Servers have to show a certificate signed by one of `ca_certificates`, or by
  /// one of the system's if there are none; `certificate` and `key` may be empty.
  bool load_client(std::string& problem);
  /// Instead of load(): a client's side, which takes any certificate. For measuring, where nobody is deceived.
  void load_trusting_client();

  /// Any thread: what new connections use; nullptr before load().
  std::shared_ptr<ssl_ctx_st> current() const;

 private:
  void replace(std::shared_ptr<ssl_ctx_st> context);

  const settings::Tls settings_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;  // guarded by mutex_
};

}  // namespace crosspoint::transports
