#include <catch2/catch.hpp>

#include <algorithm>

#include "guests/command.hpp"

using namespace crosspoint;
using guests::find_command;

namespace {

settings::GuestWorker guest(std::string executable) {
  settings::GuestWorker guest;
  guest.executable = std::move(executable);
  guest.workdir = "/bin";
  return guest;
}

const std::vector<std::string> kEnvironment{"PATH=/nowhere:/usr/bin", "A=1", "B=2"};

bool has(const guests::Command& command, const std::string& entry) {
  return std::find(command.environment.begin(), command.environment.end(), entry) != command.environment.end();
}

}  // namespace

TEST_CASE("an executable is looked for in the working directory, then in PATH") {
  std::string problem;
  REQUIRE(find_command(guest("sh"), kEnvironment, problem)->program == "/bin/sh");
  REQUIRE(find_command(guest("../bin/sh"), kEnvironment, problem)->program == "/bin/sh");
  REQUIRE(find_command(guest("/bin/sh"), kEnvironment, problem)->program == "/bin/sh");
  auto elsewhere = guest("env");
  elsewhere.workdir = "/etc";
  REQUIRE(find_command(elsewhere, kEnvironment, problem)->program == "/usr/bin/env");
  REQUIRE_FALSE(find_command(guest("no-such-program"), kEnvironment, problem));
  REQUIRE(problem == "could not find an executable for 'no-such-program' in /bin and PATH");
  elsewhere.executable = "passwd";  // a file, but no program
  REQUIRE(find_command(elsewhere, kEnvironment, problem)->program == "/usr/bin/passwd");
  elsewhere.workdir = "/no/such/directory";
  REQUIRE_FALSE(find_command(elsewhere, kEnvironment, problem));
  REQUIRE(problem == "the working directory /no/such/directory is not there");
}

TEST_CASE("a guest inherits all, some or none of the environment, and gets variables of its own") {
  std::string problem;
  auto settings = guest("sh");
  settings.environment = {{"A", "mine"}, {"C", "3"}};
  const auto all = find_command(settings, kEnvironment, problem);
  REQUIRE((has(*all, "A=mine") && has(*all, "B=2") && has(*all, "C=3") && has(*all, "PATH=/nowhere:/usr/bin")));
  REQUIRE(has(*all, "PYTHONUNBUFFERED=1"));
  settings.inherited = {"B"};
  const auto some = find_command(settings, kEnvironment, problem);
  REQUIRE((has(*some, "A=mine") && has(*some, "B=2") && has(*some, "C=3")));
  REQUIRE(some->environment.size() == 4);
  settings.inherited.clear();
  settings.inherit_environment = false;
  settings.environment["PYTHONUNBUFFERED"] = "0";
  const auto none = find_command(settings, kEnvironment, problem);
  REQUIRE(none->environment == std::vector<std::string>{"A=mine", "C=3", "PYTHONUNBUFFERED=0"});
}
