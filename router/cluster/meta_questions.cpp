#include "cluster/meta_questions.hpp"

#include <fmt/format.h>

#include <utility>

#include "cluster/head_words.hpp"
#include "serializers/reader.hpp"

namespace crosspoint::cluster {
namespace {

/// Takes so many bytes; false if there are fewer.
bool take_part(std::string_view& text, std::uint64_t size, std::string_view& out) {
  if (size > text.size()) return false;
  out = text.substr(0, size);
  text.remove_prefix(size);
  return true;
}

bool split_head(std::string_view text, std::string_view& head, std::string_view& rest) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  head = text.substr(0, end);
  rest = text.substr(end + 1);
  return serializers::is_utf8(rest);
}

}  // namespace

std::string write_question(std::string_view realm, const realm::NodeQuestion& question) {
  return fmt::format("{} {} {} {} {}\n{}{}{}{}", question.number, question.trusted ? 1 : 0, realm.size(),
                     question.procedure.size(), question.arguments.size(), realm, question.procedure,
                     question.arguments, question.keywords);
}

bool read_question(std::string_view text, std::string_view& realm, realm::NodeQuestion& out) {
  std::string_view head;
  std::string_view procedure;
  std::string_view arguments;
  std::uint64_t trusted = 0;
  std::uint64_t sizes[3]{};
  if (!split_head(text, head, text)) return false;
  if (!take_number(head, out.number) || !take_number(head, trusted) || trusted > 1) return false;
  for (std::uint64_t& size : sizes) {
    if (!take_number(head, size)) return false;
  }
  if (!head.empty() || !take_part(text, sizes[0], realm) || !take_part(text, sizes[1], procedure)) return false;
  if (!take_part(text, sizes[2], arguments)) return false;
  out.trusted = trusted == 1;
  out.procedure = procedure;
  out.arguments = arguments;
  out.keywords = text;
  return true;
}

std::string write_answer(std::uint64_t number, const realm::NodeAnswer& answer) {
  return fmt::format("{} {}\n{}{}", number, answer.error.size(), answer.error, answer.text);
}

bool read_answer(std::string_view text, std::uint64_t& number, realm::NodeAnswer& out) {
  std::string_view head;
  std::string_view error;
  std::uint64_t size = 0;
  if (!split_head(text, head, text) || !take_number(head, number) || !take_number(head, size)) return false;
  if (!head.empty() || !take_part(text, size, error)) return false;
  out.error = error;
  out.text = text;
  return true;
}

std::uint64_t MetaQuestions::begin(const Origin& origin, std::string procedure,
                                   const std::vector<std::string>& addresses, Time until) {
  Open open;
  open.so_far.origin = origin;
  open.so_far.procedure = std::move(procedure);
  open.waited_for.insert(addresses.begin(), addresses.end());
  open.until = until;
  open_.emplace(++last_number_, std::move(open));
  return last_number_;
}

void MetaQuestions::answered(std::string_view address, std::uint64_t number, realm::NodeAnswer answer) {
  const auto at = open_.find(number);
  if (at == open_.end()) return;
  Open& open = at->second;
  const auto node = open.waited_for.find(address);
  if (node == open.waited_for.end()) return;
  const std::size_t bytes = answer.text.size();
  if (bytes_ + bytes > kMostBytes) {
    open.so_far.missing.push_back(*node);
  } else {
    bytes_ += bytes;
    open.bytes += bytes;
    answer.node = address.substr(0, address.rfind('/'));
    open.so_far.answers.push_back(std::move(answer));
  }
  open.waited_for.erase(node);
  if (open.waited_for.empty()) finish(at);
}

void MetaQuestions::gone(std::string_view address) {
  for (auto at = open_.begin(); at != open_.end();) {
    auto& waited_for = at->second.waited_for;
    const auto node = waited_for.find(address);
    if (node != waited_for.end()) {
      at->second.so_far.missing.push_back(*node);
      waited_for.erase(node);
    }
    at = waited_for.empty() ? finish(at) : std::next(at);
  }
}

void MetaQuestions::expire(Time now) {
  while (!open_.empty() && open_.begin()->second.until <= now) {
    Open& open = open_.begin()->second;
    open.so_far.missing.insert(open.so_far.missing.end(), open.waited_for.begin(), open.waited_for.end());
    finish(open_.begin());
  }
}

MetaQuestions::Questions::iterator MetaQuestions::finish(Questions::iterator at) {
  bytes_ -= at->second.bytes;
  finished_.push_back(std::move(at->second.so_far));
  return open_.erase(at);
}

std::vector<MetaQuestions::Finished> MetaQuestions::take_finished() { return std::exchange(finished_, {}); }

}  // namespace crosspoint::cluster
