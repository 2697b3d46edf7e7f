#include "support/test_realm.hpp"

#include "realm/cluster_port.hpp"

#include <sstream>

#include "wamp/errors.hpp"

namespace crosspoint::test {
namespace {

class RuleAuthorizer final : public realm::Authorizer {
 public:
  explicit RuleAuthorizer(std::vector<std::string> allowed) {
    for (const auto& line : allowed) {
      std::istringstream words(line);
      std::string action, uri, disclose;
      words >> action >> uri >> disclose;
      rules_[action + " " + uri] = !disclose.empty();
    }
  }
  realm::Decision decide(std::string_view uri, realm::Action action) const override {
    const auto rule = rules_.find(std::string(to_string(action)) + " " + std::string(uri));
    if (rule == rules_.end()) return {};
    return {true, rule->second};
  }

 private:
  std::map<std::string, bool> rules_;
};

std::string text_of(const serializers::EncodedMessage& message) {
  std::string text(base::as_text(message.head));
  text += base::as_text(message.payload);
  return text += message.tail;
}

}  // namespace

std::unique_ptr<const realm::Authorizer> rules(std::vector<std::string> allowed) {
  return std::make_unique<RuleAuthorizer>(std::move(allowed));
}

TestRealm::TestRealm(unsigned shards, realm::RealmOptions options, std::uint64_t seed)
    : realm_("realm1", options, shards, seed), outboxes_(shards), mail_(shards) {
  for (auto& boxes : mail_) boxes.resize(shards);
  realm_.add_role("user", realm::make_fixed_authorizer({true, false}));
}

TestClient& TestRealm::join(unsigned shard, std::string authid, std::string role, const realm::Announced& announced) {
  auto client = std::make_unique<TestClient>(*this, shard);
  auto identity = std::make_shared<realm::Identity>();
  identity->session = 1000 + clients_.size();
  identity->authid = std::move(authid);
  identity->authrole = role;
  client->session_ = realm_.shard(shard).join(*client, identity, *realm_.find_role(role), announced);
  clients_.push_back(std::move(client));
  realm_.shard(shard).announce(*clients_.back()->session_, outboxes_[shard]);
  deliver(shard);
  return *clients_.back();
}

void TestRealm::deliver(unsigned shard) {
  realm::Outbox& out = outboxes_[shard];
  serializers::EncodedMessage encoded;
  for (const auto& item : out.items()) {
    if (!encoder_.encode(item.message, wamp::Encoding::json, encoded)) throw std::runtime_error("cannot be encoded");
    const auto message = nlohmann::json::parse(text_of(encoded));
    if (item.to != nullptr) static_cast<TestClient&>(*item.to->peer).inbox_.push_back(message);
    for (std::uint32_t i = 0; i < item.receiver_count; ++i) {
      static_cast<TestClient&>(*out.receivers()[item.first_receiver + i]->peer).inbox_.push_back(message);
    }
  }
  for (auto& post : out.posts()) {
    if (post.shard == realm::kOtherNode) {
      realm_.directory().cluster->send(std::move(post.message));
    } else {
      mail_[shard][post.shard].push_back(std::move(post.message));
    }
  }
  for (const auto& denial : out.denials()) {
    denials.push_back(std::string(to_string(denial.action)) + " " + denial.uri + " " + std::string(denial.reason));
  }
  for (const auto& farewell : out.farewells()) {
    if (auto* session = realm_.shard(shard).sessions().find(farewell.session)) {
      static_cast<TestClient&>(*session->peer).farewells.push_back(farewell.reason + " " + farewell.message);
    }
  }
  for (const auto& piece : out.pieces()) {
    auto* session = realm_.shard(shard).sessions().find(piece.sender);
    if (session != nullptr) static_cast<TestClient&>(*session->peer).streams_to_.insert(piece.to);
  }
  const auto resumed = out.resumed();
  for (const auto& timer : out.timers()) {
    const std::uint64_t number = timer.number * outboxes_.size() + shard;
    if (timer.milliseconds != 0) {
      timers[number] = timer;
    } else {
      timers.erase(number);
    }
  }
  out.clear();
  for (const auto& each : resumed) {
    auto* session = realm_.shard(shard).sessions().find(each.session);
    if (session != nullptr) static_cast<TestClient&>(*session->peer).resume();
  }
}

void TestRealm::time_out(unsigned shard, std::uint64_t number) {
  fire(shard, number);
  settle();
}

void TestRealm::fire(unsigned shard, std::uint64_t number) {
  const auto timer = timers.at(number);
  timers.erase(number);
  realm_.shard(shard).time_out(timer, outboxes_[shard]);
  deliver(shard);
}

void TestRealm::undelivered_result(TestClient& caller, wamp::RequestId request) {
  const unsigned shard = caller.shard();
  realm_.shard(shard).result_undelivered(caller.session(), request, wamp::kPayloadSizeExceeded, "too long",
                                         outboxes_[shard]);
  deliver(shard);
  settle();
}

bool TestRealm::carry(unsigned from, unsigned to) {
  auto& mail = mail_[from][to];
  if (mail.empty()) return false;
  const realm::ShardMessage message = std::move(mail.front());
  mail.pop_front();
  realm_.shard(to).deliver(message, outboxes_[to]);
  deliver(to);
  return true;
}

void TestRealm::settle() {
  bool again = true;
  while (again) {
    again = false;
    for (unsigned from = 0; from < mail_.size(); ++from) {
      for (unsigned to = 0; to < mail_.size(); ++to) {
        while (carry(from, to)) again = true;
      }
    }
  }
}

std::string TestClient::send(std::string_view json) {
  // Behind a message that waits for other nodes comes all but what answers invocations.
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  const int type = parsed.is_array() && !parsed.empty() && parsed[0].is_number() ? parsed[0].get<int>() : 0;
  if (!behind_.empty() && type != 70 && type != 8) return behind_.emplace_back(json), std::string();
  return handle(json);
}

void TestClient::resume() {
  session_->caught_up = true;
  for (bool more = true; more && !behind_.empty();) {
    const std::string message = std::move(behind_.front());
    behind_.pop_front();
    const std::size_t before = behind_.size();
    handle(message);
    more = behind_.size() == before;
  }
}

std::string TestClient::handle(std::string_view json) {
  // In memory of its own, of exact size, so that AddressSanitizer sees who reads beyond it or after it.
  const std::vector<std::uint8_t> bytes(json.begin(), json.end());
  serializers::Scratch scratch;
  wamp::Message message;
  if (const auto problem = serializers::decode(wamp::Encoding::json, bytes, scratch, message); !problem.empty()) {
    return std::string(problem);
  }
  realm::Shard& shard = owner_.realm_.shard(shard_);
  const std::string problem(shard.receive(*session_, message, owner_.outboxes_[shard_]));
  question_.clear();
  if (const auto& question = shard.question()) {
    if (!owner_.outboxes_[shard_].empty()) throw std::runtime_error("a message that waits has done something");
    question_ = std::string(to_string(question->action)) + " " + std::string(question->uri) + " " +
                std::string(base::as_text(question->options.bytes));
    asked_ = json;
    asked_question_ = *question;
  } else if (shard.must_catch_up()) {
    if (!owner_.outboxes_[shard_].empty()) throw std::runtime_error("a message that waits has done something");
    behind_.emplace_front(json);
  } else {
    session_->verdict.reset();
    session_->caught_up = false;
  }
  owner_.deliver(shard_);
  return problem;
}

std::string TestClient::answer(const nlohmann::json& value, std::string problem) {
  auto verdict = std::make_unique<realm::Verdict>(realm::read_verdict(value));
  verdict->action = asked_question_.action;
  verdict->uri = asked_question_.uri;
  verdict->version = asked_question_.version;
  verdict->earlier = std::move(session_->verdict);
  if (!problem.empty()) verdict->problem = std::move(problem);
  session_->verdict = std::move(verdict);
  return send(std::string(asked_));
}

nlohmann::json TestClient::take() {
  if (inbox_.empty()) return nullptr;
  nlohmann::json message = std::move(inbox_.front());
  inbox_.pop_front();
  return message;
}

nlohmann::json TestClient::last() {
  nlohmann::json message;
  while (waiting() > 0) message = take();
  return message;
}

bool TestClient::held_back() {
  std::erase_if(streams_to_, [](const auto& intake) { return !intake->congested(); });
  return !streams_to_.empty();
}

void TestClient::leave() {
  const realm::Session* gone = session_;
  owner_.realm_.shard(shard_).leave(*session_, owner_.outboxes_[shard_]);
  session_ = nullptr;
  for (const auto& item : owner_.outboxes_[shard_].items()) {
    if (item.to == gone) throw std::runtime_error("something was sent to a session that is gone");
  }
  owner_.deliver(shard_);
}

}  // namespace crosspoint::test
