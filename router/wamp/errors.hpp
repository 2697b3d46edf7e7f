#pragma once

#include <string_view>

/// The error and close URIs the router itself uses ("Predefined URIs" of the specification, and Crossbar's where it
/// has others).
namespace crosspoint::wamp {

// Sessions: reasons of ABORT and GOODBYE.
inline constexpr std::string_view kProtocolViolation = "wamp.error.protocol_violation";
inline constexpr std::string_view kNoSuchRealm = "wamp.error.no_such_realm";
inline constexpr std::string_view kNoSuchRole = "wamp.error.no_such_role";
inline constexpr std::string_view kNoSuchPrincipal = "wamp.error.no_such_principal";
inline constexpr std::string_view kNoAuthMethod = "wamp.error.no_auth_method";
inline constexpr std::string_view kAuthenticationFailed = "wamp.error.authentication_failed";
inline constexpr std::string_view kTimeout = "wamp.error.timeout";
inline constexpr std::string_view kGoodbyeAndOut = "wamp.close.goodbye_and_out";
inline constexpr std::string_view kCloseNormal = "wamp.close.normal";
/// Crossbar's: the session ends, and the cookie it came with stands for nothing any more.
inline constexpr std::string_view kCloseLogout = "wamp.close.logout";
inline constexpr std::string_view kCloseRealm = "wamp.close.close_realm";
inline constexpr std::string_view kSystemShutdown = "wamp.close.system_shutdown";
inline constexpr std::string_view kKilled = "wamp.close.killed";

// Requests: error URIs of ERROR.
inline constexpr std::string_view kInvalidUri = "wamp.error.invalid_uri";
inline constexpr std::string_view kInvalidArgument = "wamp.error.invalid_argument";
inline constexpr std::string_view kNotAuthorized = "wamp.error.not_authorized";
inline constexpr std::string_view kAuthorizationFailed = "wamp.error.authorization_failed";
inline constexpr std::string_view kNoSuchSession = "wamp.error.no_such_session";
inline constexpr std::string_view kNoSuchSubscription = "wamp.error.no_such_subscription";
inline constexpr std::string_view kNoSuchRegistration = "wamp.error.no_such_registration";
inline constexpr std::string_view kNoSuchProcedure = "wamp.error.no_such_procedure";
inline constexpr std::string_view kProcedureAlreadyExists = "wamp.error.procedure_already_exists";
inline constexpr std::string_view kInvocationPolicyConflict =
    "wamp.error.procedure_exists_with_different_invocation_policy";
inline constexpr std::string_view kUnregistered = "wamp.error.unregistered";
inline constexpr std::string_view kCanceled = "wamp.error.canceled";
inline constexpr std::string_view kUnavailable = "wamp.error.unavailable";
inline constexpr std::string_view kNoAvailableCallee = "wamp.error.no_available_callee";
inline constexpr std::string_view kMaxConcurrencyReached = "crossbar.error.max_concurrency_reached";
inline constexpr std::string_view kPayloadSizeExceeded = "wamp.error.payload_size_exceeded";
inline constexpr std::string_view kInvalidPayload = "wamp.error.invalid_payload";

}  // namespace crosspoint::wamp
