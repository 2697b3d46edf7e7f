#pragma once

#include <cstdint>
#include <string>

#include "settings/redis.hpp"

namespace crosspoint::settings {

/// Mailboxes of identities in a realm (`mailboxes`, Crosspoint's own).
struct Mailboxes {
  enum class Type { memory, sqlite, redis } type = Type::memory;
  std::string path;  ///< of the database, type sqlite
  Redis redis;
  std::string prefix;                      ///< of all keys in Redis
  std::uint32_t lifetime = 7 * 24 * 3600;  ///< seconds, where register_as does not say
  std::uint32_t timeout = 10;              ///< seconds that a receiver's procedure may take
  std::uint32_t max_identities = 10000;
  std::uint32_t max_messages = 1000;              ///< per identity
  std::uint64_t max_mailbox_bytes = 1024 * 1024;  ///< per identity
  std::uint64_t max_bytes = 64 * 1024 * 1024;     ///< of all identities
};

}  // namespace crosspoint::settings
