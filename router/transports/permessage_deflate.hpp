#pragma once

#include <zlib.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace crosspoint::transports {

/// What a server is willing to do about permessage-deflate (RFC 7692); as in the configuration.
struct DeflateSettings {
  bool request_no_context_takeover = false;  ///< ask the client to forget its window after each message
  int request_max_window_bits = 0;           ///< ask the client for a smaller window: 9 to 15; 0 does not ask
  bool no_context_takeover = false;          ///< forget ours
  int max_window_bits = 15;                  ///< 9 to 15
  int memory_level = 8;                      ///< 1 to 9, zlib's
};

/// What both sides agreed on.
struct DeflateAgreement {
  bool client_no_context_takeover = false;
  bool server_no_context_takeover = false;
  int client_max_window_bits = 15;
  int server_max_window_bits = 15;
  std::string response;  ///< the value for Sec-WebSocket-Extensions
};

/// Picks the first offer of a Sec-WebSocket-Extensions header that can be accepted; nothing if there is none.
std::optional<DeflateAgreement> negotiate_deflate(std::string_view offers, const DeflateSettings& settings);

/// The compression of one connection. Holds zlib's windows (some 300 KiB with the default settings), which is why the
/// extension is off unless configured.
class PermessageDeflate {
 public:
  /// Throws std::bad_alloc.
  PermessageDeflate(const DeflateAgreement& agreement, int memory_level);
  ~PermessageDeflate();
  PermessageDeflate(const PermessageDeflate&) = delete;
  PermessageDeflate& operator=(const PermessageDeflate&) = delete;

  enum class Inflated { good, malformed, too_big };
  /// Appends the plain bytes of a whole message to `out`, `most` bytes at most.
  Inflated inflate(base::Bytes compressed, std::size_t most, std::vector<std::uint8_t>& out);
  /// Appends to `out`. A message is given in one or several pieces, the last with `last` set.
  void deflate(base::Bytes piece, bool last, std::vector<std::uint8_t>& out);

 private:
  DeflateAgreement agreement_;
  z_stream inflate_{};
  z_stream deflate_{};
};

}  // namespace crosspoint::transports
