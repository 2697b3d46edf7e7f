#include "transports/tls_channel.hpp"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace crosspoint::transports {
namespace {

/// What fits into one record.
constexpr std::size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

/// Has the server's certificate checked against a name or an address, and tells the server the name (RFC 6066,
/// section 3, which has no addresses).
void expect_host(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1) return;
  ERR_clear_error();
  X509_VERIFY_PARAM_set1_host(rules, host.c_str(), host.size());
  SSL_set_tlsext_host_name(ssl, host.c_str());
}

}  // namespace

/// The socket as OpenSSL sees it.
struct TlsSocket {
  static TlsChannel& channel(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    TlsChannel& channel = TlsSocket::channel(bio);
    BIO_clear_retry_flags(bio);
    channel.more_ = channel.budget_ == 0;
    if (channel.empty_ || channel.more_) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const ssize_t got = ::recv(channel.fd_, out, static_cast<std::size_t>(size), 0);
    if (got < 0) {
      channel.empty_ = errno == EAGAIN;
      if (errno == EAGAIN || errno == EINTR) {
        BIO_set_retry_read(bio);
      } else {
        channel.error_ = errno;
      }
      return -1;
    }
    channel.budget_ -= std::min(channel.budget_, static_cast<std::size_t>(got));
    channel.ended_ = got == 0;
    // Less than asked for is all there was; the kernel will tell when there is more, but not after the last byte.
    channel.empty_ = got < size && !channel.hung_up_;
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    TlsSocket::channel(bio).wire_.append_spread(
        {reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(size)});
    return size;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return TlsSocket::channel(bio).ended_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* make_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    BIO_meth_set_read(method, read);
    BIO_meth_set_write(method, write);
    BIO_meth_set_ctrl(method, control);
    return method;
  }
};

void TlsChannel::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsChannel::TlsChannel(ssl_ctx_st* context, int fd, const std::string& host) : ssl_(SSL_new(context)), fd_(fd) {
  static BIO_METHOD* const method = TlsSocket::make_method();
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (SSL_is_server(ssl_.get()) != 0) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  if (!host.empty()) expect_host(ssl_.get(), host);
  SSL_do_handshake(ssl_.get());  // writes the first message
}

TlsChannel::~TlsChannel() = default;

ssize_t TlsChannel::receive(std::uint8_t* out, std::size_t size, bool hung_up) {
  hung_up_ = hung_up;
  empty_ = false;
  more_ = false;
  budget_ = kMaxWire;
  std::size_t got = 0;
  while (got < size && !failed_ && !ended_ && error_ == 0) {
    // A peer may have answers sent (to requests for new keys) that it does not read.
    if (wire_.bytes() > 2 * kMaxWire) {
      problem_ = "TLS: the peer does not read what is sent to it";
      failed_ = true;
      break;
    }
    ERR_clear_error();
    std::size_t part = 0;
    const int read = SSL_read_ex(ssl_.get(), out + got, size - got, &part);
    established_ = established_ || SSL_is_init_finished(ssl_.get()) != 0;
    if (read == 1) {
      got += part;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), 0);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      if (empty_ || more_) break;  // else the call was interrupted
    } else if (error == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
    } else if (!ended_ && error_ == 0) {
      fail();
    }
  }
  if (got > 0) return static_cast<ssize_t>(got);
  if (failed_) {
    errno = EPROTO;
    return -1;
  }
  if (ended_) return 0;
  errno = error_ != 0 ? error_ : EAGAIN;
  return -1;
}

void TlsChannel::fail() {
  failed_ = true;
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  problem_ =
      std::string(established_ ? "TLS: " : "TLS handshake failed: ") + (reason != nullptr ? reason : "unknown error");
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) problem_ += std::string(" (") + X509_verify_cert_error_string(verdict) + ")";
  ERR_clear_error();
}

void TlsChannel::write(const std::uint8_t* bytes, std::size_t size) {
  ERR_clear_error();
  std::size_t written = 0;
  // The queue takes everything, so that this can only fail for good.
  if (SSL_write_ex(ssl_.get(), bytes, size, &written) != 1) fail();
}

void TlsChannel::encrypt(base::OutQueue& plain) {
  if (!established_ || shut_down_) return;
  std::array<std::uint8_t, kRecord> record;
  std::array<iovec, 64> pieces;
  while (!plain.empty() && wire_.bytes() < kMaxWire && !failed_) {
    const std::size_t count = plain.gather(pieces);
    const auto* first = static_cast<const std::uint8_t*>(pieces[0].iov_base);
    std::size_t size = std::min(pieces[0].iov_len, kMaxWire);
    if (count == 1 || size >= kRecord) {
      if (count > 1) size -= size % kRecord;  // the rest shares a record with what follows
      write(first, size);
    } else {
      size = 0;
      for (std::size_t i = 0; i < count && size < record.size(); ++i) {
        const std::size_t part = std::min(pieces[i].iov_len, record.size() - size);
        std::memcpy(record.data() + size, pieces[i].iov_base, part);
        size += part;
      }
      write(record.data(), size);
    }
    plain.consume(size);
  }
}

void TlsChannel::shut_down() {
  if (shut_down_ || failed_ || !established_) return;
  shut_down_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

void TlsChannel::describe(TransportInfo& info) const {
  info.secure = true;
  // As Autobahn has it, for every version of TLS: the hash of the client's Finished message (RFC 5929, section 3).
  // Sessions are never resumed, which would make it the server's.
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> finished;
  std::string id(SHA256_DIGEST_LENGTH, '\0');
  const std::size_t size = SSL_get_peer_finished(ssl_.get(), finished.data(), finished.size());
  if (size > 0) {
    SHA256(finished.data(), std::min(size, finished.size()), reinterpret_cast<std::uint8_t*>(id.data()));
    info.channel_ids.emplace_back("tls-unique", id);
  }
  // RFC 9266; before TLS 1.3 only where the handshake binds the master secret.
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  if ((SSL_version(ssl_.get()) >= TLS1_3_VERSION || SSL_get_extms_support(ssl_.get()) == 1) &&
      SSL_export_keying_material(ssl_.get(), reinterpret_cast<std::uint8_t*>(id.data()), id.size(), kLabel.data(),
                                 kLabel.size(), nullptr, 0, 1) == 1) {
    info.channel_ids.emplace_back("tls-exporter", id);
  }
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get())) {
    std::uint8_t* der = nullptr;
    const int length = i2d_X509(certificate, &der);
    if (length > 0) info.peer_certificate.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
    OPENSSL_free(der);
  }
}

}  // namespace crosspoint::transports
