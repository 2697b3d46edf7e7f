#pragma once

#include <cstdint>
#include <string>

namespace crosspoint::settings {

/// Mailboxes of identities in a realm (`mailboxes`, Crosspoint's own).
struct Mailboxes {
  enum class Type { memory, sqlite, redis } type = Type::memory;
  std::string path;  ///< of the database, type sqlite
  struct Redis {
    std::string host;
    std::uint16_t port = 6379;
    std::string password;  ///< empty: none
    std::uint32_t database = 0;
    std::string prefix;  ///< of all keys
  } redis;
  std::uint32_t lifetime = 7 * 24 * 3600;  ///< seconds, where register_as does not say
  std::uint32_t timeout = 10;              ///< seconds that a receiver's procedure may take
  std::uint32_t max_identities = 10000;
  std::uint32_t max_messages = 1000;              ///< per identity
  std::uint64_t max_mailbox_bytes = 1024 * 1024;  ///< per identity
  std::uint64_t max_bytes = 64 * 1024 * 1024;     ///< of all identities
};

}  // namespace crosspoint::settings
