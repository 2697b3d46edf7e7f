#include "connection/connection.hpp"

#include <chrono>

#include "base/log.hpp"
#include "connection/message_text.hpp"
#include "connection/principal_details.hpp"
#include "connection/welcome.hpp"
#include "realm/cluster_port.hpp"
#include "realm/session_details.hpp"
#include "serializers/value.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::connection {
namespace {

/// A connection without a session ends after this; the time to answer a challenge is in it.
constexpr std::chrono::seconds kHelloTime{60};
/// After a refused sign-in the client closes the connection, or tries again; if it does neither, we close it.
constexpr std::chrono::seconds kRefusedTime{3};
/// Answers to calls are never dropped; a session for which so many times its limit piles up is ended instead.
constexpr std::size_t kEndAtLimits = 4;
/// Streams to the session stop when so much is queued for it, and may then have so much more under way.
constexpr std::size_t kStreamQueue = 512 * 1024;
constexpr std::size_t kStreamRoom = 4 * 1024 * 1024;
/// How many times we look, within Endpoint::max_stream_wait, whether somebody is held back.
constexpr int kIntakeLooks = 10;
/// A client that does not answer our GOODBYE in this time is disconnected.
constexpr std::chrono::seconds kGoodbyeTime{3};
/// How long a dynamic authorizer may take.
constexpr std::chrono::seconds kAuthorizerTime{30};

}  // namespace

Connection::Connection(transports::MessagePort& port, const Endpoint& endpoint, Router& router)
    : port_(port),
      endpoint_(endpoint),
      router_(router),
      workbench_(router.workbench(port.io().index())),
      encoding_(port.info().serializer->encoding),
      frame_key_(port.takes_shared_frames()
                     ? static_cast<int>(static_cast<unsigned>(encoding_) + port.kind() * wamp::kEncodings)
                     : -1),
      most_messages_(port.max_queued_messages()) {
  if (endpoint_.cookie_store) cookie_ = port_.info().cookie;
  if (!cookie_.empty()) endpoint_.cookie_store->attach(cookie_, workbench_.io, *this);
  await_hello(kHelloTime);
}

Connection::~Connection() {
  forget_cookie();
  workbench_.io.cancel(timer_);
  workbench_.io.cancel(intake_timer_);
  forget_calls();
  if (gate_ != nullptr) gate_->forget(*this);
}

void Connection::forget_cookie() {
  if (!cookie_.empty()) endpoint_.cookie_store->detach(cookie_, *this);
  cookie_.clear();
}

void Connection::on_logout() {
  constexpr std::string_view kWhy = "logged out on another connection";
  if (state_ == State::joined) return say_goodbye(wamp::kCloseLogout, kWhy);
  if (state_ != State::leaving) port_.close(kWhy);
}

void Connection::forget_calls() {
  if (authenticating_ != nullptr) std::exchange(authenticating_, nullptr)->cancel(authentication_);
  if (waiting_ && waiting_->service != nullptr) waiting_->service->cancel(waiting_->call);
  waiting_.reset();
}

void Connection::await_hello(std::chrono::seconds limit) {
  state_ = State::handshake;
  handshake_ = std::make_unique<Handshake>(endpoint_.auth_methods, router_.realm_finder());
  workbench_.io.cancel(timer_);
  timer_ = workbench_.io.after(limit, [this] {
    log::info("{}: no WAMP session was opened in time", port_.info().peer_address);
    state_ = State::ended;
    port_.close("no WAMP session was opened in time");
  });
}

void Connection::on_message(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) {
  if (state_ == State::ended) return;
  wamp::Message& message = workbench_.message;
  const auto problem = serializers::decode(encoding_, bytes, workbench_.scratch, message);
  if (!problem.empty()) return violation(problem);
  if (owner) serializers::share_payload(message, owner);
  if (log::enabled(log::Level::debug)) log_message("<-", message);
  if (waiting_ && must_wait(message)) {
    waiting_->append(bytes);
    return update_reading();
  }
  if (handle(message)) return;
  if (!waiting_) waiting_ = std::make_unique<WaitingMessages>();
  waiting_->append(bytes);
  if (gate_->shard().question()) ask_authorizer();
}

