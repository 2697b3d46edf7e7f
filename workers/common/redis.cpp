#include "common/redis.hpp"

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include <algorithm>
#include <set>

#include "common/json.hpp"
#include "common/log.hpp"

namespace workshop {
namespace {

constexpr timeval kPatience{0, 500000};
constexpr std::chrono::seconds kPause{1};
constexpr const char* kWeek = "604800";  // seconds

void free_reply(redisReply* reply) {
  if (reply != nullptr) freeReplyObject(reply);
}

std::string text(const redisReply& reply) { return std::string(reply.str, reply.len); }

}  // namespace

Redis::Redis(const std::string& url) {
  std::string rest = url.empty() ? environment("REDIS_URL", "redis://127.0.0.1:6379") : url;
  const std::string scheme = "redis://";
  // redis://[user:password@]host[:port][/database]; the text is not repeated, for there may be a password in it.
  const std::string wrong = "REDIS_URL is not of the form redis://host:port/database";
  if (rest.compare(0, scheme.size(), scheme) != 0) throw RedisError(wrong);
  rest.erase(0, scheme.size());
  if (const std::size_t at = rest.rfind('@'); at != std::string::npos) {
    password_ = rest.substr(rest.find(':') + 1, at - rest.find(':') - 1);
    rest.erase(0, at + 1);
  }
  if (const std::size_t slash = rest.find('/'); slash != std::string::npos) {
    database_ = rest.substr(slash + 1);
    rest.erase(slash);
  }
  if (const std::size_t colon = rest.rfind(':'); colon != std::string::npos) {
    try {
      port_ = std::stoi(rest.substr(colon + 1));
    } catch (const std::exception&) {
      throw RedisError(wrong);
    }
    rest.erase(colon);
  }
  host_ = rest;
}

Redis::~Redis() {
  if (context_ != nullptr) redisFree(context_);
}

void Redis::set(const std::string& key, const std::string& value) { command({"SET", key, value, "EX", kWeek}); }

std::optional<std::string> Redis::get(const std::string& key) {
  const Reply reply = command({"GETEX", key, "EX", kWeek});
  if (reply->type != REDIS_REPLY_STRING) return std::nullopt;
  return text(*reply);
}

std::optional<std::string> Redis::look(const std::string& key) {
  const Reply reply = command({"GET", key});
  if (reply->type != REDIS_REPLY_STRING) return std::nullopt;
  return text(*reply);
}

void Redis::set_array(const std::string& key, const std::vector<std::string>& values) {
  set(key, text_of(Json(values)));
}

std::vector<std::string> Redis::get_array(const std::string& key) {
  std::vector<std::string> values;
  const Json list = Json::parse(get(key).value_or("[]"), nullptr, false);
  if (!list.is_array()) return values;
  for (const Json& item : list) {
    if (item.is_string()) values.push_back(item.get<std::string>());
  }
  return values;
}

void Redis::add_to_array(const std::string& key, const std::string& value) {
  std::vector<std::string> values = get_array(key);
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  set_array(key, values);
}

std::vector<std::string> Redis::keys(std::size_t most) {
  std::set<std::string> found;
  std::string cursor = "0";
  do {
    const Reply reply = command({"SCAN", cursor, "COUNT", "100"});
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) throw RedisError("Redis: unexpected answer to SCAN");
    cursor = text(*reply->element[0]);
    const redisReply& page = *reply->element[1];
    for (std::size_t i = 0; i < page.elements && found.size() < most; ++i) found.insert(text(*page.element[i]));
  } while (cursor != "0" && found.size() < most);
  return {found.begin(), found.end()};
}

long long Redis::lifetime(const std::string& key) { return command({"TTL", key})->integer; }

Redis::Reply Redis::command(const std::vector<std::string>& words) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // A connection that the server has closed meanwhile (it was restarted, say) shows only now.
  const bool had_connection = context_ != nullptr;
  if (!had_connection) connect();
  Reply reply = send(words);
  if (!reply && had_connection && context_->err == REDIS_ERR_EOF) {
    redisFree(context_);
    context_ = nullptr;
    connect();
    reply = send(words);
  }
  if (!reply) {
    const std::string why = context_->errstr;
    disconnect(why);
    throw Unreachable("Redis does not answer: " + why);
  }
  if (reply->type == REDIS_REPLY_ERROR) throw RedisError("Redis: " + text(*reply));
  return reply;
}

Redis::Reply Redis::send(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    lengths.push_back(word.size());
  }
  auto* reply = static_cast<redisReply*>(
      redisCommandArgv(context_, static_cast<int>(words.size()), texts.data(), lengths.data()));
  return Reply(reply, free_reply);
}

void Redis::connect() {
  if (std::chrono::steady_clock::now() < not_before_) throw Unreachable("Redis is away");
  context_ = redisConnectWithTimeout(host_.c_str(), port_, kPatience);
  if (context_ == nullptr) throw RedisError("Redis: out of memory");
  if (context_->err != 0) {
    const std::string why = context_->errstr;
    disconnect(why);
    throw Unreachable("Redis cannot be reached: " + why);
  }
  redisSetTimeout(context_, kPatience);
  for (const auto& words : {std::vector<std::string>{"AUTH", password_}, {"SELECT", database_}}) {
    if (words[1].empty()) continue;
    const Reply reply = send(words);
    if (reply && reply->type != REDIS_REPLY_ERROR) continue;
    const std::string why = words[0] + " was refused";
    disconnect(why);
    throw Unreachable("Redis: " + why);
  }
  if (told_) terminal_log("Redis at " + host_ + ":" + std::to_string(port_) + " is back");
  told_ = false;
}

void Redis::disconnect(const std::string& why) {
  redisFree(context_);
  context_ = nullptr;
  not_before_ = std::chrono::steady_clock::now() + kPause;
  if (!told_) terminal_log("Redis at " + host_ + ":" + std::to_string(port_) + " is away: " + why);
  told_ = true;
}

}  // namespace workshop
