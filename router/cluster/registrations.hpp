#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/registry.hpp"

namespace crosspoint::cluster {

/// A node's part in the registrations of all: claims of its sessions go to all nodes by way of Redis, and count when
/// they come back, in the order that Redis has given to all of them. Says what is to be sent, and is told what came. No
/// I/O and no clock. Belongs to one thread.
class Registrations {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What it asks of its owner.
  class User {
   public:
    /// Something for all nodes, this one too, in the order of the calls. With `claim` set Redis must say when it had
    /// it, and claim_lost() is to be called if it does not take it.
    virtual void announce(std::string_view kind, std::string text, std::uint64_t claim) = 0;
    /// A registration of this or another node has come, gone, or been refused.
    virtual void apply(const Registry::Change& change) = 0;

   protected:
    ~User() = default;
  };

  Registrations(std::string address, User& user) : address_(std::move(address)), user_(user) {}

  /// A session of this node wants, or gives up, a registration. `now` is in microseconds of the system's clock, and
  /// counts only while the node is alone.
  void claim(std::string realm, realm::Claim claim, std::uint64_t now);
  void release(std::uint64_t number);
  void claim_lost(std::uint64_t number);

  /// This node hears what others say, and will ask them what they have: claims wait.
  void connecting();
  /// So many others have been asked: claims wait until they have said it, or `deadline`.
  void expect(std::size_t others, Time deadline);
  /// Nothing can be heard any more: the node goes on with what its own sessions have.
  void disconnected(std::uint64_t now);
  /// Another node has asked what there is.
  void say_all();
  /// A node is gone.
  void gone(std::string_view address);
  /// To be called now and then.
  void look_at(Time now);

  /// What has come from a node by announce(). False if it cannot be read.
  bool heard(std::string_view from, std::string_view kind, std::string_view text, std::uint64_t order);

  /// True if what all others have is known.
  bool is_complete() const { return state_ == State::complete; }

  static constexpr std::string_view kClaim = "claim";
  static constexpr std::string_view kRelease = "release";
  static constexpr std::string_view kBegin = "begin";
  static constexpr std::string_view kHave = "have";
  static constexpr std::string_view kEnd = "end";

 private:
  enum class State { alone, gathering, complete };

  void decide_alone(Registry::Entry entry, std::uint64_t now);
  void complete_if_all_said();
  /// Tells the others what has come of a claim of this node.
  void answer(const Registry::Entry& entry, bool good);
  void apply(const Registry::Changes& changes);
  void tell_all();

  const std::string address_;
  User& user_;
  Registry registry_;
  State state_ = State::gathering;             // until it is known whether others can be reached
  std::vector<Registry::Entry> under_way_;     // claims that have not come back
  std::vector<Registry::Entry> waiting_;       // claims that have not been sent
  std::set<std::uint64_t> leaving_;            // releases that have not come back
  std::set<std::string, std::less<>> to_say_;  // nodes that have said something but not all
  std::set<std::string, std::less<>> said_;    // those that have
  bool asked_ = false;                         // expect() was called
  std::size_t expected_ = 0;
  Time deadline_;
};

}  // namespace crosspoint::cluster