void Connection::on_garbled(std::string_view problem) {
  if (state_ != State::ended) violation(problem);
}

bool Connection::must_wait(const wamp::Message& message) const {
  if (waiting_->service == nullptr && waiting_->empty()) return false;
  // Answers need no permission, and the authorizer itself may be waiting for one.
  return !std::holds_alternative<wamp::Yield>(message) && !std::holds_alternative<wamp::Error>(message);
}

bool Connection::handle(const wamp::Message& message) {
  switch (state_) {
    case State::joined:
      return handle_joined(message);
    case State::handshake:
      handle_before_join(message);
      return true;
    case State::leaving:  // what was under way when we said GOODBYE is of no use any more
      if (std::holds_alternative<wamp::Goodbye>(message)) {
        leave("the router said goodbye");
        port_.close("the router ended the session");
        state_ = State::ended;
      }
      return true;
    case State::ended:
      return true;
  }
  return true;
}

void Connection::handle_before_join(const wamp::Message& message) {
  if (const auto* hello = std::get_if<wamp::Hello>(&message)) {
    if (handshake_->challenged()) return violation("HELLO while AUTHENTICATE is due");
    if (handshake_->asking()) return violation("HELLO while another one is being looked at");
    return say_hello(*hello);
  }
  if (const auto* authenticate = std::get_if<wamp::Authenticate>(&message)) {
    return perform(handshake_->on_authenticate(*authenticate));
  }
  if (const auto* abort = std::get_if<wamp::Abort>(&message)) {
    log::info("{}: the client gave up signing in: {}", port_.info().peer_address, abort->reason);
    forget_calls();
    state_ = State::ended;
    return port_.close("the client aborted");
  }
  violation("a message other than HELLO before a session is established");
}

void Connection::say_hello(const wamp::Hello& hello) {
  transports::TransportInfo info = port_.info();
  Handshake::Moment moment{wamp::random_id(workbench_.random), utc_timestamp()};
  if (endpoint_.describes_transport) moment.transport = transport_json(info);
  moment.channel_ids = std::move(info.channel_ids);
  moment.peer_certificate = std::move(info.peer_certificate);
  moment.cookie_id = cookie_;
  if (!cookie_.empty() && endpoint_.cookies_sign_in) moment.cookie = endpoint_.cookie_store->find(cookie_);
  Handshake::Action action = handshake_->on_hello(hello, std::move(moment));
  if (handshake_->gives_up_cookie()) endpoint_.cookie_store->revoke(cookie_);
  perform(std::move(action));
}

void Connection::perform(Handshake::Action action) {
  if (auto* challenge = std::get_if<Handshake::Challenge>(&action)) {
    send(wamp::Challenge{challenge->method, wamp::Dict::from_json(challenge->extra)});
  } else if (auto* refusal = std::get_if<Handshake::Abort>(&action)) {
    log::info("{}: sign-in refused: {}: {}", port_.info().peer_address, refusal->reason, refusal->message);
    abort(refusal->reason, refusal->message);
    // A malformed HELLO breaks the protocol; whoever was merely refused may try again.
    if (refusal->reason == wamp::kProtocolViolation) return port_.fail("WAMP protocol violation");
    await_hello(kRefusedTime);
  } else if (auto* call = std::get_if<Handshake::Call>(&action)) {
    ask_authenticator(std::move(*call));
  } else {
    join(std::move(std::get<Handshake::Join>(action)));
  }
}

