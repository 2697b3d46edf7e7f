#include <catch2/catch.hpp>

#include <time.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "auth/bytes.hpp"
#include "auth/ed25519.hpp"
#include "auth/methods.hpp"

// A wrong name takes the way of a wrong secret: the same verdicts in the same order, in the same CPU time. Times are of
// this thread alone, medians of attempts that alternate, and what differs must do so each time to count.

using namespace crosspoint;
using namespace crosspoint::auth;
using nlohmann::json;

namespace {

constexpr int kAttempts = 51;
constexpr int kMeasurements = 5;
constexpr double kMostDifference = 1.5;

const std::string kHex = std::string(64, 'a');
const std::string kMessage(32, 'm');
/// Well formed, and of nobody's key: so it is verified to the end.
const std::string kSignature = to_hex(sign_ed25519(std::string(32, 'x'), kMessage) + kMessage);
const std::string kProof = to_base64(std::string(32, 'p'));
const std::string kNonce = json{{"nonce", "AAECAwQFBgcICQoLDA0ODw=="}}.dump();

/// What one attempt is made of.
struct Attempt {
  const Method& method;
  std::string authid;
  std::string answer;
  json record{};  ///< what a dynamic authenticator returns for the name
};

/// The verdicts of an attempt, as one letter each: Challenge, Denied, Ask.
std::string run(const Attempt& attempt) {
  const auto authenticator = attempt.method.make_authenticator();
  std::string way;
  auto verdict = authenticator->begin({"realm1", attempt.authid, kNonce, 12345, "2026-01-02T03:04:05.678Z"});
  for (;;) {
    way += "CADQN"[verdict.index()];
    if (std::holds_alternative<Ask>(verdict)) {
      verdict = authenticator->on_reply({"", "", attempt.record});
    } else if (std::holds_alternative<Challenge>(verdict)) {
      verdict = authenticator->answer(attempt.answer);
    } else {
      return way;
    }
  }
}

double cpu_time(const Attempt& attempt) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  };
  const double before = now();
  run(attempt);
  return now() - before;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + kAttempts / 2, values.end());
  return values[kAttempts / 2];
}

/// How many times as long the slower of two takes.
double difference(const Attempt& one, const Attempt& other) {
  std::vector<double> times, others;
  for (int i = 0; i < kAttempts; ++i) {
    times.push_back(cpu_time(one));
    others.push_back(cpu_time(other));
  }
  const double ratio = median(times) / median(others);
  return std::max(ratio, 1 / ratio);
}

/// The least of several measurements: what is there each time.
double lasting_difference(const Attempt& one, const Attempt& other) {
  double least = difference(one, other);
  for (int i = 1; i < kMeasurements && least > kMostDifference; ++i) least = std::min(least, difference(one, other));
  return least;
}

void require_same_way(const Attempt& wrong_name, const Attempt& wrong_secret, const std::string& way) {
  REQUIRE(run(wrong_name) == way);
  REQUIRE(run(wrong_secret) == way);
  REQUIRE(lasting_difference(wrong_name, wrong_secret) < kMostDifference);
}

settings::StaticWampCra salted_user() {
  settings::StaticWampCra users;
  users.users["ann"] = {"secret", "user", "0123abcdef", 1000, 32};
  return users;
}

json scram_record(const char* kdf) {
  return {{"kdf", kdf},         {"iterations", 4096}, {"memory", 512}, {"salt", std::string(32, 'b')},
          {"stored-key", kHex}, {"server-key", kHex}, {"role", "user"}};
}

}  // namespace

TEST_CASE("these times would show the key derivation of salted WAMP-CRA") {
  settings::StaticWampCra plain;
  plain.users["joe"] = {"secret", "user", {}, {}, {}};
  REQUIRE(lasting_difference({*make_wampcra(salted_user()), "ann", "x"}, {*make_wampcra(plain), "joe", "x"}) > 3);
}

TEST_CASE("a wrong name takes as long as a wrong secret: users of the configuration") {
  settings::StaticTicket tickets;
  tickets.principals["joe"] = {"right", "user"};
  const auto ticket = make_ticket(tickets);
  require_same_way({*ticket, "eve", "wrong"}, {*ticket, "joe", "wrong"}, "CD");

  const auto wampcra = make_wampcra(salted_user());
  require_same_way({*wampcra, "eve", "wrong"}, {*wampcra, "ann", "wrong"}, "CD");

  for (const char* kdf : {"pbkdf2", "argon2id-13"}) {
    settings::StaticScram users;
    users.principals["joe"] = {kdf, 4096, 512, std::string(32, 'b'), kHex, kHex, "user"};
    const auto scram = make_scram(users);
    require_same_way({*scram, "eve", kProof}, {*scram, "joe", kProof}, "CD");
  }

  settings::StaticCryptosign keys;
  for (const char key : {'a', 'b', 'c'}) {
    keys.principals["joe"].authorized_keys.push_back(to_hex(ed25519_public_key(std::string(32, key))));
  }
  keys.principals["joe"].role = "user";
  const auto cryptosign = make_cryptosign(keys);
  require_same_way({*cryptosign, "eve", kSignature}, {*cryptosign, "joe", kSignature}, "CD");
}

TEST_CASE("a wrong name takes as long as a wrong secret: a dynamic authenticator that returns a record for both") {
  settings::DynamicAuth settings;
  settings.authenticator = "com.auth";
  const json nobody_s_secret{
      {"secret", "5f0c9a"}, {"salt", "s"}, {"iterations", 1000}, {"keylen", 32}, {"role", "user"}};
  json ann_s_secret = nobody_s_secret;
  ann_s_secret["secret"] = "prq7+YkJ1";
  const auto wampcra = make_dynamic_wampcra(settings);
  require_same_way({*wampcra, "eve", "wrong", nobody_s_secret}, {*wampcra, "ann", "wrong", ann_s_secret}, "QCD");

  const auto scram = make_dynamic_scram(settings);
  for (const char* kdf : {"pbkdf2", "argon2id-13"}) {
    require_same_way({*scram, "eve", kProof, scram_record(kdf)}, {*scram, "joe", kProof, scram_record(kdf)}, "QCD");
  }

  const auto key = [](char seed) {
    return json{{"pubkey", to_hex(ed25519_public_key(std::string(32, seed)))}, {"role", "user"}};
  };
  const auto cryptosign = make_dynamic_cryptosign(settings);
  require_same_way({*cryptosign, "eve", kSignature, key('e')}, {*cryptosign, "joe", kSignature, key('j')}, "QCD");

  // A ticket is shown to the procedure, which says no to both. Everybody is asked for one before.
  const auto ticket = make_dynamic_ticket(settings);
  require_same_way({*ticket, "eve", "wrong", json()}, {*ticket, "joe", "wrong", json()}, "CQD");
}
