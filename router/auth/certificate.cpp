#include "auth/certificate.hpp"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cctype>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>

namespace crosspoint::auth {
namespace {

using nlohmann::json;

/// Larger numbers are not exact in every client.
constexpr std::int64_t kMostExact = std::int64_t{1} << 53;

template <auto Free>
struct Release {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, Release<X509_free>>;
using Output = std::unique_ptr<BIO, Release<BIO_free>>;

void free_openssl(void* memory) { OPENSSL_free(memory); }
template <class T>
using Memory = std::unique_ptr<T, Release<free_openssl>>;

Certificate parse(std::string_view der) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(der.data());
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

std::string utf8(const ASN1_STRING* text) {
  std::uint8_t* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, text);
  if (size < 0) return {};
  const Memory<std::uint8_t> owner(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

/// {"cn": "...", "o": "..."}
json name(const X509_NAME* from) {
  json out = json::object();
  for (int i = 0; i < X509_NAME_entry_count(from); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(from, i);
    const int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    std::string key = nid == NID_undef ? "undef" : OBJ_nid2sn(nid);
    for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    out[key] = utf8(X509_NAME_ENTRY_get_data(entry));
  }
  return out;
}

/// "20260102030405Z"
std::string time(const ASN1_TIME* from) {
  const std::unique_ptr<ASN1_GENERALIZEDTIME, Release<ASN1_GENERALIZEDTIME_free>> full(
      ASN1_TIME_to_generalizedtime(from, nullptr));
  return full ? utf8(full.get()) : std::string();
}

json serial(const ASN1_INTEGER* from) {
  std::int64_t number = 0;
  if (ASN1_INTEGER_get_int64(&number, from) == 1 && number >= -kMostExact && number <= kMostExact) return number;
  const std::unique_ptr<BIGNUM, Release<BN_free>> big(ASN1_INTEGER_to_BN(from, nullptr));
  const Memory<char> digits(big ? BN_bn2dec(big.get()) : nullptr);
  return digits ? json(digits.get()) : json();
}

json extensions(const X509* certificate) {
  json out = json::array();
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    const Output text(BIO_new(BIO_s_mem()));
    char* bytes = nullptr;
    if (X509V3_EXT_print(text.get(), extension, 0, 0) != 1) {
      ASN1_STRING_print(text.get(), X509_EXTENSION_get_data(extension));
    }
    const long size = BIO_get_mem_data(text.get(), &bytes);
    out.push_back({{"name", nid == NID_undef ? "UNDEF" : OBJ_nid2sn(nid)},
                   {"value", std::string(bytes, static_cast<std::size_t>(size))},
                   {"critical", X509_EXTENSION_get_critical(extension) != 0}});
  }
  return out;
}

}  // namespace

std::string fingerprint(std::string_view der, Fingerprint kind) {
  const EVP_MD* digest = kind == Fingerprint::md5 ? EVP_md5() : kind == Fingerprint::sha1 ? EVP_sha1() : EVP_sha256();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  if (EVP_Digest(der.data(), der.size(), bytes.data(), &size, digest, nullptr) != 1) return {};
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    if (i > 0) text += ':';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string common_name(std::string_view der) {
  const Certificate certificate = parse(der);
  if (!certificate) return {};
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (first < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) return {};
  return utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
}

json describe_certificate(std::string_view der) {
  const Certificate certificate = parse(der);
  if (!certificate) return nullptr;
  const X509* x509 = certificate.get();
  return {{"md5", fingerprint(der, Fingerprint::md5)},
          {"sha1", fingerprint(der, Fingerprint::sha1)},
          {"sha256", fingerprint(der, Fingerprint::sha256)},
          {"expired", X509_cmp_current_time(X509_get0_notAfter(x509)) < 0},
          {"hash", X509_subject_name_hash(certificate.get())},
          {"serial", serial(X509_get0_serialNumber(x509))},
          {"signature_algorithm", OBJ_nid2ln(X509_get_signature_nid(x509))},
          {"version", X509_get_version(x509)},
          {"not_before", time(X509_get0_notBefore(x509))},
          {"not_after", time(X509_get0_notAfter(x509))},
          {"extensions", extensions(x509)},
          {"subject", name(X509_get_subject_name(x509))},
          {"issuer", name(X509_get_issuer_name(x509))}};
}

}  // namespace crosspoint::auth
