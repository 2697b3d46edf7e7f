#include <cctype>
#include <fstream>
#include <sstream>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr int kMostScramIterations = 10'000'000;
constexpr int kMostScramMemory = 1'048'576;       // KiB: 1 GiB
constexpr std::int64_t kMostScramWork = 1 << 26;  // KiB that argon2id goes over: 64 GiB, half a minute or so

std::optional<DynamicAuth> load_dynamic(ObjectReader& object) {
  DynamicAuth dynamic;
  dynamic.authenticator = object.required_text("authenticator", "the URI of a procedure");
  dynamic.authenticator_realm = object.text_or("authenticator-realm", "");
  dynamic.authenticator_role = object.text_or("authenticator-role", "");
  dynamic.default_role = object.text_or("default-role", "");
  if (const auto seconds = object.integer("timeout", 1, 3600)) dynamic.timeout = std::chrono::seconds(*seconds);
  object.ignore("expose_controller");
  object.finish(false);
  return dynamic;
}

StaticTicket load_ticket(ObjectReader& object) {
  StaticTicket ticket;
  ticket.default_role = object.text_or("default-role", "");
  object.require("principals", "an object of principals by authid");
  each_entry(object, "principals", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    TicketPrincipal principal{reader.required_secret("ticket"), reader.text_or("role", "")};
    reader.finish();
    ticket.principals.emplace(authid, std::move(principal));
  });
  return ticket;
}

StaticWampCra load_wampcra(ObjectReader& object) {
  StaticWampCra wampcra;
  wampcra.default_role = object.text_or("default-role", "");
  object.require("users", "an object of users by authid");
  each_entry(object, "users", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    WampCraUser user;
    user.secret = reader.required_secret("secret");
    user.role = reader.text_or("role", "");
    user.salt = reader.text("salt");
    if (const auto number = reader.integer("iterations", 1, 10'000'000)) user.iterations = static_cast<int>(*number);
    if (const auto number = reader.integer("keylen", 1, 1024)) user.keylen = static_cast<int>(*number);
    reader.finish();
    wampcra.users.emplace(authid, std::move(user));
  });
  return wampcra;
}

bool is_hex(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

StaticScram load_scram(ObjectReader& object) {
  StaticScram scram;
  scram.default_role = object.text_or("default-role", "");
  object.require("principals", "an object of principals by authid");
  each_entry(object, "principals", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    const auto& errors = object.context().report.errors;
    const std::size_t before = errors.size();
    ScramPrincipal principal;
    const std::vector<std::string_view> kdfs{"argon2id-13", "pbkdf2"};
    reader.require("kdf", "argon2id-13, pbkdf2");
    principal.kdf = kdfs[reader.choice("kdf", kdfs, 0)];
    reader.require("iterations", "an integer");
    principal.iterations = static_cast<int>(reader.integer("iterations", 1, kMostScramIterations).value_or(0));
    reader.require("memory", "an integer");
    principal.memory = static_cast<int>(reader.integer("memory", 0, kMostScramMemory).value_or(0));
    principal.salt = reader.required_text("salt", "hexadecimal digits");
    principal.stored_key = reader.required_secret("stored-key");
    principal.server_key = reader.required_secret("server-key");
    principal.role = reader.text_or("role", "");
    reader.finish();
    const auto problem = errors.size() == before ? scram_problem(principal) : std::nullopt;
    if (problem) object.context().error(reader.path_of(problem->key), "cannot be used", std::string(problem->allowed));
    scram.principals.emplace(authid, std::move(principal));
  });
  return scram;
}

/// The node's key for signatures, from the file that Crossbar keeps it in; empty if there is no such file.
std::string load_node_key(ObjectReader& object) {
  const std::string file = object.context().absolute("key.priv");
  std::ifstream stream(file);
  if (!stream) return {};
  constexpr std::string_view kName = "private-key-ed25519:";
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(kName)) continue;
    std::string key;
    std::istringstream(line.substr(kName.size())) >> key;
    if (is_hex(key, 64, 64)) return key;
  }
  object.context().error(object.path(), "the node key cannot be read from " + file,
                         "a line \"private-key-ed25519: \" with 64 hexadecimal digits");
  return {};
}

StaticCryptosign load_cryptosign(ObjectReader& object) {
  StaticCryptosign cryptosign;
  cryptosign.node_key = load_node_key(object);
  cryptosign.default_role = object.text_or("default-role", "");
  if (object.find("trustroots") != nullptr) {
    object.context().unsupported(object.path_of("trustroots"), "certificate chains for cryptosign are not available");
  } else {
    object.require("principals", "an object of principals by authid");
  }
  each_entry(object, "principals", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    CryptosignPrincipal principal;
    reader.require("authorized_keys", "a list of public keys");
    principal.authorized_keys = reader.texts("authorized_keys");
    for (const auto& key : principal.authorized_keys) {
      if (is_hex(key, 64, 64)) continue;
      object.context().error(reader.path_of("authorized_keys"), "\"" + key + "\" is not an Ed25519 public key",
                             "64 hexadecimal digits");
    }
    principal.role = reader.text_or("role", "");
    principal.realm = reader.text_or("realm", "");
    reader.finish();
    cryptosign.principals.emplace(authid, std::move(principal));
  });
  return cryptosign;
}

