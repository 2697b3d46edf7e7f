#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wamp/ids.hpp"
#include "wamp/payload.hpp"
#include "wamp/uri.hpp"

/// The messages of WAMP ("Messages", basic and advanced profile) as plain structs, fields in wire order. Which field
/// stands where on the wire is known to serializers/ alone. Views point into the bytes a message was decoded from, or
/// into whatever its maker keeps alive until it is encoded.
namespace crosspoint::wamp {

enum class MessageType : std::uint8_t {
  hello = 1,
  welcome = 2,
  abort = 3,
  challenge = 4,
  authenticate = 5,
  goodbye = 6,
  error = 8,
  publish = 16,
  published = 17,
  subscribe = 32,
  subscribed = 33,
  unsubscribe = 34,
  unsubscribed = 35,
  event = 36,
  call = 48,
  cancel = 49,
  result = 50,
  register_ = 64,
  registered = 65,
  unregister = 66,
  unregistered = 67,
  invocation = 68,
  interrupt = 69,
  yield = 70,
};

/// "PUBLISH" and so on; "UNKNOWN" for a number that is no message type.
std::string_view to_string(MessageType type);

/// How much a caller or publisher is trusted, by the router's configuration: 0 is the lowest, what higher numbers mean
/// is the application's choice ("Call Trust Levels", "Publication Trust Levels").
using TrustLevel = std::int32_t;
inline constexpr TrustLevel kNoTrustLevel = -1;  ///< the configuration says nothing

struct Hello {
  std::string_view realm;
  Dict details;
};
struct Welcome {
  SessionId session = 0;
  Dict details;
};
struct Abort {
  Dict details;
  std::string_view reason;
};
struct Challenge {
  std::string_view method;
  Dict extra;
};
struct Authenticate {
  std::string_view signature;
  Dict extra;
};
struct Goodbye {
  Dict details;
  std::string_view reason;
};
struct Error {
  MessageType request_type{};
  RequestId request = 0;
  Dict details;
  std::string_view error;
  Payload payload;
};

/// Attributes that go untouched from Options to Details: "Payload Passthru Mode" (`ppt_*`), and Crossbar's `enc_*` of
/// end-to-end encrypted payloads. Owned, since they may travel to other shards.
struct Passthru {
  std::vector<std::pair<std::string, std::string>> attributes;
};
using PassthruRef = std::shared_ptr<const Passthru>;

/// Who may receive an event ("Subscriber Black- and Whitelisting"). A list that is present but empty counts: an empty
/// eligible list leaves nobody.
struct ReceiverFilter {
  std::optional<std::vector<SessionId>> exclude;
  std::optional<std::vector<std::string_view>> exclude_authid;
  std::optional<std::vector<std::string_view>> exclude_authrole;
  std::optional<std::vector<SessionId>> eligible;
  std::optional<std::vector<std::string_view>> eligible_authid;
  std::optional<std::vector<std::string_view>> eligible_authrole;
};

struct PublishOptions {
  bool acknowledge = false;
  bool exclude_me = true;  ///< "Publisher Exclusion"
  bool retain = false;     ///< "Event Retention"
  std::unique_ptr<ReceiverFilter> filter;
  PassthruRef passthru;
  Dict raw;
};
struct Publish {
  RequestId request = 0;
  PublishOptions options;
  std::string_view topic;
  Payload payload;
};
struct Published {
  RequestId request = 0;
  PublicationId publication = 0;
};

struct SubscribeOptions {
  Match match = Match::exact;
  bool get_retained = false;  ///< "Event Retention"
  Dict raw;
};
struct Subscribe {
  RequestId request = 0;
  SubscribeOptions options;
  std::string_view topic;
};
struct Subscribed {
  RequestId request = 0;
  SubscriptionId subscription = 0;
};
struct Unsubscribe {
  RequestId request = 0;
  SubscriptionId subscription = 0;
};
/// With request 0: the router's doing ("Subscription Revocation").
struct Unsubscribed {
  RequestId request = 0;
  SubscriptionId subscription = 0;  ///< of a revocation
  std::string_view reason{};        ///< of a revocation
};

/// "Publisher Identification"; `topic` for pattern-based subscriptions.
struct EventDetails {
  std::optional<SessionId> publisher;
  std::string_view publisher_authid;
  std::string_view publisher_authrole;
  std::string_view topic;
  bool retained = false;  ///< not new: published before the subscription ("Event Retention")
  TrustLevel trustlevel = kNoTrustLevel;
  PassthruRef passthru{};
};
struct Event {
  SubscriptionId subscription = 0;
  PublicationId publication = 0;
  EventDetails details;
  Payload payload;
};

struct CallOptions {
  bool receive_progress = false;  ///< "Progressive Call Results"
  bool progress = false;          ///< "Progressive Call Invocations": more of this call is to come
  std::uint64_t timeout = 0;      ///< "Call Timeouts", milliseconds; 0: none
  PassthruRef passthru;
  Dict raw;
};
struct Call {
  RequestId request = 0;
  CallOptions options;
  std::string_view procedure;
  Payload payload;
};
/// "Call Canceling".
enum class CancelMode : std::uint8_t { skip, kill, killnowait };
std::string_view to_string(CancelMode mode);

struct Cancel {
  RequestId request = 0;
  CancelMode mode = CancelMode::killnowait;
  Dict options;
};
/// Who answered, as Crossbar tells it.
struct ResultDetails {
  std::optional<SessionId> callee;
  std::string_view callee_authid;
  std::string_view callee_authrole;
  bool progress = false;
  PassthruRef passthru{};
};
struct Result {
  RequestId request = 0;
  ResultDetails details;
  Payload payload;
};

/// "Shared Registration".
enum class InvocationPolicy : std::uint8_t { single, first, last, roundrobin, random };
std::string_view to_string(InvocationPolicy policy);

struct RegisterOptions {
  Match match = Match::exact;
  InvocationPolicy invoke = InvocationPolicy::single;
  bool forward_timeout = false;   ///< "Call Timeouts": the callee minds them itself
  std::uint32_t concurrency = 0;  ///< calls that the callee takes at a time, as Crossbar has it; 0: any number
  bool force_reregister = false;  ///< takes the place of those who have registered it
  Dict raw;
};
struct Register {
  RequestId request = 0;
  RegisterOptions options;
  std::string_view procedure;
};
struct Registered {
  RequestId request = 0;
  RegistrationId registration = 0;
};
struct Unregister {
  RequestId request = 0;
  RegistrationId registration = 0;
};
/// With request 0: the router's doing ("Registration Revocation").
struct Unregistered {
  RequestId request = 0;
  RegistrationId registration = 0;  ///< of a revocation
  std::string_view reason{};        ///< of a revocation
};

/// "Caller Identification"; `procedure` for pattern-based registrations.
struct InvocationDetails {
  std::optional<SessionId> caller;
  std::string_view caller_authid;
  std::string_view caller_authrole;
  std::string_view procedure;
  bool receive_progress = false;
  bool progress = false;
  TrustLevel trustlevel = kNoTrustLevel;
  std::uint64_t timeout = 0;
  PassthruRef passthru{};
};
struct Invocation {
  RequestId request = 0;
  RegistrationId registration = 0;
  InvocationDetails details;
  Payload payload;
};
struct Interrupt {
  RequestId request = 0;
  CancelMode mode = CancelMode::killnowait;
  std::string_view reason;  ///< an error URI, or empty
};
struct YieldOptions {
  bool progress = false;
  PassthruRef passthru;
  Dict raw;
};
struct Yield {
  RequestId request = 0;
  YieldOptions options;
  Payload payload;
};

using Message = std::variant<Hello, Welcome, Abort, Challenge, Authenticate, Goodbye, Error, Publish, Published,
                             Subscribe, Subscribed, Unsubscribe, Unsubscribed, Event, Call, Cancel, Result, Register,
                             Registered, Unregister, Unregistered, Invocation, Interrupt, Yield>;

/// The type of the alternative a message holds.
MessageType type_of(const Message& message);

}  // namespace crosspoint::wamp
