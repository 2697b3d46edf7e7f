#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// How clients of an endpoint authenticate (`auth`).
namespace crosspoint::settings {

/// A procedure that decides (`type: dynamic`), for any method.
struct DynamicAuth {
  std::string authenticator;        ///< procedure URI
  std::string authenticator_realm;  ///< empty: the realm the client asks for
  std::string authenticator_role;   ///< empty: trusted
  std::string default_role;
  std::chrono::seconds timeout{30};
};

struct StaticAnonymous {
  std::string role = "anonymous";
  std::string authid;  ///< empty: a random one for each session
};

struct TicketPrincipal {
  std::string ticket;  ///< secret
  std::string role;    ///< may be empty: the default role
};
struct StaticTicket {
  std::map<std::string, TicketPrincipal> principals;  ///< by authid
  std::string default_role;
};

struct WampCraUser {
  std::string secret;
  std::string role;
  std::optional<std::string> salt;  ///< salted if salt, iterations and keylen are all there
  std::optional<int> iterations;
  std::optional<int> keylen;
};
struct StaticWampCra {
  std::map<std::string, WampCraUser> users;  ///< by authid
  std::string default_role;
};

struct ScramPrincipal {
  std::string kdf;  ///< "argon2id-13" or "pbkdf2"
  int iterations = 0;
  int memory = 0;                            ///< KiB; of argon2id-13 only
  std::string salt, stored_key, server_key;  ///< hexadecimal
  std::string role;
};
struct StaticScram {
  std::map<std::string, ScramPrincipal> principals;
  std::string default_role;
};

/// What is wrong with a record of SCRAM, whoever wrote it: the key of the member, and what is allowed for it.
struct ScramProblem {
  std::string_view key;
  std::string_view allowed;
};
/// The bounds of iterations and memory keep a mistake from costing clients minutes of work.
std::optional<ScramProblem> scram_problem(const ScramPrincipal& principal);

struct CryptosignPrincipal {
  std::vector<std::string> authorized_keys;  ///< public keys, 64 hexadecimal digits each
  std::string role, realm;
};
struct StaticCryptosign {
  std::map<std::string, CryptosignPrincipal> principals;
  std::string default_role;
  std::string node_key;  ///< the node's private key, 64 hexadecimal digits; empty: the router cannot prove itself
};

/// What a client's certificate must be; one of the first three is set.
struct TlsPrincipal {
  std::string certificate_sha1, certificate_sha256;  ///< "3F:A0:...": upper case, with colons
  std::string common_name;                           ///< of the subject
  std::string role;
};
struct StaticTls {
  std::map<std::string, TlsPrincipal> principals;
  std::string default_role;
};

/// Sign in with the cookie of an earlier session.
struct CookieAuth {};

struct AuthMethod {
  std::string name;  ///< "ticket" and so on, as clients offer it
  std::variant<DynamicAuth, StaticAnonymous, StaticTicket, StaticWampCra, StaticScram, StaticCryptosign, StaticTls,
               CookieAuth>
      config;
};

/// No methods: everybody may join as `anonymous`.
using Auth = std::vector<AuthMethod>;

}  // namespace crosspoint::settings
