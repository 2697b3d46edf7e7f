#include "path/peer.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

namespace crosspoint::bench {
namespace {

constexpr std::array<const char*, 3> kProtocols{"wamp.2.json", "wamp.2.msgpack", "wamp.2.cbor"};

[[noreturn]] void fail(std::string_view what) {
  fmt::print(stderr, "routed_messages: {}\n", what);
  std::exit(1);
}

}  // namespace

Peer::Peer(InProcessRouter& router, Format format) : router_(router), format_(format) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("no socket pair");
  fd_ = ends[1];
  // A whole round of messages fits, so that nobody waits for room.
  const int room = 4 * 1024 * 1024;
  for (const int fd : ends) {
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  }
  router_.accept(ends[0]);
  write(
      fmt::format("GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Protocol: {}\r\n\r\n",
                  kProtocols[static_cast<std::size_t>(format)]));
  router_.run();
  fill();
  const std::size_t end = received_.find("\r\n\r\n");
  if (received_.rfind("HTTP/1.1 101", 0) != 0 || end == std::string::npos) fail("no WebSocket: " + received_);
  received_.erase(0, end + 4);
  const Json roles = {{"publisher", Json::object()},
                      {"subscriber", Json::object()},
                      {"caller", Json::object()},
                      {"callee", Json::object()}};
  if (ask({1, "realm1", {{"roles", roles}}}).at(0) != 2) fail("no session");
}

Peer::~Peer() { ::close(fd_); }

std::string Peer::frame(const Json& message) const {
  std::string payload;
  if (format_ == Format::json) {
    payload = message.dump();
  } else {
    const auto bytes = format_ == Format::msgpack ? Json::to_msgpack(message) : Json::to_cbor(message);
    payload.assign(bytes.begin(), bytes.end());
  }
  std::string frame{static_cast<char>(format_ == Format::json ? 0x81 : 0x82)};
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    if (payload.size() > 65535) fail("messages are of 64 KiB at most");
    frame += {static_cast<char>(0x80 | 126), static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  }
  frame += "mask";
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ "mask"[i % 4]);
  return frame;
}

void Peer::write(const std::string& frames) {
  if (::send(fd_, frames.data(), frames.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frames.size()))
    fail("the router takes no more");
}

void Peer::fill() {
  std::array<char, 65536> part{};
  for (ssize_t size = 0; (size = ::recv(fd_, part.data(), part.size(), 0)) > 0;)
    received_.append(part.data(), static_cast<std::size_t>(size));
}

template <typename Take>
std::size_t Peer::take_frames(Take&& take) {
  fill();
  std::size_t at = 0;
  std::size_t count = 0;
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(received_[i])); };
  while (received_.size() >= at + 4) {
    const bool is_long = byte(at + 1) == 126;
    const std::size_t size = is_long ? byte(at + 2) << 8 | byte(at + 3) : byte(at + 1);
    const std::size_t start = at + (is_long ? 4 : 2);
    if (size == 127 || (byte(at) != 0x81 && byte(at) != 0x82)) fail("an unexpected frame");
    if (received_.size() < start + size) break;
    take(std::string_view(received_).substr(start, size));
    ++count;
    at = start + size;
  }
  received_.erase(0, at);
  return count;
}

std::size_t Peer::count_messages() {
  return take_frames([](std::string_view) {});
}

std::vector<Json> Peer::read_messages() {
  std::vector<Json> messages;
  take_frames([&](std::string_view payload) {
    messages.push_back(format_ == Format::json      ? Json::parse(payload)
                       : format_ == Format::msgpack ? Json::from_msgpack(payload)
                                                    : Json::from_cbor(payload));
  });
  return messages;
}

Json Peer::ask(const Json& message) {
  write(frame(message));
  router_.run();
  const auto answers = read_messages();
  if (answers.size() != 1) fail(fmt::format("{} answers to {}", answers.size(), message.dump()));
  return answers.front();
}

}  // namespace crosspoint::bench