void Connection::ask_authenticator(Handshake::Call call) {
  workbench_.io.cancel(timer_);  // the call has its own limit
  authenticating_ = &router_.gate(*call.realm, workbench_.io.index()).service(*call.role);
  authentication_ = authenticating_->call(
      call.procedure, call.arguments, call.timeout, [this, procedure = call.procedure](Service::Answer answer) {
        authenticating_ = nullptr;
        if (!answer.error.empty()) {
          log::info("{}: authenticator \"{}\" failed: {}: {}", port_.info().peer_address, procedure, answer.error,
                    answer.message);
        }
        perform(handshake_->on_reply({answer.error, answer.message, answer.value}));
        if (state_ == State::handshake && handshake_->challenged()) {
          workbench_.io.cancel(timer_);
          timer_ = workbench_.io.after(kHelloTime, [this] {
            log::info("{}: CHALLENGE was not answered in time", port_.info().peer_address);
            state_ = State::ended;
            port_.close("CHALLENGE was not answered in time");
          });
        }
      });
}

void Connection::join(Handshake::Join join) {
  RealmGate& gate = router_.gate(*join.realm, workbench_.io.index());
  session_ = gate.shard().join(*this, join.identity, *join.role, join.announced);
  if (session_ == nullptr) {
    abort(wamp::kAuthenticationFailed, "session id in use, try again");
    return await_hello(kRefusedTime);
  }
  gate_ = &gate;
  // So that what is queued when streams stop, and what is under way then, is less than the port takes.
  if (most_messages_ != 0) session_->most_under_way = most_messages_ / 4 * realm::kPieceCost;
  state_ = State::joined;
  handshake_.reset();
  workbench_.io.cancel(timer_);
  if (!cookie_.empty()) {
    const realm::Identity& who = *join.identity;
    endpoint_.cookie_store->remember(cookie_,
                                     {join.realm->name(), who.authid, who.authrole, who.authmethod, who.authextra});
  }
  const std::string peer = port_.info().peer_address;
  log::info("session {} joined realm \"{}\": authid \"{}\", role \"{}\", {} {}, from {}", session_->id,
            join.realm->name(), join.identity->authid, join.identity->authrole, join.identity->authprovider,
            join.identity->authmethod, peer);
  const std::string details = welcome_details(*join.realm, *join.identity, router_.names(), peer);
  if (send(wamp::Welcome{session_->id, wamp::Dict::from_json(details)}) == Sent::yes) {
    gate_->shard().announce(*session_, gate_->outbox());
    return gate_->deliver();
  }
  abort(wamp::kPayloadSizeExceeded, "WELCOME is longer than the messages that the client takes");
  leave(wamp::kPayloadSizeExceeded);
  port_.close("the client does not take messages as long as WELCOME");
}

bool Connection::handle_joined(const wamp::Message& message) {
  if (const auto* goodbye = std::get_if<wamp::Goodbye>(&message)) {
    on_goodbye(*goodbye);
    return true;
  }
  if (const auto* abort = std::get_if<wamp::Abort>(&message)) {
    leave(abort->reason);
    state_ = State::ended;
    port_.close("the client aborted");
    return true;
  }
  const auto problem = gate_->shard().receive(*session_, message, gate_->outbox());
  if (!problem.empty()) {
    violation(problem);
    return true;
  }
  if (gate_->shard().question() || gate_->shard().must_catch_up()) return false;
  gate_->deliver();
  gate_->hold_back_if_congested(*this);
  return true;
}

void Connection::ask_authorizer() {
  const realm::Question& question = *gate_->shard().question();
  const std::string arguments = authorizer_arguments(realm::describe(*session_), question);
  realm::Realm& realm = gate_->shard().realm();
  waiting_->service = &gate_->service(*realm.find_role(realm::kTrustedRole));
  waiting_->call =
      waiting_->service->call(session_->role->authorizer(), arguments, kAuthorizerTime,
                              [this, question](Service::Answer answer) { on_verdict(std::move(answer), question); });
}

