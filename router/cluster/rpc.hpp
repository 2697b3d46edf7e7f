#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/calls.hpp"
#include "cluster/registrations.hpp"
#include "realm/realm.hpp"

namespace crosspoint::cluster {

/// Procedures of all nodes, for the clustered realms of this one: puts callees of other nodes into the directories of
/// the realms, and takes them out. Belongs to the link's thread.
class Rpc final : public Registrations::User, public Calls::User {
 public:
  /// What it asks of the link.
  class Wire {
   public:
    /// To all nodes, this one too, in one order for all. See Registrations::User::announce.
    virtual void announce(std::string_view kind, std::string_view text, std::uint64_t claim) = 0;
    virtual void send_to(const std::string& address, std::string_view kind, std::string_view text) = 0;
    virtual void deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) = 0;

   protected:
    ~Wire() = default;
  };

  Rpc(std::string address, Wire& wire)
      : address_(address), wire_(wire), registrations_(std::move(address), *this), calls_(*this) {}

  /// Realms get the numbers 0, 1 and so on. Before the threads start.
  void add_realm(realm::Realm& realm) { realms_.push_back(&realm); }

  Registrations& registrations() { return registrations_; }
  Calls& calls() { return calls_; }

  /// See realm::ClusterPort.
  void catch_up(std::size_t realm, unsigned shard, std::uint64_t number);
  /// What this node has said to itself. False if it is something else.
  bool heard_own(std::string_view kind, std::string_view text);

  /// A node is gone, or cannot be reached.
  void gone(std::string_view address, std::string_view why);
  /// None of them can be reached. `now` is in microseconds of the system's clock.
  void lost(std::string_view why, std::uint64_t now);

 private:
  using Place = std::pair<std::string, std::uint64_t>;  // address of the node, and number of the claim
  /// A callee of another node in the directory.
  struct Entered {
    std::size_t realm = 0;
    realm::RegistrationRef registration;  // none if there was no place for it
    realm::SessionKey key;
  };

  // Registrations::User
  void announce(std::string_view kind, std::string text, std::uint64_t claim) override {
    wire_.announce(kind, text, claim);
  }
  void apply(const Registry::Change& change) override;
  // Calls::User
  void send_message(const std::string& address, std::string_view kind, std::string_view text) override {
    wire_.send_to(address, kind, text);
  }
  void deliver(std::size_t realm, unsigned shard, realm::ShardMessage message) override {
    wire_.deliver(realm, shard, std::move(message));
  }
  const std::string& realm_name(std::size_t realm) const override { return realms_[realm]->name(); }
  bool find_realm(std::string_view name, std::size_t& realm, unsigned& shards) const override;
  std::shared_ptr<realm::Intake> find_intake(std::uint64_t claim) const override;
  bool is_complete() const override { return registrations_.is_complete(); }

  void end_catch_ups(std::uint64_t until);
  void apply_own(const Registry::Change& change, std::size_t realm);
  void enter(const Registry::Entry& entry, std::size_t realm);
  void strike(const Registry::Entry& entry);
  /// The callee that a claim of this node has become; nothing in it if there is none.
  realm::RegistrationView find_own(const Registry::Entry& entry, std::size_t realm, realm::SessionKey& key) const;

  const std::string address_;
  Wire& wire_;
  std::vector<realm::Realm*> realms_;
  Registrations registrations_;
  Calls calls_;
  /// Those who wait until this node has heard itself.
  struct CatchUp {
    std::size_t realm = 0;
    unsigned shard = 0;
    std::uint64_t number = 0;
  };
  static constexpr std::string_view kEcho = "echo";
  std::deque<CatchUp> catch_ups_;
  std::uint64_t first_catch_up_ = 1;  // the place of the oldest of them
  std::map<Place, Entered> entered_;
  std::map<std::uint64_t, std::pair<std::size_t, Registry::Entry>>
      own_;  // claims of this node that count, with the realm
};

}  // namespace crosspoint::cluster
