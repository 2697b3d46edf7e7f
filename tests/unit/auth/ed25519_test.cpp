#include <catch2/catch.hpp>

#include <openssl/err.h>

#include "auth/bytes.hpp"
#include "auth/ed25519.hpp"

using namespace crosspoint::auth;

namespace {

std::string hex(std::string_view text) { return from_hex(text).value(); }

struct Known {
  const char *private_key, *public_key, *message, *signature;
};
// RFC 8032, section 7.1, tests 1 to 3.
const Known kKnown[]{
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "55141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "027beceea1ec40a"}};

}  // namespace

TEST_CASE("Ed25519 gives the known answers (RFC 8032, section 7.1)") {
  for (const auto& known : kKnown) {
    REQUIRE(to_hex(ed25519_public_key(hex(known.private_key))) == known.public_key);
    REQUIRE(to_hex(sign_ed25519(hex(known.private_key), hex(known.message))) == known.signature);
    REQUIRE(verify_ed25519(hex(known.public_key), hex(known.message), hex(known.signature)));
  }
}

TEST_CASE("a signature is of one key and one message only") {
  const auto& known = kKnown[2];
  const std::string signature = hex(known.signature);
  REQUIRE_FALSE(verify_ed25519(hex(kKnown[1].public_key), hex(known.message), signature));
  REQUIRE_FALSE(verify_ed25519(hex(known.public_key), hex("af83"), signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    REQUIRE_FALSE(verify_ed25519(hex(known.public_key), hex(known.message), changed));
  }
}

TEST_CASE("keys and signatures of other sizes are none, and leave no error behind for TLS to stumble over") {
  const auto& known = kKnown[0];
  REQUIRE_FALSE(verify_ed25519("", "", hex(known.signature)));
  REQUIRE_FALSE(verify_ed25519(hex(known.public_key), "", ""));
  REQUIRE_FALSE(verify_ed25519(hex(known.public_key), "", hex(known.signature) + "x"));
  REQUIRE_FALSE(verify_ed25519(std::string(32, '\xff'), "", hex(known.signature)));
  REQUIRE(sign_ed25519("short", "x").empty());
  REQUIRE(ed25519_public_key("short").empty());
  REQUIRE(ERR_peek_error() == 0);
}
