#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connection/service.hpp"
#include "gateway/hub.hpp"
#include "gateway/identity_turns.hpp"
#include "gateway/mail_carrier.hpp"
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
///   register_as  [identity] {connection, procedure or both, lifetime, max_connections, confirm}
///                                        {connections, messages}: how many receivers there are, and messages that wait
///   unregister   [identity] {connection or procedure}    whether it was one
///   notify       [identity, message]     {exists: false}, or {exists: true, id, connections}
///   confirm      [identity, id]          everything up to this message has arrived
///   identity     [identity]              what is known of it, or null
/// A connection gets the message as a message, with `confirm` as JSON text `{identity, id, message}`; a procedure gets
/// `[identity, id, message]`, and its result says that it has it. With both, the connection is the receiver, as long as
/// it is there, and the procedure gets its messages: `[identity, id, message, connection]`. register_as and notify are
/// answered when what they did is stored. What is asked about an identity is answered in the order in which the router
/// got it. The procedures live on one thread, and storing on another.
class MailboxProcedures {
 public:
  MailboxProcedures(Hub& hub, connection::RealmGate& gate, MailboxOptions options);

  /// Registers them. False, and a line in the log, if that is not possible.
  bool start();

 private:
  using Call = connection::Service::Invocation;
  using Handler = void (MailboxProcedures::*)(const Call& call, const std::string& identity);

  void register_as(const Call& call, const std::string& identity);
  void unregister(const Call& call, const std::string& identity);
  void notify(const Call& call, const std::string& identity);
  void confirm(const Call& call, const std::string& identity);
  void identity(const Call& call, const std::string& identity);

  bool provide(const char* name, Handler handler);
  void find_connection(const Call& call, const std::string& identity, const Receiver& receiver, const ConnectionId& id,
                       const storage::MailboxRecord& record);
  void enroll(const Call& call, const std::string& identity, const Receiver& receiver,
              const storage::MailboxRecord& record);
  void invalid(const Call& call, std::string_view problem);
  void refuse_more(const Call& call);
  void refuse(const Call& call, Mailboxes::Refusal refusal);
  void sweep();

  Hub& hub_;
  connection::RealmGate& gate_;
  base::IoThread& io_;
  Mailboxes mailboxes_;
  IdentityTurns turns_;
  const std::uint32_t lifetime_;
  connection::Service* service_ = nullptr;
  MailCarrier carrier_;
};

}  // namespace crosspoint::gateway
