#pragma once

#include <optional>
#include <string>

/// The users of the lessons' app: the table "users".
namespace workshop {

struct NewUser {
  std::string password;  ///< for the app; only told now, kept as a hash
  std::string token;     ///< for the router: the secret that app, authenticator and browser share
};

/// Nothing if there is one of that name already.
std::optional<NewUser> add_user(const std::string& name);

/// The token of a user, if the password is right.
std::optional<std::string> log_in(const std::string& name, const std::string& password);

/// For the authenticator.
std::optional<std::string> token_of(const std::string& name);

/// The trimmed name, or nothing if it cannot be one: it is empty, longer than 64 bytes or has control characters.
std::optional<std::string> proper_name(const std::string& name);

/// Compares secrets in a time that tells nothing about them.
bool same_secret(const std::string& given, const std::string& right);

}  // namespace workshop
