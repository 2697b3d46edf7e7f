#include <fmt/core.h>
#include <openssl/crypto.h>
#include <zlib.h>
#include <boost/version.hpp>

#include "cli/commands.hpp"
#include "node/version.hpp"

namespace crosspoint::cli {

void add_version(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("version", "say which version this is, and of what it is made");
  command->callback([&invocation] {
    invocation.run = [] {
      fmt::print(" Crosspoint        : {}\n", node::kVersion);
      fmt::print("   WAMP            : basic profile; serializers json, msgpack, cbor\n");
      fmt::print("   Compiler        : {}\n", __VERSION__);
      fmt::print("   Boost           : {}.{}.{}\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                 BOOST_VERSION % 100);
      fmt::print("   TLS library     : {}\n", OpenSSL_version(OPENSSL_VERSION));
      fmt::print("   zlib            : {}\n", zlibVersion());
      return kOk;
    };
  });
}

}  // namespace crosspoint::cli
