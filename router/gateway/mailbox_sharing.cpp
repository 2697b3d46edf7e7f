#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "gateway/mailbox_procedures.hpp"
#include "gateway/receivers_text.hpp"
#include "wamp/errors.hpp"

/// What MailboxProcedures does if nodes share the mailboxes.
namespace crosspoint::gateway {
namespace {

/// What a keeper takes off its time, for what is under way when that ends.
constexpr auto kHoldMargin = std::chrono::seconds(1);
/// How long a node that is not there keeps its receivers: it may only have been cut off, or be one not heard of yet.
constexpr auto kReturnTime = std::chrono::seconds(10);

}  // namespace

void MailboxProcedures::pass_on(const char* name, const Call& call) {
  using Outcome = NodeCalls::Outcome;
  if (keeper_.empty() || keeper_ == hub_.others()->address()) {
    return refuse(call.asker(), wamp::kUnavailable, "no node keeps the mailboxes at the moment");
  }
  hub_.others()->ask(keeper_, "mail", {name, call.arguments, call.keyword_arguments},
                     [this, asker = call.asker()](Outcome outcome, const nlohmann::json& answer) {
                       if (outcome == Outcome::answered && answer.is_array() && answer.size() == 1) {
                         return yield(asker, answer[0]);
                       }
                       const bool refused = outcome == Outcome::answered && answer.is_array() && answer.size() == 2 &&
                                            answer[0].is_string() && answer[1].is_string();
                       if (refused) return refuse(asker, answer[0].get<std::string>(), answer[1].get<std::string>());
                       refuse(asker, wamp::kUnavailable, "the node that keeps the mailboxes does not answer");
                     });
}

void MailboxProcedures::take_in(const NodeCalls::Request& request) {
  const nlohmann::json& given = request.arguments;
  const bool good = given.size() == 3 && given[0].is_string() && given[1].is_array() && given[2].is_object();
  const auto at = good ? handlers_.find(given[0].get_ref<const std::string&>()) : handlers_.end();
  if (at == handlers_.end()) return hub_.others()->answer(request, std::nullopt);
  const Call call{{request.number, given[1], given[2]}, request.from};
  if (keeps()) return run(at->second, call);
  refuse(call.asker(), wamp::kUnavailable, "no node keeps the mailboxes at the moment");
}

void MailboxProcedures::take_news(const storage::MailboxWriter::News& news) {
  const std::string& own = hub_.others()->address();
  if (!news.problem.empty()) {
    if (news.problem != last_problem_) log::warn("realm \"{}\": mailboxes: {}", hub_.realm(), news.problem);
    last_problem_ = news.problem;
    return;
  }
  last_problem_.clear();
  carrier_.begin_term(news.term);
  if (!news.hold.ours) {
    if (keeper_ == own) {
      mailboxes_.clear();
      carrier_.deliver_until({});
    }
    if (keeper_ != news.hold.keeper) {
      log::info("realm \"{}\": node {} keeps the mailboxes", hub_.realm(), news.hold.keeper);
    }
    return set_keeper(news.hold.keeper);
  }
  carrier_.deliver_until(news.since + storage::kHoldTime - kHoldMargin);
  if (news.hold.anew) {
    log::info("realm \"{}\": this node keeps the mailboxes, {} of them", hub_.realm(), news.stored.size());
    mailboxes_.clear();
    mailboxes_.restore(news.stored, base::milliseconds_now(), news.hold.last_id);
    absent_.clear();
  }
  set_keeper(own);
  if (news.hold.anew) look_for_receivers();
  carrier_.work();
}

void MailboxProcedures::set_keeper(const std::string& address) {
  keeper_ = address;
  elsewhere_->set_keeper(address);
}

void MailboxProcedures::look_for_receivers() {
  if (!shared_ || !keeps()) return;
  using Outcome = NodeCalls::Outcome;
  std::map<std::uint64_t, std::vector<std::string>> by_node;
  for (const Receiver& receiver : mailboxes_.receivers()) {
    if (receiver.kind == Receiver::Kind::connection) {
      by_node[node_of(receiver, hub_.node())].push_back(receiver.name);
    }
  }
  for (const auto& [node, ids] : by_node) {
    elsewhere_->find_missing(node, ids,
                             [this, node = node, ids = ids](Outcome outcome, const std::vector<std::string>& missing) {
                               if (!keeps() || outcome == Outcome::unavailable) return;
                               if (outcome == Outcome::no_such_node && !is_absent_for_good(node)) return;
                               for (const std::string& id : outcome == Outcome::no_such_node ? ids : missing) {
                                 mailboxes_.gone({Receiver::Kind::connection, id, {}}, base::milliseconds_now());
                               }
                               absent_.erase(node);
                               carrier_.work();
                             });
  }
}

bool MailboxProcedures::is_absent_for_good(std::uint64_t node) {
  const auto since = absent_.try_emplace(node, io_.now()).first->second;
  const auto left = since + kReturnTime - io_.now();
  if (left <= std::chrono::steady_clock::duration::zero()) return true;
  io_.after(left, [this] { look_for_receivers(); });
  return false;
}

}  // namespace crosspoint::gateway
