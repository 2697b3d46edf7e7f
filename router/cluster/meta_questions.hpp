#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "realm/node_question.hpp"

/// What nodes ask each other for the meta API. docs/cluster.md has the format.
namespace crosspoint::cluster {

/// A question as it travels; `question.from` does not, since the message says who sends it.
std::string write_question(std::string_view realm, const realm::NodeQuestion& question);
/// False if `text` is none. `realm` points into it.
bool read_question(std::string_view text, std::string_view& realm, realm::NodeQuestion& out);

std::string write_answer(std::uint64_t number, const realm::NodeAnswer& answer);
/// False if `text` is none. The node is not in it.
bool read_answer(std::string_view text, std::uint64_t& number, realm::NodeAnswer& out);

/// The questions that other nodes have not all answered yet. No I/O and no clock. Belongs to one thread.
class MetaQuestions {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// More questions than this are not asked at a time, and bytes of answers beyond that are left out.
  static constexpr std::size_t kMost = 4096;
  static constexpr std::size_t kMostBytes = 64 * 1024 * 1024;

  /// Who wants to know.
  struct Origin {
    std::size_t realm = 0;  ///< the owner's number for it
    unsigned shard = 0;
    std::uint64_t number = 0;  ///< of the shard
  };
  struct Finished {
    Origin origin;
    std::string procedure;
    std::vector<realm::NodeAnswer> answers;
    std::vector<std::string> missing;  ///< addresses of nodes that have not answered
  };

  bool full() const { return open_.size() >= kMost; }
  bool empty() const { return open_.empty(); }
  /// `addresses` are asked, at least one, under the number returned.
  std::uint64_t begin(const Origin& origin, std::string procedure, const std::vector<std::string>& addresses,
                      Time until);
  /// These add to what take_finished() returns. An answer that nobody waits for is passed over.
  void answered(std::string_view address, std::uint64_t number, realm::NodeAnswer answer);
  void gone(std::string_view address);
  void expire(Time now);
  std::vector<Finished> take_finished();
  /// When the next one expires. Not if empty.
  Time next_expiry() const { return open_.begin()->second.until; }

 private:
  struct Open {
    Finished so_far;
    std::set<std::string, std::less<>> waited_for;  // addresses
    Time until;
    std::size_t bytes = 0;
  };
  using Questions = std::map<std::uint64_t, Open>;
  Questions::iterator finish(Questions::iterator at);

  Questions open_;  // by number: the oldest first, which expires first
  std::vector<Finished> finished_;
  std::uint64_t last_number_ = 0;
  std::size_t bytes_ = 0;  // of all answers in open_
};

}  // namespace crosspoint::cluster
