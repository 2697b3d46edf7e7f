#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

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

StaticScram load_scram(ObjectReader& object) {
  StaticScram scram;
  scram.default_role = object.text_or("default-role", "");
  object.require("principals", "an object of principals by authid");
  each_entry(object, "principals", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    ScramPrincipal principal;
    const std::vector<std::string_view> kdfs{"argon2id-13", "pbkdf2"};
    reader.require("kdf", "argon2id-13, pbkdf2");
    principal.kdf = kdfs[reader.choice("kdf", kdfs, 0)];
    reader.require("iterations", "an integer");
    principal.iterations = static_cast<int>(reader.integer("iterations", 1, INT32_MAX).value_or(0));
    reader.require("memory", "an integer");
    principal.memory = static_cast<int>(reader.integer("memory", 0, INT32_MAX).value_or(0));
    principal.salt = reader.required_text("salt", "hexadecimal digits");
    principal.stored_key = reader.required_secret("stored-key");
    principal.server_key = reader.required_secret("server-key");
    principal.role = reader.text_or("role", "");
    reader.finish();
    scram.principals.emplace(authid, std::move(principal));
  });
  return scram;
}

StaticCryptosign load_cryptosign(ObjectReader& object) {
  StaticCryptosign cryptosign;
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
      if (key.size() == 64 && key.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos) continue;
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

StaticTls load_tls_principals(ObjectReader& object) {
  StaticTls tls;
  tls.default_role = object.text_or("default-role", "");
  each_entry(object, "principals", [&](const std::string& authid, const Json& value, const std::string& path) {
    ObjectReader reader(object.context(), value, path);
    TlsPrincipal principal{reader.text_or("certificate-sha1", ""), reader.text_or("role", "")};
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
