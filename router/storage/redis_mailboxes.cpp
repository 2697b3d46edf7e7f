#include "storage/redis_mailboxes.hpp"

#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include <charconv>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace crosspoint::storage {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kPatience{5};  // for connecting, and for each answer

std::string to_text(const MailboxRecord& record) {
  json fields{{"lifetime", record.lifetime},
              {"max_connections", record.max_connections},
              {"confirm", record.confirm},
              {"expires", record.expires}};
  if (!record.receivers.empty()) fields["receivers"] = record.receivers;
  return fields.dump();
}

bool read_number(const json& record, const char* name, std::uint32_t& out) {
  const auto at = record.find(name);
  if (at == record.end()) return true;
  if (!at->is_number_unsigned() || *at > std::numeric_limits<std::uint32_t>::max()) return false;
  out = at->get<std::uint32_t>();
  return true;
}

/// Keys may be left out. False if something is of another type than to_text() writes.
bool from_text(std::string_view text, MailboxRecord& out) {
  const json record = json::parse(text, nullptr, false);
  if (!record.is_object()) return false;
  if (!read_number(record, "lifetime", out.lifetime)) return false;
  if (!read_number(record, "max_connections", out.max_connections)) return false;
  const auto confirm = record.find("confirm");
  const auto expires = record.find("expires");
  if (confirm != record.end()) {
    if (!confirm->is_boolean()) return false;
    out.confirm = confirm->get<bool>();
  }
  if (expires != record.end()) {
    if (!expires->is_number_integer()) return false;
    out.expires = expires->get<std::int64_t>();
  }
  const auto receivers = record.find("receivers");
  if (receivers != record.end()) {
    if (!receivers->is_string()) return false;
    out.receivers = receivers->get<std::string>();
  }
  return true;
}

/// Takes the place of the keeper (KEYS[1]) for ARGV[1] if it is free, and keeps it. Answers with the keeper, and
/// whether it is another one than the last one that took the place (KEYS[2]), and the greatest id (KEYS[3]).
constexpr const char* kHold = R"lua(
local keeper = redis.call('GET', KEYS[1])
if keeper and keeper ~= ARGV[1] then return {keeper, 0, '0'} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local last = redis.call('GET', KEYS[2])
redis.call('SET', KEYS[2], ARGV[1])
return {ARGV[1], last == ARGV[1] and 0 or 1, redis.call('GET', KEYS[3]) or '0'}
)lua";
constexpr const char* kLetGo = R"lua(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
)lua";

constexpr std::string_view kKinds = "tbj";  // text, binary, JSON

/// "<id> <kind>" and the bytes behind it: members of a sorted set have to differ.
std::string to_member(std::uint64_t id, const MailMessage& message) {
  return fmt::format("{} {}{}", id, kKinds[static_cast<std::size_t>(message.kind)], message.bytes);
}

bool from_member(std::string_view member, std::uint64_t& id, MailMessage& out) {
  const auto [end, error] = std::from_chars(member.data(), member.data() + member.size(), id);
  const auto digits = static_cast<std::size_t>(end - member.data());
  if (error != std::errc() || member.size() < digits + 2 || *end != ' ') return false;
  const std::size_t kind = kKinds.find(member[digits + 1]);
  if (kind == std::string_view::npos) return false;
  out.kind = static_cast<MailMessage::Kind>(kind);
  out.bytes = member.substr(digits + 2);
  return true;
}

}  // namespace

RedisMailboxes::RedisMailboxes(const settings::Redis& settings, std::string prefix, std::string keeper)
    : dialer_(settings, kPatience), prefix_(std::move(prefix)), keeper_(std::move(keeper)) {}

std::string RedisMailboxes::messages_of(std::string_view identity) const {
  return fmt::format("{}mailbox:{}", prefix_, identity);
}

bool RedisMailboxes::lose(std::string_view what, std::string& problem) {
  problem = fmt::format("Redis at {}: {}", dialer_.place(), what);
  client_.reset();
  return false;
}

bool RedisMailboxes::connect(std::string& problem) {
  if (client_) return true;
  std::string why;
  client_ = dialer_.dial(why);
  return client_ || lose(why, problem);
}

redis::Reply RedisMailboxes::answer(std::string& problem) {
  std::string why;
  redis::Reply reply = client_->answer(why);
  if (!reply) lose(why, problem);
  return reply;
}

redis::Reply RedisMailboxes::ask(const Command& command, std::string& problem) {
  client_->queue(command);
  return answer(problem);
}

bool RedisMailboxes::open(std::string& problem) {
  if (!connect(problem)) return false;
  warn_if_not_durable();
  return connect(problem);
}

void RedisMailboxes::warn_if_not_durable() {
  std::string ignored;
  const auto setting = [&](const char* name) {
    const redis::Reply reply = client_ ? ask({"CONFIG", "GET", name}, ignored) : nullptr;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements < 2) return std::string();
    return std::string(redis::text_of(*reply->element[1]));
  };
  const std::string append_only = setting("appendonly");
  const std::string sync = setting("appendfsync");
  if (append_only == "yes" && sync == "always") return;
  log::warn(
      "Redis at {} has appendonly \"{}\" and appendfsync \"{}\": with anything but \"yes\" and \"always\", what is "
      "acknowledged may be lost if Redis or its machine ends at once",
      dialer_.place(), append_only, sync);
}

