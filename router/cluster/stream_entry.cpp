#include "cluster/stream_entry.hpp"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <charconv>
#include <limits>

namespace crosspoint::cluster {

bool EntryId::read(std::string_view text, EntryId& out) {
  const char* const end = text.data() + text.size();
  EntryId id;
  const auto time = std::from_chars(text.data(), end, id.time);
  if (time.ec != std::errc() || id.time < 0 || time.ptr == end || *time.ptr != '-') return false;
  const auto number = std::from_chars(time.ptr + 1, end, id.number);
  if (number.ec != std::errc() || number.ptr != end) return false;
  out = id;
  return true;
}

std::string EntryId::text() const { return fmt::format("{}-{}", time, number); }

EntryId EntryId::previous() const {
  if (number > 0) return {time, number - 1};
  return {time - 1, std::numeric_limits<std::uint64_t>::max()};
}

std::string_view text_of(const redisReply& reply) {
  return reply.str != nullptr ? std::string_view(reply.str, reply.len) : std::string_view();
}

bool read_entry(const redisReply& reply, EntryId& id, const redisReply*& fields) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) return false;
  if (reply.element[1]->type != REDIS_REPLY_ARRAY || !EntryId::read(text_of(*reply.element[0]), id)) return false;
  fields = reply.element[1];
  return true;
}

std::string_view field_of(const redisReply& fields, std::string_view name) {
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    if (text_of(*fields.element[i]) == name) return text_of(*fields.element[i + 1]);
  }
  return {};
}

}  // namespace crosspoint::cluster
