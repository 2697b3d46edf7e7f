#include "cluster/calls.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/head_words.hpp"
#include "serializers/reader.hpp"
#include "serializers/serializers.hpp"
#include "wamp/errors.hpp"

namespace crosspoint::cluster {
namespace {

/// Marks handles of calls that come from other nodes, among those of a shard.
constexpr std::uint64_t kFromOtherNode = std::uint64_t{1} << 63;

realm::SessionKey key_of(std::uint64_t number) {
  return {realm::kOtherNode, static_cast<std::uint32_t>(number), 1 + static_cast<std::uint32_t>(number >> 32)};
}
std::uint64_t number_of(const realm::SessionKey& key) { return std::uint64_t{key.generation - 1} << 32 | key.slot; }

std::shared_ptr<const realm::Identity> identity(const std::optional<wamp::SessionId>& session, std::string_view authid,
                                                std::string_view authrole) {
  if (!session) return nullptr;
  auto who = std::make_shared<realm::Identity>();
  who->session = *session;
  who->authid = authid;
  who->authrole = authrole;
  return who;
}

}  // namespace

realm::Callee Calls::add_callee(std::size_t realm, const std::string& address, const realm::Claim& claim,
                                std::uint64_t order) {
  callees_.emplace(++last_callee_, RemoteCallee{realm, address, claim.number});
  realm::Callee callee{key_of(last_callee_), claim.session, claim.forward_timeout, claim.reroutes};
  callee.order = order;
  callee.node = name_of(address);
  return callee;
}

std::shared_ptr<const std::string> Calls::name_of(const std::string& address) {
  std::weak_ptr<const std::string>& known = names_[address];
  std::shared_ptr<const std::string> name = known.lock();
  if (!name) {
    std::erase_if(names_, [&](const auto& entry) { return entry.first != address && entry.second.expired(); });
    name = std::make_shared<const std::string>(address.substr(0, address.rfind('/')));
    names_[address] = name;
  }
  return name;
}

void Calls::remove_callee(const realm::SessionKey& key) { callees_.erase(number_of(key)); }

void Calls::send(std::size_t realm, const std::string& address, wamp::Message message, wamp::TrustLevel trustlevel) {
  const wamp::Payload* payload = serializers::payload_of(message);
  const auto encoding = payload != nullptr ? payload->encoding : wamp::Encoding::json;
  std::string text = fmt::format("{} {} {}\n", user_.realm_name(realm), serializers::of(encoding).name, trustlevel);
  text += serializers::encode_whole(message);
  user_.send_message(address, kRpc, text);
}

void Calls::take(std::size_t realm, realm::ShardMessage message) {
  std::visit([&](auto& m) { take(realm, m); }, message);
}

void Calls::take(std::size_t realm, realm::RemoteCall& call) {
  if (call.continues) {
    const auto at = outgoing_.find(call.handle);
    if (at == outgoing_.end()) return;  // it has ended
    at.value().pieces.sent += realm::size_of_piece(call.payload);
    wamp::Invocation more{call.handle, 1, {}, call.payload};
    more.details.progress = call.progress;
    more.details.passthru = call.passthru;
    return send(realm, at->second.address, std::move(more));
  }
  Outgoing outgoing{realm, {}, call.caller, call.request, call.results_to, {}, {call.pieces_to}};
  const auto callee = callees_.find(number_of(call.callee));
  if (callee == callees_.end()) {
    if (call.pieces_to) call.pieces_to->close();  // who is held back because of it is not any more
    if (!user_.is_complete()) return fail(outgoing, wamp::kUnavailable, "other nodes cannot be reached now");
    return fail(outgoing, wamp::kCanceled, "the callee left before the call reached it");
  }
  outgoing.address = callee->second.address;
  if (call.progress) outgoing.pieces.sent += realm::size_of_piece(call.payload);
  wamp::Invocation invocation{call.handle, callee->second.claim, {}, call.payload};
  wamp::InvocationDetails& details = invocation.details;
  if (call.disclosed) {
    details.caller = call.disclosed->session;
    details.caller_authid = call.disclosed->authid;
    details.caller_authrole = call.disclosed->authrole;
  }
  details.procedure = call.procedure;
  details.receive_progress = call.receive_progress;
  details.progress = call.progress;
  details.timeout = call.timeout;
  details.passthru = call.passthru;
  const std::string address = outgoing.address;
  outgoing_.insert_or_assign(call.handle, std::move(outgoing));
  send(realm, address, std::move(invocation), call.trustlevel);
}

void Calls::take(std::size_t realm, realm::RemoteResult& result) {
  const std::uint64_t number = number_of(result.caller);
  const auto at = incoming_.find(number);
  if (at == incoming_.end()) return;
  if (result.progress) at.value().results.sent += realm::size_of_piece(result.payload);
  wamp::ResultDetails details{result.callee->session, result.callee->authid, result.callee->authrole, result.progress,
                              result.passthru};
  send(realm, at->second.address, wamp::Result{at->second.handle, std::move(details), result.payload});
  if (!result.progress) forget_incoming(number);
}

void Calls::take(std::size_t realm, realm::RemoteError& error) {
  const std::uint64_t number = number_of(error.caller);
  const auto at = incoming_.find(number);
  if (at == incoming_.end()) return;
  send(realm, at->second.address,
       wamp::Error{wamp::MessageType::invocation, at->second.handle, error.details, error.error, error.payload});
  forget_incoming(number);
}

void Calls::take(std::size_t realm, realm::RemoteCancel& cancel) {
  const auto at = outgoing_.find(cancel.handle);
  if (at == outgoing_.end()) return;
  const std::string address = at->second.address;
  if (cancel.mode != wamp::CancelMode::kill) forget_outgoing(cancel.handle);  // else the answer ends it
  send(realm, address, wamp::Interrupt{cancel.handle, cancel.mode, cancel.reason});
}

void Calls::take(std::size_t realm, realm::RemoteRevocation& revocation) {
  const auto at = callees_.find(number_of(revocation.callee));
  if (at == callees_.end()) return;
  send(realm, at->second.address, wamp::Unregistered{0, at->second.claim, revocation.reason});
}

void Calls::fail(const Outgoing& call, std::string_view error, std::string_view text) {
  user_.deliver(call.realm, call.caller.shard,
                realm::RemoteError{call.caller, call.request, std::string(error), {}, wamp::Payload::from_text(text)});
}

void Calls::forget_outgoing(std::uint64_t handle) {
  const auto at = outgoing_.find(handle);
  if (at->second.pieces.stand_in) at->second.pieces.stand_in->close();
  outgoing_.erase(at);
}

void Calls::forget_incoming(std::uint64_t number) {
  const auto at = incoming_.find(number);
  if (at->second.results.stand_in) at->second.results.stand_in->close();
  by_place_.erase({at->second.address, at->second.handle});
  incoming_.erase(at);
}

void Calls::gone(std::string_view address, std::string_view why) {
  end_if([&](const std::string& other) { return other == address; }, why);
}

void Calls::lost(std::string_view why) {
  end_if([](const std::string&) { return true; }, why);
}

template <class Wanted>
void Calls::end_if(Wanted&& wanted, std::string_view why) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [handle, call] : outgoing_) {
    if (!wanted(call.address)) continue;
    fail(call, wamp::kUnavailable, why);
    numbers.push_back(handle);
  }
  for (const std::uint64_t handle : numbers) forget_outgoing(handle);
  numbers.clear();
  for (const auto& [number, call] : incoming_) {
    if (wanted(call.address)) numbers.push_back(number);
  }
  // The latest first: one that ends makes place at its callee, and those that wait for that came after it.
  std::sort(numbers.rbegin(), numbers.rend());
  for (const std::uint64_t number : numbers) {
    const Incoming& call = incoming_.find(number)->second;
    user_.deliver(call.realm, call.shard,
                  realm::RemoteCancel{kFromOtherNode | number, wamp::CancelMode::killnowait, {}});
    forget_incoming(number);
  }
}

