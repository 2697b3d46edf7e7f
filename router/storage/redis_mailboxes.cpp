#include "storage/redis_mailboxes.hpp"

#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace crosspoint::storage {
namespace {

using nlohmann::json;

constexpr timeval kTimeout{5, 0};  // for connecting, and for each answer

std::string to_text(const MailboxRecord& record) {
  return json{{"lifetime", record.lifetime},
              {"max_connections", record.max_connections},
              {"confirm", record.confirm},
              {"expires", record.expires}}
      .dump();
}

bool from_text(std::string_view text, MailboxRecord& out) {
  const json record = json::parse(text, nullptr, false);
  if (!record.is_object()) return false;
  out.lifetime = record.value("lifetime", 0U);
  out.max_connections = record.value("max_connections", 1U);
  out.confirm = record.value("confirm", false);
  out.expires = record.value("expires", std::int64_t{0});
  return true;
}

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

std::string_view text_of(const redisReply& reply) {
  return reply.str != nullptr ? std::string_view(reply.str, reply.len) : "";
}

}  // namespace

void RedisMailboxes::Disconnect::operator()(redisContext* context) const { redisFree(context); }
void RedisMailboxes::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

RedisMailboxes::RedisMailboxes(RedisAddress address) : address_(std::move(address)) {}
RedisMailboxes::~RedisMailboxes() = default;

std::string RedisMailboxes::messages_of(std::string_view identity) const {
  return fmt::format("{}mailbox:{}", address_.prefix, identity);
}

bool RedisMailboxes::lose(std::string_view what, std::string& problem) {
  problem = fmt::format("Redis at {}:{}: {}", address_.host, address_.port, what);
  context_.reset();
  return false;
}

bool RedisMailboxes::connect(std::string& problem) {
  if (context_) return true;
  context_.reset(redisConnectWithTimeout(address_.host.c_str(), address_.port, kTimeout));
  if (!context_) return lose("out of memory", problem);
  if (context_->err != 0) return lose(std::string(context_->errstr), problem);
  redisSetTimeout(context_.get(), kTimeout);
  if (!address_.password.empty() && !ask({"AUTH", address_.password}, problem)) return false;
  return address_.database == 0 || ask({"SELECT", std::to_string(address_.database)}, problem) != nullptr;
}

bool RedisMailboxes::queue(const Command& command) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  for (const std::string& part : command) {
    parts.push_back(part.data());
    sizes.push_back(part.size());
  }
  return redisAppendCommandArgv(context_.get(), static_cast<int>(parts.size()), parts.data(), sizes.data()) == REDIS_OK;
}

RedisMailboxes::Reply RedisMailboxes::answer(std::string& problem) {
  void* raw = nullptr;
  if (redisGetReply(context_.get(), &raw) != REDIS_OK) {
    lose(std::string(context_->errstr), problem);
    return nullptr;
  }
  Reply reply(static_cast<redisReply*>(raw));
  if (reply->type != REDIS_REPLY_ERROR) return reply;
  lose(std::string(text_of(*reply)), problem);
  return nullptr;
}

RedisMailboxes::Reply RedisMailboxes::ask(const Command& command, std::string& problem) {
  if (queue(command)) return answer(problem);
  lose("out of memory", problem);
  return nullptr;
}

bool RedisMailboxes::open(std::string& problem) {
  if (!connect(problem)) return false;
  warn_if_not_durable();
  return connect(problem);
}

void RedisMailboxes::warn_if_not_durable() {
  std::string ignored;
  const auto setting = [&](const char* name) {
    const Reply reply = context_ ? ask({"CONFIG", "GET", name}, ignored) : nullptr;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements < 2) return std::string();
    return std::string(text_of(*reply->element[1]));
  };
  const std::string append_only = setting("appendonly");
  const std::string sync = setting("appendfsync");
  if (append_only == "yes" && sync == "always") return;
  log::warn(
      "Redis at {}:{} has appendonly \"{}\" and appendfsync \"{}\": with anything but \"yes\" and \"always\", what is "
      "acknowledged may be lost if Redis or its machine ends at once",
      address_.host, address_.port, append_only, sync);
}

bool RedisMailboxes::load(std::vector<StoredMailbox>& out, std::string& problem) {
  const Reply records = ask({"HGETALL", address_.prefix + "mailboxes"}, problem);
  if (!records) return false;
  for (std::size_t i = 0; i + 1 < records->elements; i += 2) {
    StoredMailbox& box = out.emplace_back();
    box.identity = text_of(*records->element[i]);
    if (!from_text(text_of(*records->element[i + 1]), box.record)) {
      return lose(fmt::format("the record of mailbox \"{}\" cannot be read", box.identity), problem);
    }
    if (!load_messages(box, problem)) return false;
  }
  return true;
}

bool RedisMailboxes::load_messages(StoredMailbox& box, std::string& problem) {
  const Reply members = ask({"ZRANGE", messages_of(box.identity), "0", "-1"}, problem);
  if (!members) return false;
  for (std::size_t i = 0; i < members->elements; ++i) {
    std::uint64_t id = 0;
    MailMessage message;
    if (!from_member(text_of(*members->element[i]), id, message)) {
      return lose(fmt::format("a message for \"{}\" cannot be read", box.identity), problem);
    }
    box.messages.emplace_back(id, std::make_shared<const MailMessage>(std::move(message)));
  }
  return true;
}

std::vector<RedisMailboxes::Command> RedisMailboxes::commands_of(const MailboxChange& change) const {
  const std::string records = address_.prefix + "mailboxes";
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

bool RedisMailboxes::commit(const std::vector<MailboxChange>& changes, std::string& problem) {
  if (!connect(problem)) return false;
  std::size_t answers = 2;
  bool queued = queue({"MULTI"});
  for (const MailboxChange& change : changes) {
    for (const Command& command : commands_of(change)) {
      queued = queued && queue(command);
      ++answers;
    }
  }
  if (!queued || !queue({"EXEC"})) return lose("out of memory", problem);
  for (; answers > 1; --answers) {
    if (!answer(problem)) return false;
  }
  const Reply results = answer(problem);
  if (!results) return false;
  if (results->type != REDIS_REPLY_ARRAY) return lose("a transaction was not done", problem);
  for (std::size_t i = 0; i < results->elements; ++i) {
    if (results->element[i]->type == REDIS_REPLY_ERROR) {
      return lose(std::string(text_of(*results->element[i])), problem);
    }
  }
  return true;
}

}  // namespace crosspoint::storage
