#include "connection/realm_gate.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

#include "base/log.hpp"
#include "connection/connection.hpp"
#include "realm/cluster_port.hpp"
#include "realm/event_journal.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::connection {
namespace {

/// How long a connection that was held back waits before the queues are looked at again.
constexpr std::chrono::milliseconds kHoldBack{5};

/// True if it is a further piece of a call that the callee works at already.
bool continues(const realm::Session& callee, const wamp::Invocation& invocation) {
  const auto at = callee.invocations.find(invocation.request);
  return at != callee.invocations.end() && at->second.continued;
}

Connection& connection_of(const realm::Session& session) { return static_cast<Connection&>(*session.peer); }

}  // namespace

void RealmGate::set_gates(std::vector<RealmGate*> gates) {
  gates_ = std::move(gates);
  batches_.resize(gates_.size());
  batch_bytes_.resize(gates_.size());
}

Service& RealmGate::service(const realm::Role& role) {
  auto& service = services_[&role];
  if (!service) service = std::make_unique<Service>(*this, role);
  return *service;
}

void RealmGate::deliver() {
  while (!outbox_.empty()) deliver_once();
}

void RealmGate::deliver_once() {
  swap(outbox_, delivering_);  // delivering may lead to more
  for (const auto& item : delivering_.items()) {
    if (item.to != nullptr) {
      // A publisher that subscribes to nothing has no events that PUBLISHED could overtake.
      if (!event_run_.empty() &&
          !(std::holds_alternative<wamp::Published>(item.message) && item.to->subscriptions.empty())) {
        event_run_.settle();
      }
      deliver_to(*item.to, item.message);
    } else {
      multicast(item);
    }
  }
  for (auto& item : delivering_.posts()) post(item.shard, std::move(item.message));
  if (delivering_.has_seldom()) deliver_seldom();
  delivering_.clear();
}

void RealmGate::deliver_seldom() {
  if (!delivering_.denials().empty()) log_denials();
  for (const auto& timer : delivering_.timers()) set_timer(timer);
  if (!delivering_.pieces().empty()) hold_back_streams();
  for (const auto& farewell : delivering_.farewells()) {
    const realm::Session* session = shard_.sessions().find(farewell.session);
    if (session == nullptr || session->internal) continue;
    log::info("session {} is ended: {} {}", session->id, farewell.reason, farewell.message);
    connection_of(*session).say_goodbye(farewell.reason, farewell.message);
  }
  if (!delivering_.resumed().empty()) {
    // They hand in messages, which lead to more.
    const auto resumed = delivering_.resumed();
    delivering_.clear();
    for (const auto& each : resumed) resume(each);
  }
}

void RealmGate::resume(const realm::Outbox::Resumption& what) {
  realm::Session* session = shard_.sessions().find(what.session);
  if (session == nullptr) return;
  if (session->internal) return static_cast<Service&>(*session->peer).resume(what.request);
  connection_of(*session).resume();
}

void RealmGate::hold_back_streams() {
  for (const auto& piece : delivering_.pieces()) {
    if (!piece.to->congested()) continue;
    const realm::Session* sender = shard_.sessions().find(piece.sender);
    if (sender != nullptr && !sender->internal) stream_holds_.add(connection_of(*sender), piece.to);
  }
}

void RealmGate::deliver_to(realm::Session& session, const wamp::Message& message) {
  if (session.internal) return static_cast<Service&>(*session.peer).receive(message);
  Connection& connection = connection_of(session);
  const auto* invocation = std::get_if<wamp::Invocation>(&message);
  if (invocation != nullptr && !connection.has_room_for_invocation() && !continues(session, *invocation)) {
    return shard_.invocation_undelivered(session, invocation->request, wamp::kUnavailable,
                                         "the callee does not read its messages fast enough", outbox_);
  }
  const auto sent = connection.send(message);
  if (sent == Connection::Sent::yes) return connection.check_queue();
  const bool too_long = sent == Connection::Sent::too_long;
  const std::string_view reason = too_long ? wamp::kPayloadSizeExceeded : wamp::kInvalidPayload;
  const std::string_view text = too_long ? "the message is longer than those that the receiver takes"
                                         : "the payload cannot be expressed in the receiver's serializer";
  if (invocation != nullptr) {
    shard_.invocation_undelivered(session, invocation->request, reason, text, outbox_);
  } else if (const auto* result = std::get_if<wamp::Result>(&message)) {
    shard_.result_undelivered(session, result->request, reason, text, outbox_);
  } else if (const auto* failure = std::get_if<wamp::Error>(&message)) {
    if (failure->error == reason) return;  // not even this fits
    // The views point into the message that is being handled, not into the item.
    wamp::Error error{failure->request_type, failure->request, {}, reason, wamp::Payload::from_text(text)};
    outbox_.send(session, std::move(error));
  }
}

