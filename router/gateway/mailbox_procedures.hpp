#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection/service.hpp"
#include "gateway/hub.hpp"
#include "gateway/identity_turns.hpp"
#include "gateway/mail_carrier.hpp"
#include "gateway/mailboxes.hpp"
#include "gateway/mailboxes_elsewhere.hpp"
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
  bool shared = false;  ///< nodes share the writer's store; for clustered realms
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
///
/// If nodes share the mailboxes, one of them keeps them, as its store says. The others pass on what they are called for
/// ("mail", [procedure, arguments, keyword arguments]), and hand messages to the connections that are theirs. When the
/// keeper ends, or has not reached the store for some seconds, another node takes over, with the receivers that the
/// store has; what is called for meanwhile is refused as unavailable. A procedure that nobody can reach at the moment
/// (wamp.error.unavailable) is tried again.
class MailboxProcedures {
 public:
  MailboxProcedures(Hub& hub, connection::RealmGate& gate, MailboxOptions options);

  /// Registers them. False, and a line in the log, if that is not possible.
  bool start();

 private:
  /// Who called, to be answered: a session here, or one of another node whose gateway passes the call on.
  struct Asker {
    std::string node;  // empty: here
    wamp::RequestId id = 0;
  };
  struct Call : connection::Service::Invocation {
    std::string node;
    Asker asker() const { return {node, id}; }
  };
  using Handler = void (MailboxProcedures::*)(const Call& call, const std::string& identity);

  void register_as(const Call& call, const std::string& identity);
  void unregister(const Call& call, const std::string& identity);
  void notify(const Call& call, const std::string& identity);
  void confirm(const Call& call, const std::string& identity);
  void identity(const Call& call, const std::string& identity);

  bool provide(const char* name, Handler handler);
  void run(Handler handler, const Call& call);
  bool keeps() const { return !shared_ || (keeper_ == hub_.others()->address() && !carrier_.is_over()); }
  void pass_on(const char* name, const Call& call);
  void take_in(const NodeCalls::Request& request);
  void take_news(const storage::MailboxWriter::News& news);
  void set_keeper(const std::string& address);
  /// Asks all nodes whether the receivers that they have are there.
  void look_for_receivers();
  bool is_absent_for_good(std::uint64_t node);
  void connection_gone(const std::string& id);
  void find_connection(const Call& call, const std::string& identity, const Receiver& receiver, const ConnectionId& id,
                       const storage::MailboxRecord& record);

  void yield(const Asker& asker, const nlohmann::json& value);
  void refuse(const Asker& asker, std::string_view error, std::string_view text);
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
  const bool shared_;
  std::map<std::string, Handler, std::less<>> handlers_;  // constant after start()
  std::string keeper_;        // of shared mailboxes: the address of the node that keeps them; empty: not known
  std::string last_problem_;  // of getting to know that
  std::map<std::uint64_t, std::chrono::steady_clock::time_point> absent_;  // nodes with receivers, since when
  connection::Service* service_ = nullptr;
  MailCarrier carrier_;
  std::unique_ptr<MailboxesElsewhere> elsewhere_;  // of shared ones
};

}  // namespace crosspoint::gateway
