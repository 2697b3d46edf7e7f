#pragma once

#include <chrono>
#include <cstddef>
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
  void start(connection::Service& service);
  /// Stores what has changed, then calls `then(problem)` on this thread, and sends what can be sent.
  void store(std::function<void(const std::string& problem)> then);
  /// The same where nobody waits.
  void work();
  /// Calls of store() that are not answered yet.
  std::size_t waiting() const { return waiting_; }

 private:
  void send(const Mailboxes::Delivery& delivery);
  void send_to_connection(const Mailboxes::Delivery& delivery);
  void send_to_procedure(const Mailboxes::Delivery& delivery, const std::string& procedure);
  void sent(const Mailboxes::Delivery& delivery, bool taken);

  Hub& hub_;
  base::IoThread& io_;
  Mailboxes& mailboxes_;
  const std::chrono::seconds timeout_;
  connection::Service* service_ = nullptr;
  std::size_t waiting_ = 0;
  bool sending_ = false;
  const std::unique_ptr<storage::MailboxWriter> writer_;
};

}  // namespace crosspoint::gateway
