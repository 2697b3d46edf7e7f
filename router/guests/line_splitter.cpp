#include "guests/line_splitter.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace crosspoint::guests {

void LineSplitter::feed(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::size_t room = kLongest - line_.size();
    line_ += text.substr(0, std::min(end, room));
    if (end > room) cut_ += end - room;
    if (end == text.size()) return;
    emit();
    text.remove_prefix(end + 1);
  }
}

void LineSplitter::flush() { emit(); }

void LineSplitter::emit() {
  std::string_view line = line_;
  constexpr std::string_view kSpace = " \t\v\f";
  const std::size_t begin = std::min(line.find_first_not_of(kSpace), line.size());
  line.remove_prefix(begin);
  line = line.substr(0, line.find_last_not_of(kSpace) + 1);
  if (cut_ > 0) {
    sink_(fmt::format("{} ... (another {} bytes)", line, cut_));
  } else if (!line.empty()) {
    sink_(line);
  }
  line_.clear();
  cut_ = 0;
}

}  // namespace crosspoint::guests
