#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// WebSocket and message transport options (`options` of a websocket or rawsocket transport).
namespace crosspoint::settings {

/// The largest message anybody may send, where the configuration sets no smaller limit: 64 MiB.
inline constexpr std::size_t kMaxMessageSize = 64 * 1024 * 1024;

/// What happens to events for a session whose queue is full (`slow_receiver`).
enum class SlowReceiver { drop, disconnect };

/// Limits of Crosspoint's own, for any transport that carries messages.
struct QueueOptions {
  std::size_t max_queued_bytes = 16 * 1024 * 1024;  ///< per session: `max_queued_bytes`
  SlowReceiver slow_receiver = SlowReceiver::drop;
  std::uint32_t max_stream_wait_ms = 20'000;  ///< how long others may be held back for a session: `max_stream_wait`
};

/// `compression.deflate` (permessage-deflate).
struct Deflate {
  bool request_no_context_takeover = false;
  int request_max_window_bits = 0;  ///< 9 to 15; 0 does not ask
  bool no_context_takeover = false;
  int max_window_bits = 15;  ///< 9 to 15
  int memory_level = 8;      ///< 1 to 9
};

/// Named as in the configuration; times in milliseconds, sizes in bytes, 0 for none or unlimited.
struct WebSocketOptions {
  std::vector<std::string> allowed_origins{"*"};  ///< patterns with '*'
  bool allow_null_origin = true;
  std::optional<std::uint16_t> external_port;
  bool enable_hybi10 = true;
  bool enable_rfc6455 = true;
  std::uint32_t open_handshake_timeout_ms = 0;
  std::uint32_t close_handshake_timeout_ms = 0;
  bool enable_webstatus = true;
  bool validate_utf8 = true;
  bool mask_server_frames = false;
  bool require_masked_client_frames = true;
  bool apply_mask = true;
  std::size_t max_frame_size = 0;
  std::size_t max_message_size = 0;
  std::size_t auto_fragment_size = 0;
  bool fail_by_drop = false;
  bool echo_close_codereason = false;
  bool tcp_nodelay = true;
  std::uint32_t auto_ping_interval_ms = 0;
  std::uint32_t auto_ping_timeout_ms = 0;
  std::uint32_t auto_ping_size = 12;
  bool auto_ping_restart_on_any_traffic = true;
  std::optional<Deflate> compression;
  bool require_websocket_subprotocol = true;
  bool show_server_version = false;
  QueueOptions queue;
};

}  // namespace crosspoint::settings
