#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "connection/service.hpp"
#include "gateway/hub.hpp"
#include "gateway/mailboxes.hpp"
#include "storage/mailbox_writer.hpp"

namespace crosspoint::gateway {

inline constexpr std::string_view kNoSuchIdentity = "crosspoint.error.no_such_identity";
inline constexpr std::string_view kMailboxFull = "crosspoint.error.mailbox_full";

/// How a realm keeps mailboxes.
struct MailboxOptions {
  MailboxLimits limits;
  std::uint32_t lifetime = 7 * 24 * 3600;          ///< seconds, where register_as does not say
  std::uint32_t timeout = 10;                      ///< seconds that a receiver's procedure may take
  std::unique_ptr<storage::MailboxWriter> writer;  ///< nullptr: in memory only
  std::vector<storage::StoredMailbox> stored;
};

/// The procedures of a realm's mailboxes, `crosspoint.gateway.` and:
///   register_as  [identity] {connection or procedure, lifetime, max_connections, confirm}
///                                        {connections, messages}: how many receivers there are, and messages that wait
///   unregister   [identity] {connection or procedure}    whether it was one
///   notify       [identity, message]     {exists: false}, or {exists: true, id, connections}
///   confirm      [identity, id]          everything up to this message has arrived
///   identity     [identity]              what is known of it, or null
/// A connection gets the message as a message, with `confirm` as JSON text `{identity, id, message}`; a procedure gets
/// `[identity, id, message]`, and its result says that it has it. register_as and notify are answered when what they
/// did is stored. The procedures live on one thread, and storing on another.
class MailboxProcedures {
 public:
  MailboxProcedures(Hub& hub, connection::RealmGate& gate, MailboxOptions options);

  /// Registers them. False, and a line in the log, if that is not possible.
  bool start();

 private:
  using Call = connection::Service::Invocation;

  void register_as(const Call& call);
  void unregister(const Call& call);
  void notify(const Call& call);
  void confirm(const Call& call);
  void identity(const Call& call);

  // Arguments; an error has been sent if nothing is returned.
  std::optional<std::string> identity_argument(const Call& call);
  std::optional<Receiver> receiver_argument(const Call& call);
  std::optional<storage::MailboxRecord> record_argument(const Call& call);

  void enroll(const Call& call, const std::string& identity, const Receiver& receiver,
              const storage::MailboxRecord& record);
  void refuse(const Call& call, Mailboxes::Refusal refusal);
  bool is_behind(const Call& call);
  /// Stores what has changed, then calls `then(problem)` here, and sends what can be sent.
  template <class Then>
  void store(Then then);
  /// The same where nobody waits.
  void work();
  void send(const Mailboxes::Delivery& delivery);
  void send_to_connection(const Mailboxes::Delivery& delivery);
  void send_to_procedure(const Mailboxes::Delivery& delivery);
  void sent(const Mailboxes::Delivery& delivery, bool taken);
  void sweep();

  Hub& hub_;
  connection::RealmGate& gate_;
  base::IoThread& io_;
  Mailboxes mailboxes_;
  const std::uint32_t lifetime_;
  const std::chrono::seconds timeout_;
  connection::Service* service_ = nullptr;
  std::size_t waiting_ = 0;  // calls that wait for the store
  bool sending_ = false;
  std::unique_ptr<storage::MailboxWriter> writer_;
};

}  // namespace crosspoint::gateway
