#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <array>
#include <memory>
#include <string>

#include "transports/tls_channel.hpp"

using namespace crosspoint;
using transports::TlsChannel;

namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::unique_ptr<SSL_CTX, Free> server_context() {
  std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_server_method()));
  const std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Free> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  REQUIRE(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

/// A channel and a client at the two ends of a pair of sockets, connected by hand.
class Pair {
 public:
  Pair() : context_(server_context()), client_context_(SSL_CTX_new(TLS_client_method())) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()) == 0);
    channel = std::make_unique<TlsChannel>(context_.get(), ends_[0]);
    client.reset(SSL_new(client_context_.get()));
    SSL_set_fd(client.get(), ends_[1]);
    SSL_set_connect_state(client.get());
  }
  ~Pair() {
    for (const int end : ends_) ::close(end);
  }

  void shake_hands() {
    std::uint8_t byte = 0;
    while (SSL_do_handshake(client.get()) != 1 || !channel->established()) {
      REQUIRE(channel->receive(&byte, 1, false) == -1);
      deliver();
    }
  }
  /// Sends what the channel has queued; the size of the records.
  std::vector<std::size_t> deliver() {
    std::string wire;
    std::array<iovec, 64> pieces;
    while (!channel->wire().empty()) {
      const std::size_t count = channel->wire().gather(pieces);
      for (std::size_t i = 0; i < count; ++i) wire.append(static_cast<char*>(pieces[i].iov_base), pieces[i].iov_len);
      channel->wire().consume(wire.size() - sent_);
      sent_ = wire.size();
    }
    sent_ = 0;
    REQUIRE(::send(ends_[0], wire.data(), wire.size(), 0) == static_cast<ssize_t>(wire.size()));
    std::vector<std::size_t> records;
    for (std::size_t at = 0; at < wire.size(); at += 5 + records.back()) {
      records.push_back(static_cast<std::size_t>(static_cast<std::uint8_t>(wire[at + 3]) << 8 |
                                                 static_cast<std::uint8_t>(wire[at + 4])));
    }
    return records;
  }
  std::string read(std::size_t size) {
    std::string text(size, ' ');
    std::size_t got = 0;
    for (std::size_t part = 0; got < size; got += part) {
      if (SSL_read_ex(client.get(), text.data() + got, size - got, &part) != 1) break;
    }
    text.resize(got);
    return text;
  }

  std::unique_ptr<TlsChannel> channel;
  std::unique_ptr<SSL, Free> client;

 private:
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL_CTX, Free> client_context_;
  std::array<int, 2> ends_{};
  std::size_t sent_ = 0;
};

}  // namespace

TEST_CASE("nothing is encrypted before the handshake is done") {
  Pair pair;
  base::OutQueue plain;
  plain.append_copy(base::as_bytes("early"));
  pair.channel->encrypt(plain);
  REQUIRE(pair.channel->wire().empty());
  REQUIRE(plain.bytes() == 5);
  pair.channel->shut_down();
  REQUIRE(pair.channel->wire().empty());
  pair.shake_hands();
  pair.channel->encrypt(plain);
  REQUIRE(plain.empty());
  pair.deliver();
  REQUIRE(pair.read(5) == "early");
}

TEST_CASE("small pieces share records, and large ones fill them") {
  Pair pair;
  pair.shake_hands();
  base::OutQueue plain;
  std::string expected;
  const std::string small(600, 's');
  const std::string large(40000, 'l');
  for (int i = 0; i < 40; ++i) {
    // References of their own, that the queue does not join.
    const std::string& text = i == 20 ? large : small;
    plain.append({base::ChunkRef::copy_of(base::as_bytes(text)), 0, static_cast<std::uint32_t>(text.size())});
    expected += text;
  }
  pair.channel->encrypt(plain);
  REQUIRE(plain.empty());
  const auto records = pair.deliver();
  REQUIRE(records.size() == (expected.size() + 16383) / 16384);
  REQUIRE(pair.read(expected.size()) == expected);
}

TEST_CASE("no more is encrypted ahead than the limit") {
  Pair pair;
  pair.shake_hands();
  base::OutQueue plain;
  const std::string large(1000000, 'x');
  plain.append({base::ChunkRef::copy_of(base::as_bytes(large)), 0, 1000000});
  pair.channel->encrypt(plain);
  REQUIRE(plain.bytes() == large.size() - TlsChannel::kMaxWire);
  pair.channel->encrypt(plain);
  REQUIRE(plain.bytes() == large.size() - TlsChannel::kMaxWire);
}

TEST_CASE("a peer that has answers sent and reads none does not fill the queue") {
  Pair pair;
  pair.shake_hands();
  std::uint8_t byte = 0;
  std::size_t most = 0;
  bool ended = false;
  for (int i = 0; i < 100000 && !ended; ++i) {
    REQUIRE(SSL_key_update(pair.client.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
    REQUIRE(SSL_do_handshake(pair.client.get()) == 1);
    if (i % 20 != 0) continue;
    errno = 0;
    REQUIRE(pair.channel->receive(&byte, 1, false) == -1);
    ended = errno == EPROTO;
    most = std::max(most, pair.channel->wire().bytes());
  }
  REQUIRE(ended);
  REQUIRE(pair.channel->problem() == "TLS: the peer does not read what is sent to it");
  REQUIRE(most < 3 * TlsChannel::kMaxWire);
}

TEST_CASE("one call reads a bounded amount and says that there may be more") {
  Pair pair;
  pair.shake_hands();
  std::size_t written = 0;
  std::size_t sent = 0;
  const std::string record(100, 'r');
  while (SSL_write_ex(pair.client.get(), record.data(), record.size(), &written) == 1) sent += written;
  std::string space(1 << 20, ' ');
  std::size_t got = 0;
  bool more = true;
  for (int calls = 0; more && calls < 100; ++calls) {
    const auto part = pair.channel->receive(reinterpret_cast<std::uint8_t*>(space.data()), space.size(), false);
    REQUIRE((part > 0 || errno == EAGAIN));
    REQUIRE(part <= static_cast<ssize_t>(TlsChannel::kMaxWire));
    if (part > 0) got += static_cast<std::size_t>(part);
    more = pair.channel->more();
  }
  REQUIRE(got == sent);
}
