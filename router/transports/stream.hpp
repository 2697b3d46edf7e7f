#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/io_thread.hpp"
#include "base/out_queue.hpp"
#include "transports/protocol.hpp"
#include "transports/tls_channel.hpp"

namespace crosspoint::transports {

class StreamSet;
class TlsContext;

/// One connection's socket with its input and output. Input is read into the thread's buffer and handed to the
/// protocol in place; only what is left of an unfinished piece is kept, and a large piece is read straight into memory
/// of its own. Output gathers in out() and leaves at the end of the turn in one system call. Belongs to one thread.
class Stream final : public base::Pollable {
 public:
  /// Pieces that are going to be longer than this are read into memory of their own.
  static constexpr std::size_t kLargePiece = 32 * 1024;

  Stream(StreamSet& set, int fd, std::string own_address, std::string peer_address);
  ~Stream() override;

  /// Begins TLS, as the server: from here on the protocol has the plaintext. Call before anything has arrived.
  void start_tls(const TlsContext& context);

  /// Replaces the protocol. The old one gets no further calls; bytes it was not done with go to the new one.
  void set_protocol(std::unique_ptr<Protocol> protocol);

  /// Where to write. Call wake() afterwards.
  base::OutQueue& out() { return out_; }
  /// Has the queue written at the end of this turn.
  void wake();
  /// Has the protocol asked for more (before_writing) each time the queue is going to be written.
  void ask_before_writing() { asks_before_writing_ = true; }
  /// Bytes queued but not yet taken by the kernel.
  std::size_t queued() const { return out_.bytes() + (tls_ ? tls_->wire().bytes() : 0); }

  /// Stops and starts reading, to hold back a peer that sends faster than its messages can be handled.
  void pause();
  void resume();
  bool paused() const { return paused_; }
  /// Gives the protocol, in the next turn, the bytes that it was not done with, although no more have arrived.
  void offer_again();

  /// Writes what is queued, then ends the connection in an orderly way (the peer sees all of it). Input is ignored
  /// from now on. Bounded by a time limit.
  void finish(std::string_view reason);
  /// Ends the connection now. The protocol hears of it; the stream is destroyed at the end of the turn.
  void close(std::string_view reason);
  bool closed() const { return fd_ < 0; }

  /// Whether small pieces go out at once (TCP_NODELAY, which is on to begin with). Of no effect on Unix sockets.
  void set_no_delay(bool on);

  base::IoThread& io();
  /// As Crossbar writes addresses: "tcp4:127.0.0.1:48638".
  const std::string& own_address() const { return own_address_; }
  const std::string& peer_address() const { return peer_address_; }
  /// Fills in what the stream knows of a connection.
  void describe(TransportInfo& info) const;

  void on_ready(std::uint32_t events) override;

 private:
  friend class StreamSet;
  void read();
  void read_large();
  /// As recv; of TLS the plaintext.
  ssize_t receive(std::uint8_t* space, std::size_t size);
  void process(std::span<std::uint8_t> bytes);
  void keep(std::span<const std::uint8_t> rest);
  /// Handles what recv said; true if `size` bytes arrived.
  bool received(ssize_t size);
  void flush();
  /// Asks for the memory that flush() needs.
  void prefetch() const {
    __builtin_prefetch(&fd_);
    __builtin_prefetch(&out_);
  }
  /// False if the kernel takes no more for now, or the stream was closed.
  bool write_out(base::OutQueue& queue);
  void drained();

  StreamSet& set_;
  int fd_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<TlsChannel> tls_;
  base::OutQueue out_;
  base::ChunkRef kept_;    // an unfinished piece
  std::size_t large_ = 0;  // if not 0, kept_ has room for a piece of so many bytes and is read into directly
  bool dirty_ = false;     // in the set's list for this turn's end
  bool blocked_ = false;   // the kernel takes no more for now
  bool paused_ = false;
  bool stopped_ = false;   // paused with whole pieces left in kept_
  bool readable_ = false;  // something may be waiting in the kernel although no further event will say so
  bool offer_again_ = false;
  bool asks_before_writing_ = false;
  bool hung_up_ = false;  // the peer has sent its last byte
  bool finishing_ = false;
  bool shut_down_ = false;   // our end of output has been sent
  std::uint32_t place_ = 0;  // in the set
  std::string own_address_;
  std::string peer_address_;
  std::string finish_reason_;
  base::Timers::Handle timer_;  // of the TLS handshake, or of the end
};

/// All streams of one thread: owns them, writes their queues at the end of a turn, and destroys closed ones then.
class StreamSet final : public base::TurnEnd {
 public:
  explicit StreamSet(base::IoThread& io) : io_(io) {}
  ~StreamSet() override;

  /// Takes over a connected, non-blocking socket. nullptr if the kernel does not let it be watched (the socket is
  /// closed then).
  Stream* add(int fd, std::string own_address, std::string peer_address);
  std::size_t size() const { return streams_.size(); }
  base::IoThread& io() { return io_; }
  /// Has `count` lowered by one whenever a stream closes.
  void count_in(std::atomic<std::size_t>& count) { count_ = &count; }
  void close_all(std::string_view reason);
  /// Destroys everything, without telling protocols. When the thread has stopped.
  void clear();

  void on_turn_end() override;

 private:
  friend class Stream;
  void need_turn_end();
  void mark_dirty(Stream& stream);
  void retire(Stream& stream);

  base::IoThread& io_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> dirty_;
  std::vector<std::unique_ptr<Stream>> closed_;
  std::vector<std::unique_ptr<Protocol>> replaced_;
  bool turn_end_asked_ = false;
  std::atomic<std::size_t>* count_ = nullptr;
};

}  // namespace crosspoint::transports
