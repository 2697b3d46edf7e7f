#include "redis/slot_map.hpp"

#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>

#include "redis/protocol.hpp"

namespace crosspoint::redis {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    unsigned rest = i << 8;
    for (int bit = 0; bit < 8; ++bit) rest = (rest & 0x8000U) != 0 ? (rest << 1) ^ 0x1021U : rest << 1;
    table[i] = static_cast<std::uint16_t>(rest);
  }
  return table;
}

constexpr auto kTable = make_table();

bool is_slot(const redisReply& reply) {
  return reply.type == REDIS_REPLY_INTEGER && reply.integer >= 0 && reply.integer < kSlots;
}

}  // namespace

std::uint16_t crc16(std::string_view text) {
  unsigned rest = 0;
  for (const char c : text) rest = (rest << 8) ^ kTable[((rest >> 8) ^ static_cast<unsigned char>(c)) & 0xFFU];
  return static_cast<std::uint16_t>(rest);
}

std::uint16_t slot_of(std::string_view key) {
  const std::size_t begin = key.find('{');
  if (begin != std::string_view::npos) {
    const std::size_t end = key.find('}', begin + 1);
    if (end != std::string_view::npos && end != begin + 1) key = key.substr(begin + 1, end - begin - 1);
  }
  return crc16(key) % kSlots;
}

std::string Address::text() const { return fmt::format("{}:{}", host, port); }

bool SlotMap::read(const redisReply& reply, const std::string& asked, std::string& problem) {
  masters_.clear();
  slots_.clear();
  bool good = reply.type == REDIS_REPLY_ARRAY;
  for (std::size_t i = 0; good && i < reply.elements; ++i) good = read_range(*reply.element[i], asked);
  if (good) return true;
  masters_.clear();
  slots_.clear();
  problem = "what it says of the slots of its Redis Cluster cannot be read";
  return false;
}

bool SlotMap::read_range(const redisReply& range, const std::string& asked) {
  if (range.type != REDIS_REPLY_ARRAY || range.elements < 3) return false;
  const redisReply& first = *range.element[0];
  const redisReply& last = *range.element[1];
  const redisReply& master = *range.element[2];
  if (!is_slot(first) || !is_slot(last) || first.integer > last.integer) return false;
  if (master.type != REDIS_REPLY_ARRAY || master.elements < 2) return false;
  const redisReply& host = *master.element[0];
  const redisReply& port = *master.element[1];
  if (host.type != REDIS_REPLY_STRING && host.type != REDIS_REPLY_NIL) return false;
  if (port.type != REDIS_REPLY_INTEGER || port.integer < 1 || port.integer > 65535) return false;
  const Address address{text_of(host).empty() ? asked : std::string(text_of(host)),
                        static_cast<std::uint16_t>(port.integer)};
  if (address.host == "?") return false;  // it is to be known by a name, and has none
  const auto at = std::find(masters_.begin(), masters_.end(), address);
  const auto number = static_cast<std::size_t>(at - masters_.begin());
  if (at == masters_.end()) masters_.push_back(address);
  slots_.resize(kSlots, kNobody);
  std::fill(slots_.begin() + first.integer, slots_.begin() + last.integer + 1, number);
  return true;
}

bool SlotMap::agrees(const SlotMap& other, const std::vector<std::uint16_t>& slots) const {
  return std::all_of(slots.begin(), slots.end(), [&](std::uint16_t slot) {
    const std::size_t here = master_of(slot);
    const std::size_t there = other.master_of(slot);
    if (here == kNobody || there == kNobody) return here == there;
    return masters_[here] == other.masters_[there];
  });
}

}  // namespace crosspoint::redis
