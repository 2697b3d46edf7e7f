#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "wamp/ids.hpp"

/// How clients prove who they are ("Authentication Methods", advanced profile). No I/O and no clock here: what a method
/// needs of them is handed in.
namespace crosspoint::auth {

/// 32 bytes each that only the two ends of a TLS connection know, by the type of channel binding: "tls-unique" and
/// "tls-exporter". Empty without TLS.
using ChannelIds = std::span<const std::pair<std::string, std::string>>;

/// The sign-in that a connection's cookie stands for.
struct CookieLogin {
  std::string realm;
  std::string authid;
  std::string role;
  std::string method;
  std::string extra;  ///< JSON text of an object, or empty

  bool operator==(const CookieLogin&) const = default;
};

/// What the client said in HELLO, and what the router knows of the moment.
struct Request {
  std::string_view realm;        ///< asked for; may be empty
  std::string_view authid;       ///< claimed; may be empty
  std::string_view authextra;    ///< JSON text of an object, or empty
  wamp::SessionId session = 0;   ///< the id the session is going to have
  std::string_view timestamp;    ///< now, as "2017-12-08T09:46:23.123Z"
  std::string_view transport{};  ///< JSON text of an object that describes the connection
  ChannelIds channel_ids{};
  std::string_view peer_certificate{};  ///< of a TLS client that has shown one: DER
  const CookieLogin* cookie = nullptr;
};

/// Whom a client turned out to be. What it leaves empty is as the client asked, or missing.
struct Principal {
  std::string realm;
  std::string authid;
  std::string role;
  std::string provider;  ///< WELCOME.Details.authprovider: "static" or "dynamic"
  std::string extra;     ///< JSON text of an object for WELCOME.Details.authextra, or empty
  std::string method{};  ///< WELCOME.Details.authmethod; empty: the one that was used
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
  std::string reason;  ///< an error URI
  std::string message;
};
/// A procedure has to be called first (a dynamic authenticator); on_reply() says how it goes on.
struct Ask {
  std::string realm;  ///< of the procedure; empty: the one that the client asked for
  std::string role;   ///< of the router's session that calls it; empty: `trusted`
  std::string procedure;
  std::string arguments;  ///< JSON text of a list
  std::chrono::seconds timeout{};
};
/// The client has nothing for this method to look at: the next one that it offers has its turn. Of begin() only.
struct NotApplicable {};
using Verdict = std::variant<Challenge, Accepted, Denied, Ask, NotApplicable>;

/// What came of an Ask.
struct Reply {
  std::string error;  ///< an error URI; empty if there is a result
  std::string message;
  const nlohmann::json& value;  ///< the result's first argument, or null
};

/// One client's attempt by one method. begin() is called once; answer() if a challenge was wanted; on_reply() after an
/// Ask.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual Verdict begin(const Request& request) = 0;
  /// `signature` is AUTHENTICATE.Signature. Never logged.
  virtual Verdict answer(std::string_view signature) = 0;
  virtual Verdict on_reply(const Reply& reply);
};

/// A method as an endpoint has it configured. Constant, and used by all threads.
class Method {
 public:
  virtual ~Method() = default;
  virtual std::unique_ptr<Authenticator> make_authenticator() const = 0;
};

}  // namespace crosspoint::auth