/// A digest with or without colons, in the form that certificates are shown in; empty if there is none.
std::string read_fingerprint(ObjectReader& reader, std::string_view key, std::size_t size) {
  const auto given = reader.text(key);
  if (!given) return {};
  std::string digits;
  for (const char c : *given) {
    if (c != ':') digits += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  std::string text;
  for (std::size_t i = 0; i < digits.size(); i += 2) text += (i > 0 ? ":" : "") + digits.substr(i, 2);
  const bool with_colons = given->find(':') != std::string::npos;
  if (is_hex(digits, 2 * size, 2 * size) && given->size() == (with_colons ? text : digits).size()) return text;
  reader.context().error(reader.path_of(key), "\"" + *given + "\" is not a fingerprint",
                         std::to_string(2 * size) + " hexadecimal digits, or pairs of them with colons between");
  return {};
}

StaticTls load_tls_principals(ObjectReader& object) {
  StaticTls tls;
  tls.default_role = object.text_or("default-role", "");
  each_entry(object, "principals", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    TlsPrincipal principal;
    principal.certificate_sha1 = read_fingerprint(reader, "certificate-sha1", 20);
    principal.certificate_sha256 = read_fingerprint(reader, "certificate-sha256", 32);
    principal.common_name = reader.text_or("certificate-cn", "");
    principal.role = reader.text_or("role", "");
    if (reader.find("certificate-sha1") == nullptr && reader.find("certificate-sha256") == nullptr &&
        principal.common_name.empty()) {
      object.context().error(path, "nothing says what certificate the principal has",
                             "certificate-sha1, certificate-sha256 or certificate-cn");
    }
    reader.finish(false);
    tls.principals.emplace(authid, std::move(principal));
  });
  return tls;
}

StaticAnonymous load_anonymous(ObjectReader& object) {
  StaticAnonymous anonymous;
  anonymous.role = object.text_or("role", "anonymous");
  anonymous.authid = object.text_or("authid", "");
  object.ignore("realm");
  return anonymous;
}

void load_static(ObjectReader& object, AuthMethod& method) {
  if (method.name == "anonymous") {
    method.config = load_anonymous(object);
  } else if (method.name == "ticket") {
    method.config = load_ticket(object);
  } else if (method.name == "wampcra") {
    method.config = load_wampcra(object);
  } else if (method.name == "scram") {
    method.config = load_scram(object);
  } else if (method.name == "cryptosign") {
    method.config = load_cryptosign(object);
  } else {
    method.config = load_tls_principals(object);
  }
  object.finish();
}

void load_method(LoadContext& context, const std::string& name, const Json& value, const std::string& path,
                 Auth& auth) {
  AuthMethod method{name, CookieAuth()};
  if (name == "anonymous-proxy" || name == "cryptosign-proxy") {
    return context.unsupported(path, "the authentication method \"" + name + "\" is not available");
  }
  ObjectReader object(context, value, path);
  if (name == "cookie") {
    object.finish(false);
    auth.push_back(std::move(method));
    return;
  }
  const std::string type = object.required_text("type", "static, dynamic");
  if (type == "function") {
    return context.unsupported(path,
                               "authentication by a Python function is not available; use a dynamic authenticator");
  }
  if (type == "static") {
    load_static(object, method);
  } else if (type == "dynamic") {
    method.config = *load_dynamic(object);
  } else if (!type.empty()) {
    context.error(object.path_of("type"), "\"" + type + "\" is not a type of authentication", "static, dynamic");
  }
  auth.push_back(std::move(method));
}

}  // namespace

std::optional<ScramProblem> scram_problem(const ScramPrincipal& principal) {
  const bool argon2 = principal.kdf == "argon2id-13";
  if (!argon2 && principal.kdf != "pbkdf2") return ScramProblem{"kdf", "argon2id-13, pbkdf2"};
  if (principal.iterations < 1 || principal.iterations > kMostScramIterations) {
    return ScramProblem{"iterations", "an integer from 1 to 10000000"};
  }
  if (principal.memory < 0 || principal.memory > kMostScramMemory) {
    return ScramProblem{"memory", "an integer from 0 to 1048576 (KiB)"};
  }
  // Argon2 (RFC 9106) wants 8 KiB for a lane, and 8 bytes of salt.
  if (argon2 && principal.memory < 8) return ScramProblem{"memory", "for argon2id-13 an integer from 8 (KiB)"};
  if (argon2 && std::int64_t{principal.iterations} * principal.memory > kMostScramWork) {
    return ScramProblem{"iterations", "for argon2id-13, times memory, at most 67108864"};
  }
  if (!is_hex(principal.salt, argon2 ? 16 : 2, 1024)) {
    return ScramProblem{"salt", "hexadecimal digits, two for each of 1 to 512 bytes, of 8 at least for argon2id-13"};
  }
  if (!is_hex(principal.stored_key, 64, 64)) return ScramProblem{"stored-key", "64 hexadecimal digits"};
  if (!is_hex(principal.server_key, 64, 64)) return ScramProblem{"server-key", "64 hexadecimal digits"};
  return std::nullopt;
}

Auth load_auth(ObjectReader& object) {
  Auth auth;
  each_entry(object, "auth", [&](const std::string& name, const Json& value, const std::string& path) {
    constexpr std::string_view kNames[] = {"anonymous",  "ticket",           "wampcra",        "tls", "cookie", "scram",
                                           "cryptosign", "cryptosign-proxy", "anonymous-proxy"};
    for (const std::string_view known : kNames) {
      if (name == known) return load_method(object.context(), name, value, path, auth);
    }
    object.context().error(path, "\"" + name + "\" is not an authentication method",
                           "anonymous, ticket, wampcra, tls, cookie, cryptosign, scram");
  });
  return auth;
}

}  // namespace crosspoint::settings
