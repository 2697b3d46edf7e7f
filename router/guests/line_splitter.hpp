#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace crosspoint::guests {

/// Makes lines of what a process writes, in whatever pieces it arrives.
class LineSplitter {
 public:
  /// Longer lines are cut.
  static constexpr std::size_t kLongest = 8192;

  using Sink = std::function<void(std::string_view line)>;
  explicit LineSplitter(Sink sink) : sink_(std::move(sink)) {}

  /// Calls the sink for each line that is complete now; without line ends and white space around it, and not for empty
  /// lines.
  void feed(std::string_view text);
  /// The process waits in the middle of a line, or has ended: what there is of it is a line.
  void flush();
  bool pending() const { return !line_.empty(); }

 private:
  void emit();

  Sink sink_;
  std::string line_;
  std::size_t cut_ = 0;  // bytes of the line that were left out
};

}  // namespace crosspoint::guests