std::string_view Calls::heard(std::string_view from, std::string_view kind, std::string_view text) {
  return kind == kRpc ? heard_message(from, text) : heard_taken(from, text);
}

std::string_view Calls::heard_message(std::string_view from, std::string_view text) {
  constexpr std::string_view kBadHead = "its second line cannot be read";
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return kBadHead;
  std::string_view head = text.substr(0, end);
  const std::string_view bytes = text.substr(end + 1);
  std::size_t realm = 0;
  unsigned shards = 0;
  if (!user_.find_realm(take_word(head), realm, shards)) return "its realm is not clustered here";
  const auto* serializer = serializers::find_by_name(take_word(head));
  wamp::TrustLevel trustlevel = wamp::kNoTrustLevel;
  if (serializer == nullptr || !read_number(head, trustlevel) || trustlevel < wamp::kNoTrustLevel) return kBadHead;
  if (serializer->is_text && !serializers::is_utf8(bytes)) return "it is no UTF-8";
  serializers::Scratch scratch;
  wamp::Message message;
  const auto problem = serializers::decode(serializer->encoding, base::as_bytes(bytes), scratch, message);
  if (!problem.empty()) return "it is no message of WAMP";
  if (auto* invocation = std::get_if<wamp::Invocation>(&message)) {
    return on(from, realm, shards, *invocation, trustlevel);
  }
  if (auto* result = std::get_if<wamp::Result>(&message)) return on(from, *result);
  if (auto* error = std::get_if<wamp::Error>(&message)) return on(from, *error);
  if (const auto* interrupt = std::get_if<wamp::Interrupt>(&message)) return on(from, *interrupt);
  if (const auto* revocation = std::get_if<wamp::Unregistered>(&message)) return on(from, realm, shards, *revocation);
  return "nodes send no such messages";
}

