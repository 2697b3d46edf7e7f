#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

/// X.509 certificates of clients, as DER.
namespace crosspoint::auth {

enum class Fingerprint { md5, sha1, sha256 };

/// The digest of a certificate, as upper-case hexadecimal digits with a colon between bytes: "3F:A0:...".
std::string fingerprint(std::string_view der, Fingerprint kind);

/// The common name of the subject; empty if it has none, or several.
std::string common_name(std::string_view der);

/// What authenticators are told of a certificate, with Crossbar's attributes: `md5`, `sha1`, `sha256`, `subject`,
/// `issuer` and so on. null if it is not one.
nlohmann::json describe_certificate(std::string_view der);

}  // namespace crosspoint::auth
