#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct redisReply;

/// Which master of a Redis Cluster has what. No I/O.
namespace crosspoint::redis {

/// Keys and sharded channels are spread over so many slots, and those over the masters.
constexpr std::uint16_t kSlots = 16384;

/// CRC-16 with the polynomial 0x1021 and nothing inverted, which Redis makes slots of.
std::uint16_t crc16(std::string_view text);
/// The slot of a key or channel: that of its hash tag, which is what stands between its first `{` and the next `}`, or
/// of all of it if nothing does.
std::uint16_t slot_of(std::string_view key);

struct Address {
  std::string host;
  std::uint16_t port = 0;

  std::string text() const;
  friend bool operator==(const Address&, const Address&) = default;
};

/// The masters of a Redis Cluster and their slots.
class SlotMap {
 public:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  /// Takes the answer to CLUSTER SLOTS. `asked` is the host that has answered: it stands for hosts that it does not
  /// name. False, and why in `problem`, if it is none; the map is empty then.
  bool read(const redisReply& reply, const std::string& asked, std::string& problem);

  const std::vector<Address>& masters() const { return masters_; }
  /// The number of a slot's master in masters(); kNobody if it has none.
  std::size_t master_of(std::uint16_t slot) const { return slots_.empty() ? kNobody : slots_[slot]; }
  /// Whether each of `slots` has the same master in both maps.
  bool agrees(const SlotMap& other, const std::vector<std::uint16_t>& slots) const;

 private:
  bool read_range(const redisReply& range, const std::string& asked);

  std::vector<Address> masters_;
  std::vector<std::size_t> slots_;  // of each slot; empty: nobody has any
};

}  // namespace crosspoint::redis