std::string_view Calls::on(std::string_view from, std::size_t realm, unsigned shards, wamp::Invocation& message,
                           wamp::TrustLevel trustlevel) {
  const Place place(from, message.request);
  realm::RemoteCall call;
  call.payload = message.payload.kept();
  call.progress = message.details.progress;
  call.passthru = message.details.passthru;
  auto known = by_place_.find(place);
  call.continues = known != by_place_.end();
  if (!call.continues) {
    if (message.registration == 1) return {};  // more of a call that has ended
    const unsigned shard = realm::Claim::shard_of(message.registration);
    if (shard >= shards) return "there is no such registration";
    Incoming incoming{realm, std::string(from), message.request, shard, message.registration, {}, {}, nullptr};
    if (message.details.receive_progress) {
      incoming.results.stand_in = std::make_shared<realm::Intake>(realm::Intake::kMostToNode);
    }
    known = by_place_.emplace(place, ++last_incoming_).first;
    incoming_.emplace(last_incoming_, std::move(incoming));
    call.disclosed = identity(message.details.caller, message.details.caller_authid, message.details.caller_authrole);
    call.procedure = message.details.procedure;
    call.receive_progress = message.details.receive_progress;
    call.timeout = message.details.timeout;
    call.trustlevel = trustlevel;
  }
  Incoming& incoming = incoming_.find(known->second).value();
  call.caller = key_of(known->second);
  call.request = message.request;
  call.claim = incoming.claim;
  call.handle = kFromOtherNode | known->second;
  call.results_to = incoming.results.stand_in;
  if (call.progress || call.continues) {
    // Looked up once: a callee that gives up its registration serves on what is under way.
    if (!incoming.pieces_to) incoming.pieces_to = user_.find_intake(incoming.claim);
    if (incoming.pieces_to) {
      incoming.pieces_to->posted(realm::size_of_piece(call.payload));
      call.pieces_to = incoming.pieces_to;
      came(incoming.pieces, realm::size_of_piece(call.payload), {false, known->second, incoming.pieces_to});
    }
  }
  user_.deliver(incoming.realm, incoming.shard, std::move(call));
  return {};
}

std::string_view Calls::on(std::string_view from, wamp::Result& message) {
  const auto at = outgoing_.find(message.request);
  if (at == outgoing_.end() || at->second.address != from) return {};  // it was canceled
  Outgoing& call = at.value();
  auto callee = identity(message.details.callee, message.details.callee_authid, message.details.callee_authrole);
  if (!callee) return "it does not say who has answered";
  const bool progress = message.details.progress;
  if (progress && !call.results_to) return "nobody wants its progress";
  realm::RemoteResult result{
      call.caller, call.request, std::move(callee), message.payload.kept(), progress, message.details.passthru};
  if (progress) {
    call.results_to->posted(realm::size_of_piece(result.payload));
    came(call.results, realm::size_of_piece(result.payload), {true, message.request, call.results_to});
  }
  user_.deliver(call.realm, call.caller.shard, std::move(result));
  if (!progress) forget_outgoing(message.request);
  return {};
}

