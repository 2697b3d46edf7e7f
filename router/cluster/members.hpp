#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace crosspoint::cluster {

/// The other nodes of the cluster, as far as they have been heard of. A node is its id and the random number of its
/// start. No I/O and no clock. Belongs to one thread.
class Members {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// How many heartbeats a node may miss before it counts as gone.
  static constexpr int kMissed = 3;
  /// More nodes than this are not counted, and longer names are not read: anybody may write to the channel.
  static constexpr std::size_t kMost = 1000;
  static constexpr std::size_t kLongestName = 256;

  /// What nodes say of themselves on their channel: "<word> <id>/<start>".
  enum class Word {
    hello,  ///< has just connected: everybody is to answer with `here`
    here,
    bye,
  };
  static std::string write(Word word, std::string_view id, std::string_view start);
  /// False if `text` is none of it. The views point into `text`.
  static bool read(std::string_view text, Word& word, std::string_view& id, std::string_view& start);

  Members(std::string own_id, std::string own_start) : id_(std::move(own_id)), start_(std::move(own_start)) {}

  enum class News {
    none,
    joined,
    restarted,  ///< a node of this id has ended without a word, and is there again
    left,
    namesake,  ///< another node has our id
  };
  /// `gone` is set to the start of a node that has ended, if the news is that one has.
  News heard(Word word, std::string_view id, std::string_view start, Time now, std::string& gone);
  /// Those that have not been heard of for kMissed heartbeats: they are forgotten.
  struct Vanished {
    std::string id;
    std::string start;
  };
  std::vector<Vanished> take_vanished(Time now, std::chrono::steady_clock::duration heartbeat);
  /// It does not hear what it is sent: it is gone, or will come back. False if it was not there.
  bool forget(std::string_view id, std::string_view start);
  /// Nothing can be heard any more.
  void clear() { others_.clear(); }

  /// Their ids.
  std::vector<std::string> list() const;
  /// The same with their starts, "<id>/<start>": what messages are sent to.
  std::vector<std::string> addresses() const;

 private:
  struct Other {
    std::string start;
    Time heard;
  };
  const std::string id_;
  const std::string start_;
  std::string namesake_;  // the start of the last one that was reported
  std::map<std::string, Other, std::less<>> others_;
};

}  // namespace crosspoint::cluster