void RealmGate::multicast(const realm::Outbox::Item& item) {
  const auto receivers = std::span(delivering_.receivers()).subspan(item.first_receiver, item.receiver_count);
  // At debug level each event is logged when it is sent to a receiver.
  const bool gathers = receivers.size() >= EventRun::kFewestReceivers && !log::enabled(log::Level::debug);
  if (gathers) {
    std::uint32_t inexpressible = 0;
    if (event_run_.is_for(receivers) && event_run_.add(item.message, workbench_.encoder, inexpressible)) {
      need_turn_end();
      return log_inexpressible(item.message, inexpressible);
    }
  }
  settle_events();
  FrameMakers makers{};
  const bool all = send_event(item.message, receivers, makers);
  if (!gathers) return;
  // The first event shows what kinds of receivers there are.
  if (all) event_run_.begin(receivers, makers);
}

bool RealmGate::send_event(const wamp::Message& event, std::span<realm::Session* const> receivers,
                           FrameMakers& makers) {
  std::uint32_t made = 0;           // a bit for each of frames_
  std::uint32_t inexpressible = 0;  // a bit for each encoding
  bool all = true;
  for (const realm::Session* receiver : receivers) {
    Connection& connection = connection_of(*receiver);
    if (!connection.has_room_for_event()) {
      all = false;
      continue;
    }
    const std::uint32_t encoding = 1U << static_cast<unsigned>(connection.encoding());
    if ((inexpressible & encoding) != 0) continue;
    if (connection.frame_key() < 0) {
      all = false;
      if (connection.send(event) == Connection::Sent::inexpressible) inexpressible |= encoding;
      continue;
    }
    const auto key = static_cast<std::size_t>(connection.frame_key());
    auto& frame = frames_[key];
    if (!frame) {
      serializers::EncodedMessage encoded;
      if (!workbench_.encoder.encode(event, connection.encoding(), encoded)) {
        inexpressible |= encoding;
        continue;
      }
      made |= 1U << key;
      makers[key] = &connection.port();
      frame = connection.port().make_frame(encoded, workbench_.io.shared_output());
    }
    if (log::enabled(log::Level::debug)) connection.log_message("->", event);
    connection.send_event(*frame);
  }
  for (; made != 0; made &= made - 1) frames_[static_cast<std::size_t>(std::countr_zero(made))].reset();
  log_inexpressible(event, inexpressible);
  return all && inexpressible == 0;
}

void RealmGate::log_inexpressible(const wamp::Message& event, std::uint32_t encodings) const {
  for (; encodings != 0; encodings &= encodings - 1) {
    const auto encoding = static_cast<wamp::Encoding>(std::countr_zero(encodings));
    log::info("realm \"{}\": publication {} cannot be expressed in {}: its subscribers with that serializer miss it",
              shard_.realm().name(), std::get<wamp::Event>(event).publication, serializers::of(encoding).name);
  }
}

void RealmGate::set_timer(const realm::Outbox::Timer& timer) {
  if (timer.milliseconds == 0) {
    const auto at = call_timers_.find(timer.number);
    if (at == call_timers_.end()) return;
    workbench_.io.cancel(at.value());
    call_timers_.erase(at);
    return;
  }
  constexpr std::uint64_t kLongest = 1000ULL * 60 * 60 * 24 * 365;
  const std::chrono::milliseconds delay(std::min(timer.milliseconds, kLongest));
  call_timers_[timer.number] = workbench_.io.after(delay, [this, timer] {
    call_timers_.erase(timer.number);
    shard_.time_out(timer, outbox_);
    deliver();
  });
}

