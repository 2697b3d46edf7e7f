#include "transports/websocket_protocol.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/random.hpp"
#include "serializers/reader.hpp"
#include "transports/framed_message.hpp"

namespace crosspoint::transports {
namespace {

/// A closing handshake that the peer does not answer ends after this, if the configuration sets no limit.
constexpr std::chrono::milliseconds kCloseTime{5000};
/// How much of an unfinished frame is looked at in one go.
constexpr std::size_t kPart = 4096;

Opcode opcode_of(DataKind kind) { return kind == DataKind::text ? Opcode::text : Opcode::binary; }

}  // namespace

WebSocketProtocol::WebSocketProtocol(Stream& stream, const settings::WebSocketOptions& options,
                                     WebSocketSession session)
    : stream_(stream),
      options_(options),
      max_message_size_(options.max_message_size > 0 ? options.max_message_size : settings::kMaxMessageSize),
      info_(std::make_unique<TransportInfo>(std::move(session.info))),
      // A serializer relies on it.
      validates_(options.validate_utf8 || info_->serializer != nullptr) {
  if (session.deflate) {
    const int memory_level = options.compression ? options.compression->memory_level : 8;
    deflate_ = std::make_unique<PermessageDeflate>(*session.deflate, memory_level);
  }
}

void WebSocketProtocol::open(MessageHandlerFactory& factory) {
  handler_ = factory.make_handler(*this);
  schedule_ping();
}

void WebSocketProtocol::open(const MakePlainHandler& make_handler) {
  auto handler = make_handler(*this);
  plain_ = handler.get();
  handler_ = std::move(handler);
  validates_ = true;  // the handler relies on it
  schedule_ping();
}

WebSocketProtocol::~WebSocketProtocol() { stream_.io().cancel(timer_); }

TransportInfo WebSocketProtocol::info() const { return *info_; }

std::size_t WebSocketProtocol::on_bytes(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) {
  std::size_t done = 0;
  wanted_ = 0;
  while (done < bytes.size() && state_ != State::closed && !stream_.paused()) {
    const std::size_t size = frame(bytes.subspan(done), owner);
    if (size == 0) break;
    done += size;
  }
  return state_ == State::closed ? bytes.size() : done;
}

std::size_t WebSocketProtocol::frame(std::span<std::uint8_t> bytes, const base::ChunkRef& owner) {
  FrameHeader header;
  std::string_view problem;
  switch (parse_frame_header(bytes, header, problem)) {
    case FrameParse::incomplete:
      return 0;
    case FrameParse::bad:
      fail_with(CloseCode::protocol_error, problem);
      return 0;
    case FrameParse::complete:
      break;
  }
  if (!check(header)) return 0;
  const std::size_t size = header.size + header.payload_size;
  if (bytes.size() < size) {
    wanted_ = size;
    check_part(header, bytes.subspan(header.size));
    return 0;
  }
  const auto payload = bytes.subspan(header.size, header.payload_size);
  if (header.masked && options_.apply_mask) unmask(payload, header.key);
  if (options_.auto_ping_restart_on_any_traffic) pong_missing_ = false;
  if (header.opcode >= Opcode::close) {
    control_frame(header.opcode, payload);
  } else if (state_ == State::open) {  // what comes after our Close frame is of no use
    data_frame(header, payload, owner);
  }
  return size;
}

bool WebSocketProtocol::check(const FrameHeader& header) {
  const auto bad = [this](std::string_view problem) {
    fail_with(CloseCode::protocol_error, problem);
    return false;
  };
  if (!header.masked && options_.require_masked_client_frames) return bad("a client's frame without mask");
  if (header.rsv1 && (!deflate_ || header.opcode >= Opcode::close || header.opcode == Opcode::continuation)) {
    return bad("a frame marked as compressed where it must not be");
  }
  if (header.opcode >= Opcode::close) return true;
  if ((header.opcode == Opcode::continuation) != fragmented_.has_value()) {
    return bad(fragmented_ ? "a new message inside a fragmented one" : "a continuation of no message");
  }
  const bool too_long = options_.max_frame_size > 0 && header.payload_size > options_.max_frame_size;
  if (!too_long && header.payload_size <= max_message_size_ - std::min(fragments_.size(), max_message_size_)) {
    return true;
  }
  fail_with(CloseCode::message_too_big,
            too_long ? "a frame longer than max_frame_size" : "a message longer than max_message_size");
  return false;
}

bool WebSocketProtocol::check_part(const FrameHeader& header, base::Bytes bytes) {
  const bool compressed = fragmented_ ? fragments_compressed_ : header.rsv1;
  if (header.opcode >= Opcode::close || compressed || !is_text(fragmented_.value_or(header.opcode))) return true;
  if (state_ != State::open) return true;
  std::array<std::uint8_t, kPart> part;
  while (text_checked_ < bytes.size()) {
    const auto piece = bytes.subspan(text_checked_, std::min(kPart, bytes.size() - text_checked_));
    static constexpr std::uint8_t kNoKey[4] = {};
    unmask_copy(piece, text_checked_, header.masked && options_.apply_mask ? header.key : kNoKey, part.data());
    text_checked_ += piece.size();
    if (text_.feed(base::Bytes(part).first(piece.size()))) continue;
    fail_with(CloseCode::invalid_payload, "a text message that is not UTF-8");
    return false;
  }
  return true;
}

void WebSocketProtocol::data_frame(const FrameHeader& header, std::span<std::uint8_t> payload,
                                   const base::ChunkRef& owner) {
  const std::size_t checked = std::exchange(text_checked_, 0);
  if (!fragmented_ && header.fin) {
    text_.reset();
    return message(header.opcode, header.rsv1, payload, owner);
  }
  if (!fragmented_) {
    fragmented_ = header.opcode;
    fragments_compressed_ = header.rsv1;
  }
  if (!fragments_compressed_ && is_text(*fragmented_) && !text_.feed(payload.subspan(checked))) {
    return fail_with(CloseCode::invalid_payload, "a text message that is not UTF-8");
  }
  fragments_.insert(fragments_.end(), payload.begin(), payload.end());
  if (!header.fin) return;
  text_.reset();
  const Opcode opcode = *fragmented_;
  fragmented_.reset();
  std::vector<std::uint8_t> whole;
  whole.swap(fragments_);
  const std::size_t size = whole.size();
  whole.resize(size + base::IoThread::kReadPadding);
  message(opcode, fragments_compressed_, std::span(whole).first(size), {});
}

void WebSocketProtocol::message(Opcode opcode, bool compressed, std::span<std::uint8_t> payload,
                                const base::ChunkRef& owner) {
  if (info_->serializer == nullptr) {
    last_opcode_ = opcode;
  } else if (opcode != data_opcode()) {
    return fail_with(CloseCode::unsupported_data, opcode == Opcode::text ? "a text message to a binary subprotocol"
                                                                         : "a binary message to a text subprotocol");
  }
  std::vector<std::uint8_t> plain;
  if (compressed) {
    using enum PermessageDeflate::Inflated;
    const auto result = deflate_->inflate(payload, max_message_size_, plain);
    if (result == too_big) return fail_with(CloseCode::message_too_big, "a message longer than max_message_size");
    if (result == malformed) return fail_with(CloseCode::invalid_payload, "a message that cannot be decompressed");
    const std::size_t size = plain.size();
    plain.resize(size + base::IoThread::kReadPadding);
    payload = std::span(plain).first(size);
  }
  if (is_text(opcode) && !serializers::is_utf8(base::as_text(payload))) {
    return fail_with(CloseCode::invalid_payload, "a text message that is not UTF-8");
  }
  if (plain_ != nullptr) return plain_->on_data(opcode == Opcode::text ? DataKind::text : DataKind::binary, payload);
  deliver(payload, compressed ? base::ChunkRef() : owner);
}

void WebSocketProtocol::control_frame(Opcode opcode, std::span<const std::uint8_t> payload) {
  if (opcode == Opcode::close) return close_frame(payload);
  if (state_ != State::open) return;
  if (opcode == Opcode::ping) {
    // A peer that sends pings without reading the answers does not get to fill the queue.
    if (stream_.queued() < 64 * 1024) send_control(Opcode::pong, payload);
  } else if (payload.size() >= ping_payload_.size() &&
             std::equal(ping_payload_.begin(), ping_payload_.end(), payload.begin())) {
    pong_missing_ = false;
  }
}

void WebSocketProtocol::close_frame(std::span<const std::uint8_t> payload) {
  if (payload.size() == 1) return fail_with(CloseCode::protocol_error, "a Close frame with half a code");
  std::uint16_t code = static_cast<std::uint16_t>(CloseCode::none);
  std::string_view reason;
  if (payload.size() >= 2) {
    code = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
    reason = base::as_text(payload.subspan(2));
    if (!is_valid_close_code(code)) return fail_with(CloseCode::protocol_error, "a Close frame with an invalid code");
    if (!serializers::is_utf8(reason)) return fail_with(CloseCode::invalid_payload, "a Close reason that is not UTF-8");
  }
  if (state_ == State::open) {
    close_status_ = {code, std::string(reason)};
    const bool echo = options_.echo_close_codereason && payload.size() >= 2;
    send_close(echo ? static_cast<CloseCode>(code) : CloseCode::normal, echo ? reason : std::string_view());
  }
  state_ = State::closed;
  std::string text = "WebSocket closed by the peer";
  if (payload.size() >= 2) text += " with code " + std::to_string(code);
  stream_.finish(text);
}

void WebSocketProtocol::send_control(Opcode opcode, base::Bytes payload) {
  std::uint8_t header[kMaxFrameHeader];
  const std::size_t size = write_frame_header(header, opcode, false, payload.size());
  if (options_.mask_server_frames) {  // a zero key masks without a change
    header[1] |= 0x80;
    std::memset(header + size, 0, 4);
  }
  stream_.out().append_copy({header, size + (options_.mask_server_frames ? 4 : 0)});
  stream_.out().append_copy(payload);
  stream_.wake();
}

void WebSocketProtocol::send_close(CloseCode code, std::string_view reason) {
  before_closing();
  std::array<std::uint8_t, 125> payload;
  payload[0] = static_cast<std::uint8_t>(static_cast<unsigned>(code) >> 8);
  payload[1] = static_cast<std::uint8_t>(static_cast<unsigned>(code) & 0xff);
  std::size_t size = std::min<std::size_t>(reason.size(), payload.size() - 2);
  while (size < reason.size() && size > 0 && (static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80) --size;
  std::copy_n(reason.begin(), size, payload.begin() + 2);
  send_control(Opcode::close, base::Bytes(payload).first(2 + size));
}

void WebSocketProtocol::start_closing(CloseCode code, std::string_view reason) {
  if (state_ != State::open) return;
  state_ = State::closing;
  close_status_ = {static_cast<std::uint16_t>(code), std::string(reason)};
  send_close(code, reason);
  io().cancel(timer_);
  const auto limit = options_.close_handshake_timeout_ms > 0
                         ? std::chrono::milliseconds(options_.close_handshake_timeout_ms)
                         : kCloseTime;
  timer_ = io().after(limit, [this] { stream_.close("the peer did not answer the closing handshake"); });
}

void WebSocketProtocol::fail_with(CloseCode code, std::string_view reason) {
  if (state_ == State::closed) return;
  if (options_.fail_by_drop) {
    state_ = State::closed;
    return stream_.close(reason);
  }
  if (state_ == State::open) {
    close_status_ = {static_cast<std::uint16_t>(code), std::string(reason)};
    send_close(code, reason);
  }
  state_ = State::closed;
  stream_.finish(reason);
}

void WebSocketProtocol::on_closed(std::string_view reason) {
  state_ = State::closed;
  io().cancel(timer_);
  handler_->on_closed(reason);
}

bool WebSocketProtocol::send(const serializers::EncodedMessage& message) {
  send_message(data_opcode(), message);
  return true;
}

void WebSocketProtocol::send(DataKind kind, base::Bytes message) {
  send_message(opcode_of(kind), {message, {}, {}, {}});
}

void WebSocketProtocol::send_message(Opcode opcode, const serializers::EncodedMessage& message) {
  if (state_ != State::open) return;
  if (!is_plain()) return send_special(opcode, message);
  std::uint8_t header[kMaxFrameHeader];
  const std::size_t size = write_frame_header(header, opcode, false, message.size());
  append_framed(stream_.out(), {header, size}, message);
  stream_.wake();
}

void WebSocketProtocol::send_special(Opcode opcode, const serializers::EncodedMessage& message) {
  std::vector<std::uint8_t> bytes;
  if (deflate_) {
    deflate_->deflate(message.head, false, bytes);
    deflate_->deflate(message.payload, false, bytes);
    deflate_->deflate(base::as_bytes(message.tail), true, bytes);
  } else {
    const auto tail = base::as_bytes(message.tail);
    bytes.reserve(message.size());
    bytes.insert(bytes.end(), message.head.begin(), message.head.end());
    bytes.insert(bytes.end(), message.payload.begin(), message.payload.end());
    bytes.insert(bytes.end(), tail.begin(), tail.end());
  }
  write_frames(opcode, bytes, deflate_ != nullptr);
  stream_.wake();
}

void WebSocketProtocol::write_frames(Opcode opcode, base::Bytes message, bool compressed) {
  const std::size_t most = options_.auto_fragment_size > 0 ? options_.auto_fragment_size : message.size();
  std::size_t done = 0;
  do {
    const auto part = message.subspan(done, std::min(most, message.size() - done));
    const bool first = done == 0;
    done += part.size();
    std::uint8_t header[kMaxFrameHeader];
    std::size_t size = write_frame_header(header, first ? opcode : Opcode::continuation, first && compressed,
                                          part.size(), done == message.size());
    if (options_.mask_server_frames) {  // a zero key masks without a change
      header[1] |= 0x80;
      std::memset(header + size, 0, 4);
      size += 4;
    }
    stream_.out().append_copy({header, size});
    stream_.out().append_copy(part);
  } while (done < message.size());
}

SharedFrame WebSocketProtocol::make_frame(const serializers::EncodedMessage& message, base::ChunkWriter& writer) const {
  return frame_of(data_opcode(), message, writer);
}

SharedFrame WebSocketProtocol::make_frame(DataKind kind, base::Bytes message, base::ChunkWriter& writer) const {
  return frame_of(opcode_of(kind), {message, {}, {}, {}}, writer);
}

SharedFrame WebSocketProtocol::frame_of(Opcode opcode, const serializers::EncodedMessage& message,
                                        base::ChunkWriter& writer) const {
  std::uint8_t header[kMaxFrameHeader];
  const std::size_t size = write_frame_header(header, opcode, false, message.size());
  return share_framed(writer, {header, size}, message);
}

bool WebSocketProtocol::send(const SharedFrame& frame) {
  if (state_ != State::open) return true;
  append_shared(stream_.out(), frame);
  stream_.wake();
  return true;
}

void WebSocketProtocol::schedule_ping() {
  if (options_.auto_ping_interval_ms <= 0) return;
  timer_ = io().after(std::chrono::milliseconds(options_.auto_ping_interval_ms), [this] { send_ping(); });
}

void WebSocketProtocol::send_ping() {
  std::array<std::uint8_t, 125> payload{};
  base::fill_secure_random(ping_payload_.data(), ping_payload_.size());
  std::copy(ping_payload_.begin(), ping_payload_.end(), payload.begin());
  send_control(Opcode::ping, base::Bytes(payload).first(static_cast<std::size_t>(options_.auto_ping_size)));
  if (options_.auto_ping_timeout_ms <= 0) return schedule_ping();
  pong_missing_ = true;
  timer_ = io().after(std::chrono::milliseconds(options_.auto_ping_timeout_ms), [this] {
    // Whoever has taken all we sent, but is not read from for the sake of others, may have answered.
    const bool held_back = stream_.paused() && stream_.queued() == 0;
    if (pong_missing_ && !held_back) return stream_.close("no answer to a WebSocket ping in time");
    schedule_ping();
  });
}

}  // namespace crosspoint::transports
