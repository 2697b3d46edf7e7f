#include <cstdio>
#include <exception>
#include <iostream>

#include "cli/commands.hpp"

namespace {

using namespace crosspoint::cli;

int run(int argc, char** argv) {
  CLI::App app{"Crosspoint: a WAMP router that reads a Crossbar.io node directory", "crosspoint"};
  app.require_subcommand(0, 1);
  Invocation invocation;
  invocation.argv.assign(argv, argv + argc);
  for (const auto add :
       {add_init, add_start, add_stop, add_restart, add_status, add_check, add_upgrade, add_keygen, add_version}) {
    add(app, invocation);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    complain(error.what());
    return kUsage;
  }
  if (invocation.run) return invocation.run();
  std::cout << app.help();
  return kOk;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    complain(error.what());
    return kFailed;
  }
}