std::string_view Calls::on(std::string_view from, wamp::Error& message) {
  const auto at = outgoing_.find(message.request);
  if (at == outgoing_.end() || at->second.address != from) return {};
  const Outgoing& call = at->second;
  user_.deliver(call.realm, call.caller.shard,
                realm::RemoteError{call.caller, call.request, std::string(message.error), message.details.kept(),
                                   message.payload.kept()});
  forget_outgoing(message.request);
  return {};
}

std::string_view Calls::on(std::string_view from, const wamp::Interrupt& message) {
  const auto place = by_place_.find({std::string(from), message.request});
  if (place == by_place_.end()) return {};  // answered meanwhile
  const std::uint64_t number = place->second;
  const Incoming& call = incoming_.find(number)->second;
  user_.deliver(call.realm, call.shard,
                realm::RemoteCancel{kFromOtherNode | number, message.mode, std::string(message.reason)});
  if (message.mode != wamp::CancelMode::kill) forget_incoming(number);
  return {};
}

std::string_view Calls::on(std::string_view, std::size_t realm, unsigned shards, const wamp::Unregistered& message) {
  const unsigned shard = realm::Claim::shard_of(message.registration);
  if (message.request != 0 || shard >= shards) return "there is no such registration";
  user_.deliver(realm, shard, realm::ClaimRevoked{message.registration, std::string(message.reason)});
  return {};
}

void Calls::came(CallStream& stream, std::size_t bytes, const Held& place) {
  stream.owed += bytes;
  if (stream.held || stream.owed < kTakenAtOnce) return;
  if (!place.receiver->congested()) return tell_taken(place);
  stream.held = true;
  held_.push_back(place);
}

CallStream* Calls::find(const Held& place) {
  if (place.results) {
    const auto call = outgoing_.find(place.call);
    return call != outgoing_.end() ? &call.value().results : nullptr;
  }
  const auto call = incoming_.find(place.call);
  return call != incoming_.end() ? &call.value().pieces : nullptr;
}

void Calls::tell_taken(const Held& place) {
  const std::size_t bytes = std::exchange(find(place)->owed, 0);
  if (place.results) {
    user_.send_message(outgoing_.find(place.call)->second.address, kTaken,
                       fmt::format("results {} {}", place.call, bytes));
  } else {
    const Incoming& call = incoming_.find(place.call)->second;
    user_.send_message(call.address, kTaken, fmt::format("pieces {} {}", call.handle, bytes));
  }
}

void Calls::look_at_streams() {
  std::erase_if(held_, [&](const Held& place) {
    CallStream* stream = find(place);
    if (stream == nullptr) return true;
    if (place.receiver->congested()) {
      // Then its sender is not read from, and whoever keeps others waiting too long is ended.
      if (stream->owed > realm::Intake::kMostToNode) place.receiver->await();
      return false;
    }
    stream->held = false;
    tell_taken(place);
    return true;
  });
}

std::string_view Calls::heard_taken(std::string_view from, std::string_view text) {
  const std::string_view what = take_word(text);
  std::uint64_t handle = 0;
  std::size_t bytes = 0;
  if (!take_number(text, handle) || !read_number(text, bytes)) return "it cannot be read";
  CallStream* stream = nullptr;
  if (what == "results") {
    const auto place = by_place_.find({std::string(from), handle});
    if (place == by_place_.end()) return {};  // answered meanwhile
    stream = &incoming_.find(place->second).value().results;
  } else if (what == "pieces") {
    const auto call = outgoing_.find(handle);
    if (call == outgoing_.end() || call->second.address != from) return {};
    stream = &call.value().pieces;
  } else {
    return "it cannot be read";
  }
  if (!stream->stand_in || bytes > stream->sent) return "so much was not sent";
  stream->sent -= bytes;
  stream->stand_in->arrived(bytes);
  return {};
}

}  // namespace crosspoint::cluster
