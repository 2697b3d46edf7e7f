#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "path/in_process_router.hpp"

namespace crosspoint::bench {

using Json = nlohmann::json;
enum class Format { json, msgpack, cbor };

/// A client of an InProcessRouter, over a socket pair: it writes and reads only between the router's turns, so that the
/// order of everything is the same in every run. What goes wrong ends the program.
class Peer {
 public:
  /// Opens the WebSocket and joins realm1.
  Peer(InProcessRouter& router, Format format);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// A message as this peer sends it: in its serializer, in a masked frame.
  std::string frame(const Json& message) const;
  void write(const std::string& frames);

  /// How many messages the router has sent since the last look at them.
  std::size_t count_messages();
  std::vector<Json> read_messages();

  /// Sends, lets the router work, and returns its one answer.
  Json ask(const Json& message);

 private:
  void fill();
  template <typename Take>
  std::size_t take_frames(Take&& take);

  InProcessRouter& router_;
  const Format format_;
  int fd_ = -1;
  std::string received_;
};

}  // namespace crosspoint::bench
