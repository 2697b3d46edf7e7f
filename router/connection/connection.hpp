#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "connection/cookie_store.hpp"
#include "connection/endpoint.hpp"
#include "connection/handshake.hpp"
#include "connection/realm_gate.hpp"
#include "connection/router.hpp"
#include "connection/waiting_messages.hpp"
#include "realm/session.hpp"
#include "transports/message_port.hpp"

namespace crosspoint::connection {

/// A client's connection: bytes from its transport become messages for the handshake or for its session, messages for
/// the session become bytes. Belongs to one thread. One session after another may live on it: after GOODBYE a client
/// may say HELLO again.
class Connection final : public transports::MessageHandler, public realm::Peer, public CookieHolder {
 public:
  Connection(transports::MessagePort& port, const Endpoint& endpoint, Router& router);
  ~Connection() override;

  // transports::MessageHandler
  void on_message(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) override;
  void on_garbled(std::string_view problem) override;
  void on_drained() override;
  void on_closed(std::string_view reason) override;
  std::uint64_t session() const override { return session_ != nullptr ? session_->id : 0; }

  transports::MessagePort& port() { return port_; }
  const Endpoint& endpoint() const { return endpoint_; }
  /// Asks for the memory that sending an event will need.
  void prefetch() const { __builtin_prefetch(&port_); }
  wamp::Encoding encoding() const { return encoding_; }
  /// Which of RealmGate's frames fit this connection; none if it takes no shared ones.
  int frame_key() const { return frame_key_; }

  /// What became of a message for the session: queued, or not, because its payload cannot be expressed in this encoding
  /// or because the client does not take messages so long.
  enum class Sent { yes, inexpressible, too_long };
  Sent send(const wamp::Message& message);
  /// Queues an EVENT; one that is too long for the client is left out and counted.
  void send_event(const transports::SharedFrame& frame);
  /// Logs at debug level that a message came ("<-") or was sent ("->").
  void log_message(const char* direction, const wamp::Message& message) const;
  /// True if there is room for an EVENT. If not, counts it as dropped, or ends the connection, as configured.
  bool has_room_for_event();
  /// True if there is room for events of so many bytes altogether.
  bool has_room_for(std::size_t bytes) const { return port_.queued() + bytes < endpoint_.max_queued_bytes; }
  /// True if there is room for an INVOCATION.
  bool has_room_for_invocation() const { return port_.queued() < endpoint_.max_queued_bytes; }
  /// To be called after sends: stops reading from a client that does not read, and ends its session when far more
  /// than its limit has piled up.
  void check_queue();
  /// Stops and starts reading because others cannot keep up: a thread, or the receiver of a stream.
  enum class HoldBack { thread, stream };
  void hold_back(HoldBack why, bool on);
  /// The message that waits for other nodes (realm::Outbox::resume) has its turn.
  void resume();
  /// Sends GOODBYE; the session ends when the client answers, or after a time.
  void say_goodbye(std::string_view reason, std::string_view message = {});
  std::string describe(const realm::Identity& identity) const override;
  // CookieHolder
  void on_logout() override;

 private:
  enum class State { handshake, joined, leaving, ended };

  /// Returns false if the message has to wait, for a dynamic authorizer or other nodes: nothing was done.
  bool handle(const wamp::Message& message);
  void handle_before_join(const wamp::Message& message);
  bool handle_joined(const wamp::Message& message);
  void perform(Handshake::Action action);
  void say_hello(const wamp::Hello& hello);
  void forget_cookie();
  void ask_authenticator(Handshake::Call call);
  void ask_authorizer();
  void on_verdict(Service::Answer answer, const realm::Question& question);
  /// Handles what has waited, until the authorizer has to be asked again.
  void handle_waiting();
  bool must_wait(const wamp::Message& message) const;
  void forget_calls();
  void join(Handshake::Join join);
  void abort(std::string_view reason, std::string_view text);
  void violation(std::string_view problem);
  void on_goodbye(const wamp::Goodbye& goodbye);
  void leave(std::string_view reason);
  void await_hello(std::chrono::seconds limit);
  void update_reading();
  void set_intake_full(bool full);
  void check_intake();
  void doom(std::string_view reason);

  transports::MessagePort& port_;
  const Endpoint& endpoint_;
  Router& router_;
  Workbench& workbench_;
  const wamp::Encoding encoding_;
  const int frame_key_;
  const std::size_t most_messages_;  // that the port queues; 0: bytes alone count
  State state_ = State::handshake;
  bool held_back_[2] = {};      // by HoldBack
  bool queue_is_long_ = false;  // because the client does not read what we send
  bool intake_full_ = false;    // so that those who stream to the session are held back
  int awaited_ = 0;             // looks at it that found somebody held back, one after the other
  base::Timers::Handle intake_timer_;
  bool doomed_ = false;
  std::uint64_t dropped_events_ = 0;
  std::uint64_t too_long_events_ = 0;
  std::string cookie_;                    // id, or empty
  std::unique_ptr<Handshake> handshake_;  // while there is no session
  RealmGate* gate_ = nullptr;
  realm::Session* session_ = nullptr;
  base::Timers::Handle timer_;         // of the handshake, or of our GOODBYE
  Service* authenticating_ = nullptr;  // called for the handshake
  wamp::RequestId authentication_ = 0;
  std::unique_ptr<WaitingMessages> waiting_;  // of a session that has had to wait
};

}  // namespace crosspoint::connection
