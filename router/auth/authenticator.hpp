#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "wamp/ids.hpp"

/// How clients prove who they are ("Authentication Methods", advanced profile). No I/O and no clock here: what a method
/// needs of them is handed in.
namespace crosspoint::auth {

/// What the client said in HELLO, and what the router knows of the moment.
struct Request {
  std::string_view realm;       ///< asked for; may be empty
  std::string_view authid;      ///< claimed; may be empty
  std::string_view authextra;   ///< JSON text of an object, or empty
  wamp::SessionId session = 0;  ///< the id the session is going to have
  std::string_view timestamp;   ///< now, as "2017-12-08T09:46:23.123Z"
};

/// Whom a client turned out to be. What it leaves empty is as the client asked, or missing.
struct Principal {
  std::string realm;
  std::string authid;
  std::string role;
  std::string provider;  ///< WELCOME.Details.authprovider: "static" or "dynamic"
  std::string extra;     ///< JSON text of an object for WELCOME.Details.authextra, or empty
};

/// CHALLENGE is to be sent. The principal is checked first (does the realm have the role?), so that a mistake of the
/// configuration shows without a password.
struct Challenge {
  std::string extra;  ///< JSON text of CHALLENGE.Extra
  std::optional<Principal> principal;
};
struct Accepted {
  Principal principal;
};
/// ABORT is to be sent.
struct Denied {
  std::string_view reason;  ///< an error URI
  std::string message;
};
using Verdict = std::variant<Challenge, Accepted, Denied>;

/// One client's attempt by one method. begin() is called once; answer() if begin() wanted a challenge.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual Verdict begin(const Request& request) = 0;
  /// `signature` is AUTHENTICATE.Signature. Never logged.
  virtual Verdict answer(std::string_view signature) = 0;
};

/// A method as an endpoint has it configured. Constant, and used by all threads.
class Method {
 public:
  virtual ~Method() = default;
  virtual std::unique_ptr<Authenticator> make_authenticator() const = 0;
};

}  // namespace crosspoint::auth
