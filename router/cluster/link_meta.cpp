#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "cluster/link.hpp"
#include "cluster/publication_text.hpp"
#include "wamp/errors.hpp"

/// Questions of the meta API that go to other nodes, and those that come from there.
namespace crosspoint::cluster {
namespace {

constexpr std::string_view kQuestion = "question";
constexpr std::string_view kAnswer = "answer";

}  // namespace

void Link::Port::ask(unsigned shard, realm::NodeQuestion question) {
  link_.hand_over(Question{number_, shard, std::move(question)});
}

void Link::Port::answer(const realm::NodeQuestion& question, const realm::NodeAnswer& answer) {
  link_.send(question.from, kAnswer, write_answer(question.number, answer));
}

void Link::Port::publish(const realm::MetaEvent& event) {
  MetaPublication what{number_, event.topic == realm::MetaTopic::session_on_join, event.number, {}};
  if (link_.up_.load(std::memory_order_relaxed)) {
    wamp::Publish message;
    message.topic = event.publication->topic;
    message.payload = event.publication->payload;
    what.publication = {link_.channels_.topic(realm_.name(), message.topic),
                        write_text(link_.sender_, message, event.publication->id, nullptr)};
    const std::size_t bytes = size_of(what.publication.channel, what.publication.text);
    link_.unanswered_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  link_.hand_over(std::move(what));
}

void Link::take(const MetaPublication& event) {
  const auto send_on = [this](const Publication& publication) {
    if (!publication.text.empty()) take(publication);
  };
  Port& port = *ports_[event.realm];
  // As in Broker: on_join waits for nothing, since what the session publishes next does not.
  if (event.at_once) send_on(event.publication);
  auto& early = port.early_;
  early.emplace(event.place, event.at_once ? Publication() : event.publication);
  for (auto at = early.begin(); at != early.end() && at->first == port.last_meta_event_ + 1; at = early.erase(at)) {
    ++port.last_meta_event_;
    send_on(at->second);
  }
}

void Link::add_meta_handlers() {
  on_message(kQuestion, [this](std::string_view from, std::string_view text) { on_question(from, text); });
  on_message(kAnswer, [this](std::string_view from, std::string_view text) {
    std::uint64_t number = 0;
    realm::NodeAnswer answer;
    if (!read_answer(text, number, answer)) return complain(channels_.private_of(sender_), "it is no answer");
    questions_.answered(from, number, std::move(answer));
    give_answers();
  });
  on_gone([this](std::string_view address) {
    questions_.gone(address);
    give_answers();
  });
}

void Link::take(const Question& asked) {
  const auto others = members_.addresses();
  const MetaQuestions::Origin origin{asked.realm, asked.shard, asked.question.number};
  Port& port = *ports_[asked.realm];
  if (others.empty()) return deliver(port, asked.shard, realm::NodeAnswers{origin.number, {}});
  if (questions_.full()) return deliver(port, asked.shard, realm::NodeAnswers{origin.number, {}, true});
  realm::NodeQuestion question = asked.question;
  question.number = questions_.begin(origin, question.procedure, others, Clock::now() + heartbeat_);
  send({}, kQuestion, write_question(port.realm_.name(), question));
  if (!expiry_set_) set_expiry();
}

void Link::set_expiry() {
  expiry_set_ = !questions_.empty();
  if (!expiry_set_) return;
  const auto left = std::max(questions_.next_expiry() - Clock::now(), Clock::duration::zero());
  io_.after(left, [this] {
    questions_.expire(Clock::now());
    give_answers();
    set_expiry();
  });
}

void Link::give_answers() {
  for (MetaQuestions::Finished& finished : questions_.take_finished()) {
    Port& port = *ports_[finished.origin.realm];
    if (!finished.missing.empty()) {
      log::warn("Cluster: {} in realm \"{}\" is answered without node {}, which is slow or gone", finished.procedure,
                port.realm_.name(), fmt::join(finished.missing, ", "));
    }
    deliver(port, finished.origin.shard, realm::NodeAnswers{finished.origin.number, std::move(finished.answers)});
  }
}

void Link::on_question(std::string_view from, std::string_view text) {
  std::string_view name;
  realm::NodeQuestion question;
  if (!read_question(text, name, question)) return complain(channels_.all(), "it is no question");
  question.from = from;
  for (const auto& port : ports_) {
    if (port->realm_.name() != name) continue;
    const auto shard = static_cast<unsigned>(question.number % port->realm_.shard_count());
    return deliver(*port, shard, std::move(question));
  }
  const realm::NodeAnswer none{{}, std::string(wamp::kNoSuchRealm), "the realm is not clustered on this node"};
  send(question.from, kAnswer, write_answer(question.number, none));
}

}  // namespace crosspoint::cluster
