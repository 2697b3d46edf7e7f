#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "realm/cluster_port.hpp"
#include "realm/intake.hpp"
#include "realm/shard_message.hpp"

namespace crosspoint::cluster {

/// What is under way of a stream. The sender's node may send so much before the receiver's says that it was taken in;
/// that says so while its session is not congested, so a slow session stops all that stream to it, wherever they are.
struct CallStream {
  std::shared_ptr<realm::Intake>
      stand_in;          ///< at the sender's node, for the receiver's intake; none if it does not stream
  std::size_t sent = 0;  ///< at the sender's node: bytes, of which the receiver's has not told yet
  std::size_t owed = 0;  ///< at the receiver's node: bytes of which it has not told yet
  bool held = false;     ///< at the receiver's node: it waits to be told of
};

/// Calls that cross nodes, and the callees of other nodes. For the shards of a realm it is one more shard (kOtherNode),
/// with which they exchange the same messages as with each other; it passes these on as messages of WAMP. No I/O and no
/// clock. Belongs to one thread.
class Calls {
 public:
  /// What it asks of its owner.
  class User {
   public:
    virtual void send_message(const std::string& address, std::string_view kind, std::string_view text) = 0;
    virtual void deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) = 0;
    virtual const std::string& realm_name(std::size_t realm) const = 0;
    /// The number of a realm; false if it is not clustered here.
    virtual bool find_realm(std::string_view name, std::size_t& realm, unsigned& shards) const = 0;
    /// What the callee of a claim of this node has to take in; nullptr if it is gone.
    virtual std::shared_ptr<realm::Intake> find_intake(std::uint64_t claim) const = 0;
    /// Other nodes can be reached, and what they have is known.
    virtual bool is_complete() const = 0;

   protected:
    ~User() = default;
  };
  /// Kinds of messages to other nodes: messages of WAMP; and how much of a stream has been taken in.
  static constexpr std::string_view kRpc = "rpc";
  static constexpr std::string_view kTaken = "taken";
  /// Of a stream that comes from another node, what is said to be taken in at a time (bytes, or more).
  static constexpr std::size_t kTakenAtOnce = realm::Intake::kMostToNode / 4;

  explicit Calls(User& user) : user_(user) {}

  /// A callee of another node, by its claim: what the directory is to know of it.
  realm::Callee add_callee(std::size_t realm, const std::string& address, const realm::Claim& claim,
                           std::uint64_t order);
  void remove_callee(const realm::SessionKey& key);

  /// What a shard of this node has posted to kOtherNode.
  void take(std::size_t realm, realm::ShardMessage message);
  /// What another node has sent. Returns what is wrong with it, or nothing.
  std::string_view heard(std::string_view from, std::string_view kind, std::string_view text);
  /// A node is gone: its calls end, and what it was to answer fails.
  void gone(std::string_view address, std::string_view why);
  /// All of them are.
  void lost(std::string_view why);
  /// To be called now and then while it is true: streams of other nodes wait, or will soon, until receivers of this
  /// node can take more.
  bool holds_streams() const { return !held_.empty(); }
  void look_at_streams();

  std::size_t size() const { return outgoing_.size() + incoming_.size(); }

 private:
  struct RemoteCallee {
    std::size_t realm = 0;
    std::string address;
    std::uint64_t claim = 0;
  };
  /// A call of a session of this node, by its handle.
  struct Outgoing {
    std::size_t realm = 0;
    std::string address;
    realm::SessionKey caller;
    wamp::RequestId request = 0;
    std::shared_ptr<realm::Intake> results_to;  ///< the caller's, if it receives progress
    CallStream results;
    CallStream pieces;
  };
  /// A call for a session of this node, by its number.
  struct Incoming {
    std::size_t realm = 0;
    std::string address;
    std::uint64_t handle = 0;  ///< of the caller's node
    unsigned shard = 0;
    std::uint64_t claim = 0;
    CallStream results;
    CallStream pieces;
    std::shared_ptr<realm::Intake> pieces_to;  ///< the callee's, if it is called in pieces
  };
  using Place = std::pair<std::string, std::uint64_t>;  // address and handle
  /// A stream of which another node is not told, since its receiver is congested: results of a call of this node (by
  /// its handle), or pieces of a call of another one (by its number).
  struct Held {
    bool results = false;
    std::uint64_t call = 0;
    std::shared_ptr<realm::Intake> receiver;
  };

  /// The id of a node, which all its callees share.
  std::shared_ptr<const std::string> name_of(const std::string& address);
  void take(std::size_t realm, realm::RemoteCall& call);
  void take(std::size_t realm, realm::RemoteResult& result);
  void take(std::size_t realm, realm::RemoteError& error);
  void take(std::size_t realm, realm::RemoteCancel& cancel);
  void take(std::size_t realm, realm::RemoteRevocation& revocation);
  template <class Other>
  void take(std::size_t, Other&) {}

  std::string_view heard_message(std::string_view from, std::string_view text);
  std::string_view heard_taken(std::string_view from, std::string_view text);
  std::string_view on(std::string_view from, std::size_t realm, unsigned shards, wamp::Invocation& message,
                      wamp::TrustLevel trustlevel);
  std::string_view on(std::string_view from, wamp::Result& message);
  std::string_view on(std::string_view from, wamp::Error& message);
  std::string_view on(std::string_view from, const wamp::Interrupt& message);
  std::string_view on(std::string_view from, std::size_t realm, unsigned shards, const wamp::Unregistered& message);

  void send(std::size_t realm, const std::string& address, wamp::Message message,
            wamp::TrustLevel trustlevel = wamp::kNoTrustLevel);
  void fail(const Outgoing& call, std::string_view error, std::string_view text);
  void forget_outgoing(std::uint64_t handle);
  void forget_incoming(std::uint64_t number);
  template <class Wanted>
  void end_if(Wanted&& wanted, std::string_view why);
  /// A piece has come of a stream.
  void came(CallStream& stream, std::size_t bytes, const Held& place);
  /// Tells the sender's node what is owed.
  void tell_taken(const Held& place);
  /// nullptr if the call has ended.
  CallStream* find(const Held& place);

  User& user_;
  std::uint64_t last_callee_ = 0;
  std::uint64_t last_incoming_ = 0;
  tsl::robin_map<std::uint64_t, RemoteCallee> callees_;
  std::map<std::string, std::weak_ptr<const std::string>> names_;  // by address
  tsl::robin_map<std::uint64_t, Outgoing> outgoing_;
  tsl::robin_map<std::uint64_t, Incoming> incoming_;
  std::map<Place, std::uint64_t> by_place_;  // numbers of incoming_
  std::vector<Held> held_;
};

}  // namespace crosspoint::cluster
