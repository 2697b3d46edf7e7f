#include "common/chat.hpp"

#include <ctime>

#include "common/table.hpp"

namespace workshop {
namespace {

constexpr std::size_t kLongestMessage = 10000;

/// The document that says that a user may use a thread.
std::string access_id(const std::string& user, const std::string& thread) { return Table::id_of(thread + "@" + user); }

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

std::string thread_of(const std::string& title) {
  std::string thread;
  for (const char c : title) {
    const bool kept =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) > 127;
    if (kept) {
      thread += c;
    } else if (c >= 'A' && c <= 'Z') {
      thread += static_cast<char>(c - 'A' + 'a');
    } else if (!thread.empty() && thread.back() != '-') {
      thread += '-';
    }
  }
  if (!thread.empty() && thread.back() == '-') thread.pop_back();
  return thread;
}

bool open_thread(const std::string& user, const std::string& title) {
  const std::string thread = thread_of(title);
  return Table("threads").add(access_id(user, thread), {{"name", user}, {"title", title}, {"thread", thread}});
}

bool may_use(const std::string& user, const std::string& thread) {
  // A long id is shortened: look into the document, not only for it.
  const Json document = Table("threads").get(access_id(user, thread)).value_or(Json::object());
  return !user.empty() && !thread.empty() && text_at(document, "name") == user && text_at(document, "thread") == thread;
}

std::string store_message(const Json& message) {
  const std::string user = text_at(message, "user");
  const std::string thread = text_at(message, "thread");
  const std::string said = text_at(message, "message");
  if (user.empty() || thread.empty() || said.empty()) {
    throw std::invalid_argument("a message has the texts \"user\", \"thread\" and \"message\"");
  }
  if (said.size() > kLongestMessage) {
    throw std::invalid_argument("a message has at most " + std::to_string(kLongestMessage) + " bytes");
  }
  if (!may_use(user, thread)) throw NotAllowed("\"" + user + "\" may not write to \"" + thread + "\"");
  const std::string id = message.contains("id") ? Table::id_of(text_at(message, "id")) : Table::next_id();
  if (id.empty()) throw std::invalid_argument("the \"id\" of a message is a text");
  Table("messages").add(id, {{"user", user}, {"thread", thread}, {"message", said}, {"time", now()}});
  return id;
}

}  // namespace workshop