bool RedisMailboxes::load(std::vector<StoredMailbox>& out, std::string& problem) {
  const redis::Reply records = ask({"HGETALL", prefix_ + "mailboxes"}, problem);
  if (!records) return false;
  for (std::size_t i = 0; i + 1 < records->elements; i += 2) {
    StoredMailbox& box = out.emplace_back();
    box.identity = redis::text_of(*records->element[i]);
    if (!from_text(redis::text_of(*records->element[i + 1]), box.record)) {
      return lose(fmt::format("the record of mailbox \"{}\" cannot be read", box.identity), problem);
    }
    if (!load_messages(box, problem)) return false;
  }
  return true;
}

bool RedisMailboxes::load_messages(StoredMailbox& box, std::string& problem) {
  const redis::Reply members = ask({"ZRANGE", messages_of(box.identity), "0", "-1"}, problem);
  if (!members) return false;
  for (std::size_t i = 0; i < members->elements; ++i) {
    std::uint64_t id = 0;
    MailMessage message;
    if (!from_member(redis::text_of(*members->element[i]), id, message)) {
      return lose(fmt::format("a message for \"{}\" cannot be read", box.identity), problem);
    }
    box.messages.emplace_back(id, std::make_shared<const MailMessage>(std::move(message)));
  }
  return true;
}

std::vector<RedisMailboxes::Command> RedisMailboxes::commands_of(const MailboxChange& change) const {
  const std::string records = prefix_ + "mailboxes";
  const std::string messages = messages_of(change.identity);
  const std::string id = std::to_string(change.id);
  switch (change.kind) {
    case MailboxChange::Kind::put:
      return {{"HSET", records, change.identity, to_text(change.record)}};
    case MailboxChange::Kind::add:
      return {{"ZADD", messages, id, to_member(change.id, *change.message)}};
    case MailboxChange::Kind::remove:
      return {{"ZREMRANGEBYSCORE", messages, "-inf", id}};
    default:
      return {{"DEL", messages}, {"HDEL", records, change.identity}};
  }
}

bool RedisMailboxes::hold(MailboxHold& out, std::string& problem) {
  if (!connect(problem)) return false;
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(kHoldTime).count();
  const redis::Reply reply =
      ask({"EVAL", kHold, "3", keeper_key(), prefix_ + "mailboxes:last", last_id_key(), keeper_, std::to_string(time)},
          problem);
  if (!reply) return false;
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) return lose("the keeper cannot be read", problem);
  out.keeper = redis::text_of(*reply->element[0]);
  out.ours = out.keeper == keeper_;
  out.anew = reply->element[1]->integer != 0;
  const std::string_view last_id = redis::text_of(*reply->element[2]);
  const auto [end, error] = std::from_chars(last_id.data(), last_id.data() + last_id.size(), out.last_id);
  if (error != std::errc() || end != last_id.data() + last_id.size()) return lose("the last id is no number", problem);
  return true;
}

void RedisMailboxes::let_go() {
  std::string ignored;  // then others wait until the time is over
  if (connect(ignored)) ask({"EVAL", kLetGo, "1", keeper_key(), keeper_}, ignored);
}

bool RedisMailboxes::watch(std::string& problem) {
  if (keeper_.empty()) return true;
  client_->queue({"WATCH", keeper_key()});
  client_->queue({"GET", keeper_key()});
  if (!answer(problem)) return false;
  const redis::Reply keeper = answer(problem);
  if (!keeper) return false;
  return redis::text_of(*keeper) == keeper_ || lose("another node keeps the mailboxes", problem);
}

bool RedisMailboxes::commit(const std::vector<MailboxChange>& changes, std::string& problem) {
  if (!connect(problem) || !watch(problem)) return false;
  std::size_t answers = 2;
  std::uint64_t last_id = 0;
  client_->queue({"MULTI"});
  for (const MailboxChange& change : changes) {
    if (change.kind == MailboxChange::Kind::add) last_id = change.id;
    for (const Command& command : commands_of(change)) {
      client_->queue(command);
      ++answers;
    }
  }
  if (is_shared() && last_id != 0) {
    client_->queue({"SET", last_id_key(), std::to_string(last_id)});
    ++answers;
  }
  client_->queue({"EXEC"});
  for (; answers > 1; --answers) {
    if (!answer(problem)) return false;
  }
  const redis::Reply results = answer(problem);
  if (!results) return false;
  if (results->type != REDIS_REPLY_ARRAY) return lose("a transaction was not done", problem);
  for (std::size_t i = 0; i < results->elements; ++i) {
    if (results->element[i]->type == REDIS_REPLY_ERROR) {
      return lose(std::string(redis::text_of(*results->element[i])), problem);
    }
  }
  return true;
}

}  // namespace crosspoint::storage
