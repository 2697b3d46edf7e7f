#include <hiredis/hiredis.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "cluster/link.hpp"

/// Registrations and calls, between the router, Rpc and Redis.
namespace crosspoint::cluster {
namespace {

/// How long nodes that send too much wait, at least.
constexpr std::chrono::milliseconds kStreamPause{5};

/// Puts the microseconds of Redis' own clock in front of a message. All nodes get the messages in the order in which
/// the script has run.
constexpr std::string_view kPublishWithTime =
    "local t = redis.call('TIME') "
    "return redis.call(ARGV[2], KEYS[1], string.format('%d%06d ', t[1], t[2]) .. ARGV[1])";

}  // namespace

void Link::Port::claim(realm::Claim claim) { link_.hand_over(NewClaim{number_, std::move(claim)}); }

void Link::Port::release(std::uint64_t number) { link_.hand_over(Release{number}); }

void Link::Port::catch_up(unsigned shard, std::uint64_t number) { link_.hand_over(CatchUp{number_, shard, number}); }

void Link::Port::send(realm::ShardMessage message) {
  link_.unanswered_bytes_.fetch_add(realm::size_of(message), std::memory_order_relaxed);
  link_.hand_over(ShardPost{number_, std::move(message)});
}

void Link::take(NewClaim& claim) {
  const std::string& name = ports_[claim.realm]->realm_.name();
  rpc_.registrations().claim(name, std::move(claim.claim), base::microseconds_now());
}

void Link::take(const Release& release) { rpc_.registrations().release(release.number); }

void Link::take(ShardPost& post) {
  unanswered_bytes_.fetch_sub(realm::size_of(post.message), std::memory_order_relaxed);
  rpc_.calls().take(post.realm, std::move(post.message));
}

void Link::announce(std::string_view kind, std::string_view text, std::uint64_t claim) {
  if (!commands_) return;  // lose() comes next, or has come
  const std::string message = write_node_message(sender_, kind, text);
  if (claim == 0) return command({publish_command(), channels_.all(), message});
  command({"EVAL", kPublishWithTime, "1", channels_.all(), message, publish_command()}, 0,
          [this, claim](const redisReply& reply) {
            if (reply.type == REDIS_REPLY_ERROR) rpc_.registrations().claim_lost(claim);
          });
}

void Link::send_to(const std::string& address, std::string_view kind, std::string_view text) {
  if (!commands_) return;  // likewise
  const std::string message = write_node_message(sender_, kind, text);
  unanswered_bytes_.fetch_add(message.size(), std::memory_order_relaxed);
  command({publish_command(), channels_.private_of(address), message}, message.size(),
          [this, address](const redisReply& reply) {
            if (reply.type == REDIS_REPLY_INTEGER && reply.integer == 0) on_undelivered(address);
          });
}

void Link::deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) {
  deliver(*ports_[realm], shard, std::move(message));
}

void Link::ask_for_registrations() {
  command({"PUBSUB", masters_ ? "SHARDNUMSUB" : "NUMSUB", channels_.nodes()}, 0, [this](const redisReply& reply) {
    const bool counted = reply.type == REDIS_REPLY_ARRAY && reply.elements == 2;
    const long long nodes = counted ? reply.element[1]->integer : 1;  // this one is among them
    rpc_.registrations().expect(static_cast<std::size_t>(std::max(nodes - 1, 0LL)),
                                Clock::now() + Members::kMissed * heartbeat_);
    announce(Members::Word::hello);
  });
}

void Link::on_undelivered(const std::string& address) {
  const std::size_t slash = address.rfind('/');
  const std::string id = address.substr(0, slash);
  const std::string start = address.substr(slash + 1);
  if (!members_.forget(id, start)) return;
  log::warn("Cluster: node \"{}\" does not hear what it is sent: it is gone", id);
  lose_node(id, start);
  describe_state();
}

bool Link::on_rpc(std::string_view from, std::string_view kind, std::string_view text, std::uint64_t order) {
  if (kind == Calls::kRpc || kind == Calls::kTaken) {
    const std::string_view problem = rpc_.calls().heard(from, kind, text);
    if (!problem.empty()) complain(channels_.private_of(sender_), problem);
    watch_streams();
    return true;
  }
  for (const std::string_view own : {Registrations::kClaim, Registrations::kRelease, Registrations::kBegin,
                                     Registrations::kHave, Registrations::kEnd}) {
    if (kind != own) continue;
    need_turn_end();
    if (!rpc_.registrations().heard(from, kind, text, order)) {
      complain(channels_.all(), "what it says of registrations cannot be read");
    }
    return true;
  }
  return false;
}

void Link::watch_streams() {
  if (watching_streams_ || !rpc_.calls().holds_streams()) return;
  watching_streams_ = true;
  io_.after(kStreamPause, [this] {
    watching_streams_ = false;
    rpc_.calls().look_at_streams();
    watch_streams();
  });
}

}  // namespace crosspoint::cluster