void Connection::on_verdict(Service::Answer answer, const realm::Question& question) {
  waiting_->service = nullptr;
  if (session_ == nullptr) return;
  realm::Verdict verdict = answer.error.empty() ? realm::read_verdict(answer.value) : realm::Verdict();
  if (!answer.error.empty()) {
    verdict.problem = answer.message.empty() ? answer.error : answer.error + ": " + answer.message;
  }
  verdict.action = question.action;
  verdict.uri = question.uri;
  verdict.version = question.version;
  verdict.earlier = std::move(session_->verdict);
  session_->verdict = std::make_unique<realm::Verdict>(std::move(verdict));
  handle_waiting();
}

void Connection::resume() {
  if (session_ == nullptr) return;
  session_->caught_up = true;
  handle_waiting();
}

void Connection::handle_waiting() {
  while (waiting_ && !waiting_->empty() && state_ != State::ended) {
    auto entry = waiting_->take();
    wamp::Message& message = workbench_.message;
    if (!serializers::decode(encoding_, entry.bytes(), workbench_.scratch, message).empty()) continue;  // never: it was
    serializers::share_payload(message, entry.chunk);
    if (handle(message)) {
      if (session_ != nullptr) {
        session_->verdict.reset();
        session_->caught_up = false;
      }
      continue;
    }
    waiting_->put_back(std::move(entry));
    if (gate_->shard().question()) ask_authorizer();
    break;
  }
  if (waiting_) update_reading();
}

void Connection::on_goodbye(const wamp::Goodbye& goodbye) {
  gate_->settle_events();
  send(wamp::Goodbye{{}, wamp::kGoodbyeAndOut});
  leave(goodbye.reason);
  if (goodbye.reason == wamp::kCloseLogout && !cookie_.empty()) endpoint_.cookie_store->log_out(cookie_, *this);
  await_hello(kHelloTime);  // the client may open another session, or closes the transport
}

void Connection::say_goodbye(std::string_view reason, std::string_view message) {
  if (state_ != State::joined) return;
  std::string details = "{";
  if (!message.empty()) {
    details += "\"message\":";
    wamp::append_json_string(details, message);
  }
  gate_->settle_events();
  send(wamp::Goodbye{wamp::Dict::from_json(details + "}"), reason});
  state_ = State::leaving;
  timer_ = workbench_.io.after(kGoodbyeTime, [this] { port_.drop("GOODBYE was not answered in time"); });
}

std::string Connection::describe(const realm::Identity& identity) const {
  const realm::ClusterPort* cluster = gate_->shard().realm().directory().cluster;
  return session_json(identity, port_.info(), cluster != nullptr ? cluster->node() : std::string_view());
}

void Connection::leave(std::string_view reason) {
  if (session_ == nullptr) return;
  log::info("session {} left realm \"{}\": authid \"{}\", role \"{}\": {}", session_->id, gate_->shard().realm().name(),
            session_->identity->authid, session_->identity->authrole, reason);
  if (dropped_events_ > 0) {
    log::warn("session {} was too slow: {} events for it were dropped", session_->id, dropped_events_);
  }
  if (too_long_events_ > 0) {
    log::warn("session {} missed {} events that were longer than the messages it takes", session_->id,
              too_long_events_);
  }
  forget_calls();
  set_intake_full(false);
  gate_->settle_events();
  gate_->forget(*this);
  gate_->shard().leave(*session_, gate_->outbox());
  gate_->deliver();
  session_ = nullptr;
  gate_ = nullptr;
  dropped_events_ = 0;
  too_long_events_ = 0;
  hold_back(HoldBack::thread, false);
  hold_back(HoldBack::stream, false);
  workbench_.io.cancel(timer_);
}

void Connection::abort(std::string_view reason, std::string_view text) {
  std::string details = "{\"message\":";
  wamp::append_json_string(details, text);
  details += "}";
  if (gate_ != nullptr) gate_->settle_events();
  send(wamp::Abort{wamp::Dict::from_json(details), reason});
  state_ = State::ended;
  workbench_.io.cancel(timer_);
}

void Connection::violation(std::string_view problem) {
  log::info("{}{}: protocol violation: {}", port_.info().peer_address,
            session_ != nullptr ? fmt::format(", session {}", session_->id) : std::string(), problem);
  abort(wamp::kProtocolViolation, problem);
  leave(wamp::kProtocolViolation);
  port_.fail("WAMP protocol violation");
}

