#pragma once

#include <cstdint>
#include <string>

#include "serializers/scratch.hpp"
#include "serializers/write_buffer.hpp"
#include "wamp/payload.hpp"

namespace crosspoint::bench {

/// The arguments that every message of a run carries: [number, source, text]. The number counts the messages of one
/// source from 1, so that the receiver notices whatever is lost, repeated, reordered or misrouted; the text has the
/// size asked for and must arrive unchanged.
class TestPayload {
 public:
  TestPayload(wamp::Encoding encoding, std::size_t text_size);

  struct Content {
    std::uint64_t number = 0;
    std::uint64_t source = 0;
  };

  /// Valid until the next call.
  wamp::Payload write(const Content& content);
  /// False if `payload` is not what write() could have made.
  bool read(const wamp::Payload& payload, Content& out);

 private:
  template <class Writer>
  void write_as(const Content& content);
  template <class Reader>
  bool read_as(const wamp::Payload& payload, Content& out);

  wamp::Encoding encoding_;
  std::string text_;
  serializers::WriteBuffer buffer_;
  serializers::Scratch scratch_;
};

}  // namespace crosspoint::bench