void RealmGate::post(unsigned shard, realm::ShardMessage message) {
  if (shard == realm::kOtherNode) return shard_.realm().directory().cluster->send(std::move(message));
  batch_bytes_[shard] += realm::size_of(message);
  batches_[shard].push_back(std::move(message));
  need_turn_end();
}

void RealmGate::need_turn_end() {
  if (turn_end_asked_) return;
  turn_end_asked_ = true;
  workbench_.io.at_turn_end(*this);
}

void RealmGate::doom(Connection& connection, std::string_view reason) {
  doomed_.emplace_back(&connection, reason);
  need_turn_end();
}

void RealmGate::forget(const Connection& connection) {
  event_run_.end();
  std::erase(held_back_, &connection);
  stream_holds_.forget(connection);
  std::erase_if(doomed_, [&](const auto& entry) { return entry.first == &connection; });
}

void RealmGate::on_turn_end() {
  turn_end_asked_ = false;
  for (bool more = true; more;) {
    more = false;
    for (const auto& [role, service] : services_) more = service->run_callbacks() || more;
  }
  settle_events();
  while (!doomed_.empty()) {
    const auto [connection, reason] = doomed_.back();
    doomed_.pop_back();
    connection->port().drop(reason);
  }
  for (std::size_t index = 0; index < batches_.size(); ++index) {
    if (batches_[index].empty()) continue;
    gates_[index]->post_batch(std::exchange(batches_[index], {}), std::exchange(batch_bytes_[index], 0));
  }
}

void RealmGate::post_batch(Batch batch, std::size_t bytes) {
  inbound_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  workbench_.io.post([this, bytes, messages = std::move(batch)] {
    receive(messages);
    inbound_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  });
}

void RealmGate::receive(const Batch& batch) {
  for (const realm::ShardMessage& message : batch) {
    shard_.deliver(message, outbox_);
    deliver();
  }
}

void RealmGate::take_in(Batch messages) {
  std::size_t bytes = 0;
  for (const realm::ShardMessage& message : messages) bytes += realm::size_of(message);
  post_batch(std::move(messages), bytes);
}

bool RealmGate::congested() const {
  const realm::Directory& directory = shard_.realm().directory();
  if (directory.journal != nullptr && directory.journal->backlog() > kMaxUnwritten) return true;
  if (directory.cluster != nullptr && directory.cluster->backlog() > kMaxUnsent) return true;
  return std::any_of(gates_.begin(), gates_.end(), [](const RealmGate* gate) { return gate->is_flooded(); });
}

void RealmGate::hold_back_if_congested(Connection& connection) {
  const realm::Directory& directory = shard_.realm().directory();
  const bool may_be = turn_end_asked_ || directory.journal != nullptr || directory.cluster != nullptr;
  if (may_be && congested()) {
    if (held_back_.empty()) workbench_.io.after(kHoldBack, [this] { release_held_back(); });
    held_back_.push_back(&connection);
    connection.hold_back(Connection::HoldBack::thread, true);
  }
}

void RealmGate::release_held_back() {
  if (congested()) {
    workbench_.io.after(kHoldBack, [this] { release_held_back(); });
    return;
  }
  for (Connection* connection : held_back_) connection->hold_back(Connection::HoldBack::thread, false);
  held_back_.clear();
}

void RealmGate::say_goodbye(std::string_view reason) {
  shard_.sessions().each([&](realm::Session& session) {
    if (!session.internal) connection_of(session).say_goodbye(reason);
  });
}

void RealmGate::log_denials() const {
  for (const auto& denial : delivering_.denials()) {
    const realm::Identity& identity = *denial.session->identity;
    log::info("denied: realm \"{}\", session {}, authid \"{}\", role \"{}\": {} \"{}\": {}", shard_.realm().name(),
              denial.session->id, identity.authid, identity.authrole, to_string(denial.action), denial.uri,
              denial.reason);
  }
}

}  // namespace crosspoint::connection
