#include <catch2/catch.hpp>

#include <string>

#include "transports/framed_message.hpp"

using namespace crosspoint;
using namespace crosspoint::transports;

namespace {

/// A message whose payload has so many bytes, with or without an owner.
struct Sample {
  Sample(std::size_t payload, bool owned) : text(payload, 'p') {
    message.head = base::as_bytes("head");
    message.tail = "tail";
    message.payload = base::as_bytes(text);
    if (!owned) return;
    message.payload_owner = base::ChunkRef::copy_of(base::as_bytes("before" + text));
    message.payload = {message.payload_owner->data() + 6, payload};
  }
  std::string framed() const { return "hdr:head" + text + "tail"; }

  std::string text;
  serializers::EncodedMessage message;
};

std::string contents(const base::OutQueue& queue, std::size_t& pieces) {
  std::vector<iovec> out(100);
  pieces = queue.gather(out);
  std::string text;
  for (std::size_t i = 0; i < pieces; ++i) text.append(static_cast<const char*>(out[i].iov_base), out[i].iov_len);
  return text;
}

}  // namespace

TEST_CASE("a message is copied behind its header, or referenced if it is large and has an owner") {
  const auto header = base::as_bytes("hdr:");
  for (const bool owned : {false, true}) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, kReferenceFrom - 1, kReferenceFrom, std::size_t{100000}}) {
      const Sample sample(size, owned);
      const bool referenced = owned && size >= kReferenceFrom;
      std::size_t pieces = 0;
      base::OutQueue alone;
      append_framed(alone, header, sample.message);
      REQUIRE(contents(alone, pieces) == sample.framed());
      REQUIRE(pieces == (referenced ? 3 : 1));

      base::ChunkWriter writer;
      const SharedFrame frame = share_framed(writer, header, sample.message);
      REQUIRE(frame.size() == sample.framed().size());
      REQUIRE((frame.payload.size > 0) == referenced);
      for (int receiver = 0; receiver < 2; ++receiver) {
        base::OutQueue queue;
        append_shared(queue, frame);
        REQUIRE(contents(queue, pieces) == sample.framed());
      }
    }
  }
}
