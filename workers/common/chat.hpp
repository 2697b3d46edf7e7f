#pragma once

#include <string>

#include "common/json.hpp"

/// Who may use which thread of the chat, and what was said there: the tables "threads" and "messages".
namespace workshop {

/// A thread's title as it is in topics: "Some thread" is "some-thread". Empty if nothing is left.
std::string thread_of(const std::string& title);

/// Lets a user use a thread, which is made by that; false if that was so before.
bool open_thread(const std::string& user, const std::string& title);

bool may_use(const std::string& user, const std::string& thread);

/// Stores {"user", "thread", "message"} with the time, and returns the document's id. That is the message's "id", if it
/// has one: a message that comes again is not stored again. Throws NotAllowed if the user may not use the thread,
/// std::invalid_argument if something is missing or too long.
std::string store_message(const Json& message);

class NotAllowed : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace workshop
