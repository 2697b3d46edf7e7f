#include "transports/rawsocket_protocol.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "base/random.hpp"
#include "serializers/reader.hpp"
#include "transports/framed_message.hpp"

namespace crosspoint::transports {
namespace {

/// Pings and answers to pings are left out for a peer that does not read: they do not get to fill the queue.
constexpr std::size_t kQueueForControl = 64 * 1024;

}  // namespace

RawSocketOptions::RawSocketOptions(const settings::RawSocket& settings, MessageHandlerFactory& handlers)
    : serializers(serializers::choose(settings.serializers)),
      max_message_size(rawsocket_limit(settings.max_message_size)),
      ping_interval(settings.auto_ping_interval_ms),
      ping_timeout(settings.auto_ping_timeout_ms),
      endpoint(handlers) {}

RawSocketProtocol::RawSocketProtocol(Stream& stream, const RawSocketOptions& options)
    : stream_(stream), options_(options) {
  timer_ = io().after(kRawSocketHandshakeTime, [this] { end("no RawSocket handshake in time"); });
}

RawSocketProtocol::~RawSocketProtocol() { stream_.io().cancel(timer_); }

TransportInfo RawSocketProtocol::info() const {
  TransportInfo info;
  info.serializer = serializer_;
  info.framing = "rawsocket";
  stream_.describe(info);
  return info;
}

std::size_t RawSocketProtocol::on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) {
  std::size_t done = 0;
  wanted_ = 0;
  while (done < bytes.size() && state_ != State::closed && !stream_.paused()) {
    const auto rest = bytes.subspan(done);
    const std::size_t size = state_ == State::handshake ? handshake(rest) : frame(rest, owner);
    if (size == 0) break;
    done += size;
  }
  return state_ == State::closed ? bytes.size() : done;
}

std::size_t RawSocketProtocol::handshake(std::span<const std::uint8_t> bytes) {
  if (bytes[0] != kRawSocketMagic) {  // it speaks something else, and would not understand a reply
    log::info("{}: RawSocket refused: the first byte is not 0x7F", stream_.peer_address());
    end("no RawSocket client");
    return 0;
  }
  if (bytes.size() < kRawSocketHeader) return 0;
  const RawSocketHello hello = parse_rawsocket_hello(bytes);
  if (hello.reserved_bits) {
    refuse(RawSocketError::reserved_bits_used, "reserved bits are set in the handshake");
    return 0;
  }
  const auto& offered = options_.serializers;
  const auto found = std::find_if(offered.begin(), offered.end(), [&](const serializers::Serializer* serializer) {
    return serializer->rawsocket_id == hello.serializer_id;
  });
  if (found == offered.end()) {
    refuse(RawSocketError::serializer_unsupported, "the serializer it asks for is not offered");
    return 0;
  }
  serializer_ = *found;
  max_send_size_ = std::min(hello.max_message_size, kMaxRawSocketPayload);
  stream_.out().append_copy(rawsocket_welcome(serializer_->rawsocket_id, options_.max_message_size));
  stream_.wake();
  io().cancel(timer_);
  state_ = State::open;
  handler_ = options_.endpoint.make_handler(*this);
  schedule_ping();
  return kRawSocketHeader;
}

void RawSocketProtocol::refuse(RawSocketError error, std::string_view reason) {
  log::info("{}: RawSocket refused: {}", stream_.peer_address(), reason);
  stream_.out().append_copy(rawsocket_refusal(error));
  end(reason);
}

std::size_t RawSocketProtocol::frame(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) {
  if (bytes.size() < kRawSocketHeader) return 0;
  RawSocketFrame frame;
  if (!parse_rawsocket_frame(bytes, frame)) {
    end("a RawSocket frame of unknown type");
    return 0;
  }
  if (frame.payload_size > options_.max_message_size) {
    end("a message longer than max_message_size");
    return 0;
  }
  const std::size_t size = kRawSocketHeader + frame.payload_size;
  if (bytes.size() < size) {
    wanted_ = size;
    return 0;
  }
  pong_missing_ = false;  // whatever comes shows that the peer is alive
  const auto payload = bytes.subspan(kRawSocketHeader, frame.payload_size);
  if (frame.type == RawSocketFrameType::regular) {
    message(payload, owner);
  } else if (frame.type == RawSocketFrameType::ping) {
    answer_ping(payload, owner);
  }
  return size;
}

void RawSocketProtocol::message(std::span<std::uint8_t> payload, const base::ChunkRef& owner) {
  if (serializer_->is_text && !serializers::is_utf8(base::as_text(payload))) {
    return end("a JSON message that is not UTF-8");
  }
  handler_->on_message(payload, owner);
}

void RawSocketProtocol::answer_ping(std::span<const std::uint8_t> payload, const base::ChunkRef& owner) {
  if (stream_.queued() >= kQueueForControl) return;
  base::OutQueue& out = stream_.out();
  out.append_copy(rawsocket_header(RawSocketFrameType::pong, payload.size()));
  if (owner && payload.size() >= kReferenceFrom) {
    const auto offset = static_cast<std::uint32_t>(payload.data() - owner->data());
    out.append({owner, offset, static_cast<std::uint32_t>(payload.size())});
  } else {
    out.append_copy(payload);
  }
  stream_.wake();
}

void RawSocketProtocol::end(std::string_view reason) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  io().cancel(timer_);
  stream_.finish(reason);
}

void RawSocketProtocol::on_drained() {
  if (handler_) handler_->on_drained();
}

void RawSocketProtocol::on_closed(std::string_view reason) {
  state_ = State::closed;
  io().cancel(timer_);
  if (handler_) handler_->on_closed(reason);
}

bool RawSocketProtocol::send(const serializers::EncodedMessage& message) {
  if (state_ != State::open) return true;
  if (message.size() > max_send_size_) return false;
  append_framed(stream_.out(), rawsocket_header(RawSocketFrameType::regular, message.size()), message);
  stream_.wake();
  return true;
}

SharedFrame RawSocketProtocol::make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const {
  return share_framed(writer, rawsocket_header(RawSocketFrameType::regular, message.size()), message);
}

bool RawSocketProtocol::send(const SharedFrame& frame) {
  if (state_ != State::open) return true;
  if (frame.size() - kRawSocketHeader > max_send_size_) return false;
  append_shared(stream_.out(), frame);
  stream_.wake();
  return true;
}

void RawSocketProtocol::schedule_ping() {
  if (options_.ping_interval.count() <= 0) return;
  timer_ = io().after(options_.ping_interval, [this] { send_ping(); });
}

void RawSocketProtocol::send_ping() {
  if (stream_.queued() >= kQueueForControl) return schedule_ping();
  std::array<std::uint8_t, 8> payload;
  base::fill_secure_random(payload.data(), payload.size());
  stream_.out().append_copy(rawsocket_header(RawSocketFrameType::ping, payload.size()));
  stream_.out().append_copy(payload);
  stream_.wake();
  if (options_.ping_timeout.count() <= 0) return schedule_ping();
  pong_missing_ = true;
  timer_ = io().after(options_.ping_timeout, [this] {
    // Whoever has taken all we sent, but is not read from for the sake of others, may have answered.
    const bool held_back = stream_.paused() && stream_.queued() == 0;
    if (pong_missing_ && !held_back) return stream_.close("no answer to a RawSocket ping in time");
    schedule_ping();
  });
}

}  // namespace crosspoint::transports
