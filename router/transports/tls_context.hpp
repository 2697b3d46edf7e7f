#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "settings/endpoint.hpp"

struct ssl_ctx_st;

namespace crosspoint::transports {

/// Key, certificates and rules of the TLS side of an endpoint. They can be read again while connections use them: those
/// keep what they began with.
class TlsContext {
 public:
  explicit TlsContext(settings::Tls settings) : settings_(std::move(settings)) {}

  /// Reads the files. If something is wrong, returns false with one line in `problem`, and what was read before stays
  /// in use.
  bool load(std::string& problem);
  /// Instead of load(): a client's side, which takes any certificate. For measuring, where nobody is deceived.
  void load_client();

  /// Any thread: what new connections use; nullptr before load().
  std::shared_ptr<ssl_ctx_st> current() const;

 private:
  const settings::Tls settings_;
  mutable std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_;  // guarded by mutex_
};

}  // namespace crosspoint::transports
