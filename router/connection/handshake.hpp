#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "auth/authenticator.hpp"
#include "realm/realm.hpp"
#include "realm/session.hpp"
#include "wamp/message.hpp"

namespace crosspoint::connection {

/// The authentication methods of an endpoint, by the names clients offer. None: everybody may join as `anonymous`.
using AuthMethods = std::vector<std::pair<std::string, std::shared_ptr<const auth::Method>>>;

/// The realm of a name; nullptr if there is none.
using FindRealm = std::function<realm::Realm*(std::string_view name)>;

/// From HELLO to WELCOME ("Session Establishment", basic profile; "Authentication Methods", advanced profile): messages
/// in, what to do out; no I/O. One object serves the attempts of one connection, one after the other.
class Handshake {
 public:
  /// Send CHALLENGE.
  struct Challenge {
    std::string method;
    std::string extra;  ///< JSON
  };
  /// The client may join: make the session, then send WELCOME.
  struct Join {
    realm::Realm* realm = nullptr;
    const realm::Role* role = nullptr;
    std::shared_ptr<const realm::Identity> identity;
    realm::Announced announced{};
  };
  /// Send ABORT.
  struct Abort {
    std::string reason;
    std::string message;
  };
  /// Call a procedure as a session of the router's own, and hand in on_reply() what comes of it.
  struct Call {
    realm::Realm* realm = nullptr;
    const realm::Role* role = nullptr;
    std::string procedure;
    std::string arguments;  ///< JSON text of a list
    std::chrono::seconds timeout{};
  };
  using Action = std::variant<Challenge, Join, Abort, Call>;

  /// What the outside contributes to one attempt.
  struct Moment {
    wamp::SessionId session = 0;  ///< the id the session will have
    std::string timestamp;        ///< now, as "2017-12-08T09:46:23.123Z"
    std::string transport{};      ///< JSON text of an object that describes the connection
    std::vector<std::pair<std::string, std::string>> channel_ids{};  ///< see auth::ChannelIds
    std::string peer_certificate{};                                  ///< of a TLS client that has shown one: DER
    std::string cookie_id{};                                         ///< of the connection, or empty
    std::optional<auth::CookieLogin> cookie{};  ///< what it stands for, if it may be used to sign in
  };

  Handshake(const AuthMethods& methods, const FindRealm& find_realm) : methods_(methods), find_realm_(find_realm) {}

  Action on_hello(const wamp::Hello& hello, Moment moment);
  Action on_authenticate(const wamp::Authenticate& authenticate);
  Action on_reply(const auth::Reply& reply);
  /// CHALLENGE was sent and AUTHENTICATE is due.
  bool challenged() const { return authenticator_ != nullptr && !asking_; }
  /// A procedure was called and on_reply() is due.
  bool asking() const { return asking_; }
  /// The client has a cookie that would let it in, but did not offer to sign in by it: it is to count no more.
  bool gives_up_cookie() const { return gives_up_cookie_; }

 private:
  struct Details;
  Action begin(const Details& details);
  Action join_anonymously(const Details& details);
  Action conclude(auth::Verdict verdict);
  Action ask(auth::Ask ask);
  Action refuse(std::string_view reason, std::string message);
  /// Fills in what the principal leaves to the client's wishes and checks all of it.
  Action check(auth::Principal principal) const;

  const AuthMethods& methods_;
  const FindRealm& find_realm_;
  std::unique_ptr<auth::Authenticator> authenticator_;
  std::string method_;
  std::string realm_;   // asked for in HELLO
  std::string authid_;  // claimed in HELLO
  std::string authextra_;
  wamp::SessionId session_ = 0;
  bool asking_ = false;
  bool gives_up_cookie_ = false;
  realm::Announced announced_;
};

}  // namespace crosspoint::connection
