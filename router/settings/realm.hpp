#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "settings/mailboxes.hpp"

/// `realms` of a router worker.
namespace crosspoint::settings {

enum class Match { exact, prefix, wildcard };

/// One of a role's `permissions`. The trailing star of `uri` has been turned into a match policy.
struct Permission {
  std::string uri;
  Match match = Match::exact;
  bool call = false, register_ = false, publish = false, subscribe = false;  ///< `allow`
  bool disclose_caller = false, disclose_publisher = false;                  ///< `disclose`
  bool cache = false;
  std::optional<std::int32_t> trustlevel;  ///< of calls and publications that it allows; the role's if not given
};

/// The same answer to everything (`allow-by-default`).
struct FixedPermission {
  bool allow = false;
};
struct StaticPermissions {
  std::vector<Permission> permissions;
};
/// A procedure that decides (`authorizer`).
struct DynamicPermissions {
  std::string authorizer;
};

struct Role {
  std::string id;
  std::string name;
  std::optional<std::int32_t> trustlevel;  ///< of calls and publications
  std::variant<FixedPermission, StaticPermissions, DynamicPermissions> permissions;
};

/// Where Crossbar's behaviour is a defect, this chooses between it and the correct one (`compat`, Crosspoint's own).
struct Compat {
  bool crossbar_permissions = false;      ///< permissions: "crossbar" instead of "correct"
  bool role_authorization_cache = false;  ///< authorization_cache: "role" instead of "authid"
};

/// What sessions may have a realm keep for them (`limits`, Crosspoint's own).
struct RealmLimits {
  std::uint32_t retained_events = 10000;
  std::uint64_t retained_bytes = 64 * 1024 * 1024;
  std::uint32_t testaments = 100;                  ///< per session
  std::uint64_t testament_bytes = 1024 * 1024;     ///< per session
  std::uint64_t session_detail_bytes = 16 * 1024;  ///< per session: wamp.session.modify_details
};

struct StoreEntry {
  std::string uri;
  Match match = Match::exact;
  std::optional<std::uint32_t> limit;
};
/// Event history and call queues.
struct Store {
  enum class Type { memory, sqlite } type = Type::memory;
  std::string path;  ///< of the database of type sqlite
  std::uint32_t limit = 100;
  std::uint64_t max_bytes = 64 * 1024 * 1024;  ///< per entry of event_history
  std::vector<StoreEntry> event_history;
  std::vector<StoreEntry> call_queue;
};

struct Realm {
  std::string id;
  std::string name;
  std::vector<Role> roles;
  bool strict_uris = false;  ///< options.uri_check: "strict"
  bool enable_meta_api = true;
  bool bridge_meta_api = false;
  bool clustered = false;  ///< joined to the realm of the same name on other nodes (`cluster` of the node)
  std::uint32_t event_dispatching_chunk_size = 100;
  std::optional<Store> store;
  std::optional<Mailboxes> mailboxes;
  Compat compat;
  RealmLimits limits;
};

}  // namespace crosspoint::settings
