#include "load/client.hpp"

#include <fmt/core.h>

#include <boost/asio/connect.hpp>
#include <cstring>
#include <nlohmann/json.hpp>

#include "load/failure.hpp"
#include "serializers/reader.hpp"
#include "serializers/value.hpp"

namespace crosspoint::bench {
namespace {

using transports::FrameHeader;
using transports::FrameParse;
using transports::Opcode;

/// A response that is longer before its empty line is no answer to a WebSocket handshake.
constexpr std::size_t kMaxResponse = 64 * 1024;
/// The payload of a Close frame.
constexpr std::uint8_t kNormalClose[] = {1000 >> 8, 1000 & 0xff};

/// "wamp.error.no_such_realm: there is no such realm" of an ABORT, GOODBYE or ERROR.
std::string reason_payload(std::string_view uri, const wamp::Dict& details) {
  nlohmann::json tree;
  std::string text(uri);
  if (serializers::to_value(details, tree) && tree.contains("message") && tree["message"].is_string()) {
    text += ": " + tree["message"].get<std::string>();
  }
  return text;
}

}  // namespace

/// The part of a Client that its stream owns.
class Client::StreamSide final : public transports::Protocol {
 public:
  explicit StreamSide(Client& client) : client_(client) {}
  std::size_t on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef&) override {
    return client_.on_bytes(bytes);
  }
  std::size_t bytes_wanted() const override { return client_.wanted_; }
  void on_closed(std::string_view reason) override { client_.on_closed(reason); }

 private:
  Client& client_;
};

Client::Client(Network& network, std::size_t index, ClientEvents& events, const Target* plain,
               const serializers::Serializer* serializer)
    : network_(network),
      index_(index),
      events_(events),
      plain_(plain),
      serializer_(serializer != nullptr ? *serializer : network.serializer()) {}

void Client::fail(const std::string& text) const { throw Failure(text); }

void Client::connect() {
  state_ = State::connecting;
  wanted_ = 0;
  fragmented_ = false;
  socket_.emplace(network_.io.context());
  boost::asio::async_connect(*socket_, network_.addresses(),
                             [this](boost::system::error_code error, const auto&) { connected(error); });
}

void Client::connected(boost::system::error_code error) {
  if (error == boost::asio::error::operation_aborted) {  // no socket could be opened, but Asio does not say why
    socket_->open(network_.addresses().begin()->endpoint().protocol(), error);
  }
  if (error) fail(fmt::format("cannot connect to {}: {}", network_.options().url, error.message()));
  socket_->set_option(boost::asio::ip::tcp::no_delay(true));
  socket_->native_non_blocking(true);
  stream_ = network_.streams.add(socket_->release(), {}, {});
  socket_.reset();
  if (stream_ == nullptr) fail("the kernel does not let a socket be watched");
  stream_->set_protocol(std::make_unique<StreamSide>(*this));
  state_ = State::upgrading;
  if (network_.options().target.tls) {
    stream_->start_tls(network_.tls());
    stream_->wake();
  }
  if (rawsocket()) return greet_rawsocket();
  upgrade_ = make_upgrade(plain_ != nullptr ? *plain_ : network_.options().target, subprotocol(), network_.random);
  stream_->out().append_copy(base::as_bytes(upgrade_.request));
  stream_->wake();
}

std::size_t Client::on_bytes(std::span<std::uint8_t> bytes) {
  std::size_t done = 0;
  wanted_ = 0;
  while (done < bytes.size()) {
    const auto rest = bytes.subspan(done);
    std::size_t used = 0;
    if (rawsocket()) {
      used = state_ == State::upgrading ? read_rawsocket_reply(rest) : read_rawsocket_frame(rest);
    } else {
      used = state_ == State::upgrading ? read_response(rest) : read_frame(rest);
    }
    if (used == 0 || stream_ == nullptr) break;
    done += used;
  }
  return done;
}

std::size_t Client::read_response(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::string_view text = base::as_text(bytes);
  const auto end = text.find(kEnd);
  if (end == std::string_view::npos) {
    if (text.size() > kMaxResponse) fail("this is no WebSocket server: its response has no end");
    return 0;
  }
  const std::size_t size = end + kEnd.size();
  if (const auto problem = check_upgrade(text.substr(0, size), upgrade_, subprotocol()); !problem.empty()) {
    fail(network_.options().url + ": " + problem);
  }
  upgrade_ = {};
  if (plain_ != nullptr) {
    state_ = State::joined;
    events_.on_joined(*this);
    return size;
  }
  join();
  return size;
}

void Client::join() {
  state_ = State::joining;
  wamp::Hello hello;
  hello.realm = network_.options().realm;
  hello.details = network_.hello_details();
  send(std::move(hello));
}

std::size_t Client::read_frame(std::span<std::uint8_t> bytes) {
  FrameHeader header;
  std::string_view problem;
  switch (transports::parse_frame_header(bytes, header, problem)) {
    case FrameParse::incomplete:
      return 0;
    case FrameParse::bad:
      fail(fmt::format("the router sends {}", problem));
    case FrameParse::complete:
      break;
  }
  if (header.rsv1) fail("the router sends a compressed frame, which was not agreed upon");
  const std::size_t size = header.size + header.payload_size;
  if (bytes.size() < size) {
    wanted_ = size;
    return 0;
  }
  const auto payload = bytes.subspan(header.size, header.payload_size);
  if (header.masked) transports::unmask(payload, header.key);
  on_frame(header, payload);
  return size;
}

