#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct redisReply;

namespace crosspoint::cluster {

/// The id of an entry of a Redis stream: when it was added, by the clock of Redis, and its number in that millisecond.
struct EntryId {
  std::int64_t time = 0;  ///< milliseconds since 1970
  std::uint64_t number = 0;

  /// Takes `text` as Redis writes it, "<time>-<number>". False if it is none.
  static bool read(std::string_view text, EntryId& out);
  std::string text() const;
  /// The least that is greater.
  EntryId next() const { return number + 1 != 0 ? EntryId{time, number + 1} : EntryId{time + 1, 0}; }
  /// The greatest that is less.
  EntryId previous() const;

  friend auto operator<=>(const EntryId&, const EntryId&) = default;
};

/// The text that a string reply has.
std::string_view text_of(const redisReply& reply);
/// Takes apart an entry in the answer to XRANGE or XREVRANGE. False if it is none.
bool read_entry(const redisReply& reply, EntryId& id, const redisReply*& fields);
/// The value of a field; nothing if there is none.
std::string_view field_of(const redisReply& fields, std::string_view name);

}  // namespace crosspoint::cluster