void Connection::on_closed(std::string_view reason) {
  leave(reason);
  forget_calls();
  forget_cookie();
  state_ = State::ended;
  workbench_.io.cancel(timer_);
}

Connection::Sent Connection::send(const wamp::Message& message) {
  if (state_ == State::ended) return Sent::yes;
  serializers::EncodedMessage encoded;
  if (!workbench_.encoder.encode(message, encoding_, encoded)) return Sent::inexpressible;
  if (log::enabled(log::Level::debug)) log_message("->", message);
  return port_.send(encoded) ? Sent::yes : Sent::too_long;
}

void Connection::send_event(const transports::SharedFrame& frame) {
  if (port_.send(frame) || too_long_events_++ > 0) return;
  log::warn("session {}: an event of {} bytes is longer than the messages it takes, and is left out", session_->id,
            frame.size());
}

bool Connection::has_room_for_event() {
  if (port_.queued() < endpoint_.max_queued_bytes) return true;
  if (dropped_events_++ == 0) {
    log::warn("session {} reads too slowly: more than {} bytes wait for it; events for it are dropped from now on",
              session_->id, endpoint_.max_queued_bytes);
  }
  if (endpoint_.slow_receiver == SlowReceiver::disconnect) doom("the session reads too slowly");
  return false;
}

void Connection::check_queue() {
  const std::size_t queued = port_.queued();
  const std::size_t half = endpoint_.max_queued_bytes / 2;
  const bool many = most_messages_ != 0 && port_.queued_messages() >= most_messages_ / 2;
  if (queued < std::min(half, kStreamQueue) && !many) return;
  const bool takes_streams = session_ != nullptr && session_->intake != nullptr;
  if (takes_streams && !intake_full_) set_intake_full(true);
  if (queued < half) return;
  queue_is_long_ = true;
  update_reading();
  const std::size_t room = takes_streams ? kStreamRoom : 0;
  if (queued > endpoint_.max_queued_bytes * kEndAtLimits + room) doom("the session does not read its messages");
}

void Connection::set_intake_full(bool full) {
  if (intake_full_ == full) return;
  intake_full_ = full;
  session_->intake->set_full(full);
  workbench_.io.cancel(intake_timer_);
  awaited_ = 0;
  if (full) check_intake();
}

void Connection::check_intake() {
  if (session_->intake->take_awaited()) {
    if (++awaited_ > kIntakeLooks) {
      log::warn(
          "session {} has not read its messages for {} ms, while sessions that stream to it were held back: {} bytes",
          session_->id, endpoint_.max_stream_wait.count(), port_.queued());
      return doom("the session reads what is streamed to it too slowly");
    }
  } else {
    awaited_ = 0;
  }
  intake_timer_ = workbench_.io.after(endpoint_.max_stream_wait / kIntakeLooks, [this] { check_intake(); });
}

void Connection::doom(std::string_view reason) {
  if (std::exchange(doomed_, true) || gate_ == nullptr) return;
  gate_->doom(*this, reason);
}

void Connection::on_drained() {
  if (intake_full_) set_intake_full(false);
  if (!queue_is_long_) return;
  queue_is_long_ = false;
  update_reading();
}

void Connection::hold_back(HoldBack why, bool on) {
  held_back_[static_cast<int>(why)] = on;
  update_reading();
}

void Connection::update_reading() {
  if (held_back_[0] || held_back_[1] || queue_is_long_ || (waiting_ && waiting_->enough())) {
    port_.pause();
  } else {
    port_.resume();
  }
}

void Connection::log_message(const char* direction, const wamp::Message& message) const {
  const std::string who = session_ != nullptr ? fmt::format("session {}", session_->id) : port_.info().peer_address;
  log::debug("{} {} {}", who, direction, message_text(message));
}

}  // namespace crosspoint::connection
