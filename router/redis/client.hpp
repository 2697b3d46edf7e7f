#pragma once

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/out_queue.hpp"
#include "redis/byte_stream.hpp"
#include "redis/protocol.hpp"

namespace crosspoint::redis {

/// A connection to Redis on a thread that may wait: commands, and their answers in the same order. Belongs to one
/// thread.
class Client {
 public:
  /// `patience`: how long the server may say nothing while it owes an answer. `canceled` must outlive this; once it is
  /// true nobody waits any more.
  Client(std::unique_ptr<ByteStream> stream, std::chrono::milliseconds patience, const std::atomic<bool>& canceled);

  /// To be sent with the next answer().
  void queue(const std::vector<std::string>& command);
  /// Waits for the next answer. nullptr, and why in `problem`, if it is an error, or if none comes: then good() is
  /// false, and the connection is of no use any more.
  Reply answer(std::string& problem);
  /// The answer to one command. `problem` begins with its name if Redis refuses it.
  Reply ask(std::initializer_list<std::string_view> command, std::string& problem);

  bool good() const { return good_; }
  /// The connection for others, when everything is answered.
  std::unique_ptr<ByteStream> release() { return std::move(stream_); }

 private:
  Reply lose(std::string why, std::string& problem);
  Reply refuse(Reply reply, std::string& problem);
  std::string closed(const std::string& how) const;

  std::unique_ptr<ByteStream> stream_;
  const std::chrono::milliseconds patience_;
  const std::atomic<bool>& canceled_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  base::OutQueue out_;
  ReplyReader reader_;
  bool heard_ = false;  // anything at all
  bool good_ = true;
};

}  // namespace crosspoint::redis
