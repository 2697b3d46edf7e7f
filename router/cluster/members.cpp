#include "cluster/members.hpp"

#include <array>
#include <utility>

namespace crosspoint::cluster {
namespace {

constexpr std::array<std::string_view, 3> kWords{"hello", "here", "bye"};

}  // namespace

std::string Members::write(Word word, std::string_view id, std::string_view start) {
  std::string text(kWords[static_cast<std::size_t>(word)]);
  return text.append(" ").append(id).append("/").append(start);
}

bool Members::read(std::string_view text, Word& word, std::string_view& id, std::string_view& start) {
  const auto space = text.find(' ');
  const auto slash = text.find('/');
  if (space == std::string_view::npos || slash == std::string_view::npos || slash < space) return false;
  id = text.substr(space + 1, slash - space - 1);
  start = text.substr(slash + 1);
  if (id.empty() || start.empty() || text.size() > kLongestName) return false;
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (text.substr(0, space) != kWords[i]) continue;
    word = static_cast<Word>(i);
    return true;
  }
  return false;
}

Members::News Members::heard(Word word, std::string_view id, std::string_view start, Time now, std::string& gone) {
  if (id == id_) {
    if (start == start_ || start == namesake_ || word == Word::bye) return News::none;
    namesake_ = start;
    return News::namesake;
  }
  const auto at = others_.find(id);
  if (word == Word::bye) {
    if (at == others_.end() || at->second.start != start) return News::none;
    gone = start;
    others_.erase(at);
    return News::left;
  }
  if (at == others_.end()) {
    if (others_.size() >= kMost) return News::none;
    others_.emplace(id, Other{std::string(start), now});
    return News::joined;
  }
  at->second.heard = now;
  if (at->second.start == start) return News::none;
  gone = std::exchange(at->second.start, std::string(start));
  return News::restarted;
}

std::vector<Members::Vanished> Members::take_vanished(Time now, std::chrono::steady_clock::duration heartbeat) {
  std::vector<Vanished> vanished;
  std::erase_if(others_, [&](const auto& entry) {
    if (now - entry.second.heard < kMissed * heartbeat) return false;
    vanished.push_back({entry.first, entry.second.start});
    return true;
  });
  return vanished;
}

bool Members::forget(std::string_view id, std::string_view start) {
  const auto at = others_.find(id);
  if (at == others_.end() || at->second.start != start) return false;
  others_.erase(at);
  return true;
}

std::vector<std::string> Members::list() const {
  std::vector<std::string> ids;
  for (const auto& [id, other] : others_) ids.push_back(id);
  return ids;
}

std::vector<std::string> Members::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& [id, other] : others_) addresses.push_back(id + "/" + other.start);
  return addresses;
}

}  // namespace crosspoint::cluster