void Client::on_frame(const FrameHeader& header, std::span<std::uint8_t> payload) {
  switch (header.opcode) {
    case Opcode::ping:
      return send_frame(Opcode::pong, payload, {}, {});
    case Opcode::pong:
      return;
    case Opcode::close: {
      if (state_ != State::leaving && state_ != State::closing) {
        const unsigned code = payload.size() >= 2 ? static_cast<unsigned>(payload[0] << 8 | payload[1]) : 1005U;
        const auto text = payload.size() > 2 ? base::as_text(payload.subspan(2)) : std::string_view();
        fail(fmt::format("the router closed the WebSocket: {} {}", code, text));
      }
      if (state_ == State::leaving) send_frame(Opcode::close, payload.first(payload.size() >= 2 ? 2 : 0), {}, {});
      state_ = State::closing;
      return stream_->finish("left");
    }
    case Opcode::continuation:
    case Opcode::text:
    case Opcode::binary:
      break;
  }
  if ((header.opcode == Opcode::continuation) != fragmented_) fail("the router sends fragments in the wrong order");
  if (header.fin && !fragmented_) return on_payload(payload);
  fragments_.insert(fragments_.end(), payload.begin(), payload.end());
  fragmented_ = !header.fin;
  if (fragmented_) return;
  std::vector<std::uint8_t> whole;
  whole.swap(fragments_);
  on_payload(whole);
}

void Client::on_payload(base::Bytes bytes) {
  if (state_ == State::closing) return;
  if (plain_ != nullptr) return events_.on_text(*this, base::as_text(bytes));
  if (serializer_.is_text && !serializers::is_utf8(base::as_text(bytes))) {
    fail("the router sends a text message that is not UTF-8");
  }
  wamp::Message message;
  const auto problem = serializers::decode(serializer_.encoding, bytes, network_.scratch, message);
  if (!problem.empty()) fail(fmt::format("the router sends a malformed message: {}", problem));
  if (state_ == State::joining) {
    while_joining(message);
  } else {
    while_joined(message);
  }
}

void Client::while_joining(const wamp::Message& message) {
  if (std::holds_alternative<wamp::Welcome>(message)) {
    state_ = State::joined;
    return events_.on_joined(*this);
  }
  if (const auto* abort = std::get_if<wamp::Abort>(&message)) {
    fail("refused: " + reason_payload(abort->reason, abort->details));
  }
  const auto* challenge = std::get_if<wamp::Challenge>(&message);
  if (challenge == nullptr) fail(fmt::format("the router answers HELLO with {}", to_string(type_of(message))));
  if (challenge->method != "ticket" || network_.options().ticket.empty()) {
    fail(fmt::format("the router demands a sign-in with {}", challenge->method));
  }
  wamp::Authenticate authenticate;
  authenticate.signature = network_.options().ticket;
  send(std::move(authenticate));
}

void Client::while_joined(const wamp::Message& message) {
  if (const auto* error = std::get_if<wamp::Error>(&message)) {
    fail(fmt::format("{} failed: {}", to_string(error->request_type), reason_payload(error->error, error->details)));
  }
  if (const auto* abort = std::get_if<wamp::Abort>(&message)) {
    fail("the router aborted a session: " + reason_payload(abort->reason, abort->details));
  }
  if (const auto* goodbye = std::get_if<wamp::Goodbye>(&message)) {
    if (state_ != State::leaving)
      fail("the router ended a session: " + reason_payload(goodbye->reason, goodbye->details));
    state_ = State::closing;
    return rawsocket() ? stream_->finish("left") : send_frame(Opcode::close, kNormalClose, {}, {});
  }
  if (state_ == State::joined) events_.on_message(*this, message);
}

void Client::send(const wamp::Message& message) {
  serializers::EncodedMessage encoded;
  network_.encoder.encode(message, serializer_.encoding, encoded);
  if (rawsocket()) {
    return send_rawsocket_frame(transports::RawSocketFrameType::regular, encoded.head, encoded.payload, encoded.tail);
  }
  send_frame(serializer_.is_text ? Opcode::text : Opcode::binary, encoded.head, encoded.payload, encoded.tail);
}

void Client::send_text(std::string_view text) { send_frame(Opcode::text, base::as_bytes(text), {}, {}); }

void Client::send_frame(Opcode opcode, base::Bytes head, base::Bytes payload, std::string_view tail) {
  if (stream_ == nullptr) return;
  const std::size_t size = head.size() + payload.size() + tail.size();
  std::uint8_t* const frame = stream_->out().reserve(transports::kMaxFrameHeader + size);
  std::size_t header = transports::write_frame_header(frame, opcode, false, size);
  frame[1] |= 0x80;
  std::uint8_t key[4];
  const std::uint64_t random = network_.random.next();
  std::memcpy(key, &random, sizeof key);
  std::memcpy(frame + header, key, sizeof key);
  header += sizeof key;
  std::uint8_t* at = frame + header;
  for (const base::Bytes part : {head, payload, base::as_bytes(tail)}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  transports::unmask({frame + header, size}, key);  // masking is its own inverse
  stream_->out().commit(header + size);
  stream_->wake();
}

void Client::leave() {
  if (state_ != State::joined) return;
  if (plain_ != nullptr) {
    send_frame(Opcode::close, kNormalClose, {}, {});
    state_ = State::closing;
    return;
  }
  state_ = State::leaving;
  wamp::Goodbye goodbye;
  goodbye.reason = "wamp.close.normal";
  send(std::move(goodbye));
}

void Client::on_closed(std::string_view reason) {
  stream_ = nullptr;
  if (state_ != State::leaving && state_ != State::closing) {
    fail(fmt::format("the connection of session {} ended: {}", index_ + 1, reason));
  }
  state_ = State::closed;
  events_.on_left(*this);
}

}  // namespace crosspoint::bench
