#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "connection/service.hpp"
#include "gateway/hub.hpp"
#include "gateway/mailboxes.hpp"
#include "storage/mailbox_writer.hpp"

namespace crosspoint::gateway {

/// Does what a realm's mailboxes have decided: has their changes written, and hands their messages to the receivers.
/// Belongs to the thread of the mailboxes; the writer has one of its own.
class MailCarrier {
 public:
  /// `writer`: nullptr if mailboxes are in memory only. `timeout`: of a receiver's procedure.
  MailCarrier(Hub& hub, base::IoThread& io, Mailboxes& mailboxes, std::chrono::seconds timeout,
              std::unique_ptr<storage::MailboxWriter> writer);

  /// `service`: calls the receivers' procedures.
  /// `on_news`: of a store that nodes share; called on this thread.
  void start(connection::Service& service, std::function<void(storage::MailboxWriter::News news)> on_news = nullptr);
  /// Messages are handed out until then only; for mailboxes that other nodes may keep afterwards.
  void deliver_until(std::chrono::steady_clock::time_point end) { end_ = end; }
  bool is_over() const { return end_ != kNever && std::chrono::steady_clock::now() >= end_; }
  /// Stores what has changed, then calls `then(problem)` on this thread, and sends what can be sent.
  void store(std::function<void(const std::string& problem)> then);
  /// MailboxWriter::begin_term().
  void begin_term(std::uint64_t term) { writer_->begin_term(term); }
  /// The same where nobody waits.
  void work();
  /// What became of a message for a receiver; with the last two it is to be tried again.
  enum class Handed { taken, refused, full, unavailable };
  /// Hands a message to a receiver of this node, which need not be one of our mailboxes.
  void hand_over(const Mailboxes::Delivery& delivery, std::function<void(Handed handed)> then);

  /// Calls of store() that are not answered yet.
  std::size_t waiting() const { return waiting_; }

 private:
  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();
  using Then = std::function<void(Handed handed)>;

  void send(const Mailboxes::Delivery& delivery);
  void send_elsewhere(const Mailboxes::Delivery& delivery);
  void send_again(const Mailboxes::Delivery& delivery, std::chrono::milliseconds delay);
  void send_to_connection(const Mailboxes::Delivery& delivery, Then then);
  void send_to_procedure(const Mailboxes::Delivery& delivery, const std::string& procedure, Then then);
  void sent(const Mailboxes::Delivery& delivery, bool taken);

  Hub& hub_;
  base::IoThread& io_;
  Mailboxes& mailboxes_;
  const std::chrono::seconds timeout_;
  connection::Service* service_ = nullptr;
  std::size_t waiting_ = 0;
  bool sending_ = false;
  std::chrono::steady_clock::time_point end_ = kNever;
  const std::unique_ptr<storage::MailboxWriter> writer_;
};

}  // namespace crosspoint::gateway
