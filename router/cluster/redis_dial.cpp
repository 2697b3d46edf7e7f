#include "cluster/redis_dial.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <memory>

#include "cluster/channels.hpp"

namespace crosspoint::cluster {
namespace {

constexpr timeval kTimeout{2, 0};  // for connecting, and for each answer

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<redisReply, Free>;

Reply ask(redisContext& context, const std::vector<std::string>& command, std::string& problem) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  for (const std::string& part : command) {
    parts.push_back(part.data());
    sizes.push_back(part.size());
  }
  Reply reply(
      static_cast<redisReply*>(redisCommandArgv(&context, static_cast<int>(parts.size()), parts.data(), sizes.data())));
  if (!reply) {
    problem = static_cast<const char*>(context.errstr);
  } else if (reply->type == REDIS_REPLY_ERROR) {
    problem = fmt::format("{}: {}", command[0], std::string_view(reply->str, reply->len));
    reply.reset();
  }
  return reply;
}

Context open(const settings::RedisUrl& url, std::string& problem) {
  Context context(redisConnectWithTimeout(url.host.c_str(), url.port, kTimeout));
  if (!context) {
    problem = "out of memory";
    return nullptr;
  }
  if (context->err != 0) {
    problem = static_cast<const char*>(context->errstr);
    return nullptr;
  }
  redisSetTimeout(context.get(), kTimeout);
  std::vector<std::vector<std::string>> commands;
  if (!url.password.empty()) {
    commands.push_back(url.user.empty() ? std::vector<std::string>{"AUTH", url.password}
                                        : std::vector<std::string>{"AUTH", url.user, url.password});
  }
  if (url.database != 0) commands.push_back({"SELECT", std::to_string(url.database)});
  commands.push_back({"PING"});  // also tells whether it is still loading its data
  const bool good = std::all_of(commands.begin(), commands.end(),
                                [&](const auto& command) { return ask(*context, command, problem) != nullptr; });
  return good ? std::move(context) : nullptr;
}

}  // namespace

int dial_redis(const settings::RedisUrl& url, const std::string& name, std::string& problem) {
  Context context = open(url, problem);
  if (!context || !ask(*context, {"CLIENT", "SETNAME", name}, problem)) return -1;
  redisEnableKeepAlive(context.get());
  const int fd = redisFreeKeepFd(context.release());
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

bool ask_nodes(const settings::RedisUrl& url, const std::string& prefix, std::vector<std::string>& out,
               std::string& problem) {
  const Channels channels(prefix);
  const Context context = open(url, problem);
  const Reply ids = context ? ask(*context, {"SMEMBERS", channels.nodes()}, problem) : nullptr;
  if (!ids) return false;
  for (std::size_t i = 0; i < ids->elements; ++i) {
    const std::string id(ids->element[i]->str, ids->element[i]->len);
    const Reply there = ask(*context, {"EXISTS", channels.node(id)}, problem);
    if (!there) return false;
    if (there->integer != 0) out.push_back(id);
  }
  std::sort(out.begin(), out.end());
  return true;
}

}  // namespace crosspoint::cluster
