#include "listener.hpp"

#include <utility>

#include "common/http.hpp"
#include "common/table.hpp"

using workshop::EventDetails;
using workshop::id_at;
using workshop::Json;
using workshop::run_beside;
using workshop::Session;
using workshop::terminal_log;
using workshop::text_at;

namespace {

const std::string chat = "workshop.chat.";

bool is_chat(const std::string& uri) { return uri.rfind(chat, 0) == 0; }
std::string thread_of(const std::string& topic) { return topic.substr(chat.size()); }

}  // namespace

Listener::Listener(Session session, std::uint64_t own_session, workshop::Redis& redis)
    : session_(std::move(session)), own_session_(own_session), redis_(redis) {}

void Listener::start() {
  // All topics at once: if each were subscribed to when it is there, what is said at once would be missed.
  workshop::subscribe_prefix(session_, chat, [this](const Json& args, const EventDetails& details) {
    store_message(details.publisher_authid, details.topic, text_at(args, 0));
  });
  workshop::subscribe(session_, "wamp.subscription.on_create", [this](const Json& args, const EventDetails&) {
    if (id_at(args, 0) == own_session_ || text_at(args.at(1), "match") != "exact") return;
    topic_is_there(id_at(args.at(1), "id"), text_at(args.at(1), "uri"));
  });
  workshop::subscribe(session_, "wamp.subscription.on_subscribe", [this](const Json& args, const EventDetails&) {
    if (id_at(args, 0) != own_session_) somebody_came(id_at(args, 1), id_at(args, 0));
  });
  workshop::subscribe(session_, "wamp.subscription.on_unsubscribe",
                      [this](const Json& args, const EventDetails&) { look_who_is_there(id_at(args, 1)); });
  workshop::subscribe(session_, "wamp.subscription.on_delete",
                      [this](const Json& args, const EventDetails&) { topic_is_gone(id_at(args, 1)); });
  // Topics from before we were started (again).
  workshop::call(session_, "wamp.subscription.list", Json::array(), [this](const Json& lists) {
    for (const Json& id : lists.at("exact")) {
      workshop::call(session_, "wamp.subscription.get", Json::array({id}), [this](const Json& subscription) {
        topic_is_there(id_at(subscription, "id"), text_at(subscription, "uri"));
        look_who_is_there(id_at(subscription, "id"));
      });
    }
  });
}

void Listener::topic_is_there(std::uint64_t id, const std::string& topic) {
  if (!is_chat(topic) || !topics_.insert(id).second) return;
  terminal_log("There is a new topic: \"" + topic + "\" (" + std::to_string(id) + ")");
  run_beside(session_, "redis", [this, id, topic] {
    redis_.set("topic-" + std::to_string(id), topic);
    redis_.set_array(topic, {});
  });
}

void Listener::topic_is_gone(std::uint64_t id) {
  if (topics_.erase(id) == 0) return;
  changes_.erase(id);
  run_beside(session_, "redis", [this, id] {
    const std::string topic = redis_.get("topic-" + std::to_string(id)).value_or("");
    if (topic.empty()) return;
    redis_.set_array(topic, {});
    terminal_log("In \"" + topic + "\" there is nobody now");
  });
}

void Listener::store_message(const std::string& author, const std::string& topic, const std::string& text) {
  terminal_log("\"" + author + "\" said in \"" + topic + "\": \"" + text + "\"");
  const std::string id = workshop::Table::next_id();
  const Json message = {{"id", id}, {"user", author}, {"thread", thread_of(topic)}, {"message", text}};
  run_beside(session_, "messages", [message] {
    const std::string app = workshop::environment("APP_5_URL", "http://127.0.0.1:9015");
    workshop::http_post(app + "/message", message);
    terminal_log("Saved the message over HTTP");
  });
}

void Listener::somebody_came(std::uint64_t id, std::uint64_t subscriber) {
  if (topics_.count(id) == 0) return;
  ++changes_[id];
  run_beside(session_, "redis", [this, id, subscriber] {
    const std::string topic = redis_.get("topic-" + std::to_string(id)).value_or("");
    const std::string user = redis_.get("session-" + std::to_string(subscriber)).value_or("");
    if (topic.empty() || user.empty()) return;
    terminal_log("\"" + user + "\" subscribed to \"" + topic + "\"");
    redis_.add_to_array(topic, user);
  });
}

// The event of somebody leaving tells a session, but the user may still be there with another one: so the router is
// asked for all of them.
void Listener::look_who_is_there(std::uint64_t id) {
  if (topics_.count(id) == 0) return;
  const int changes = ++changes_[id];
  const auto gone = [](const std::string&) {};  // nobody is there, and so the topic is not either: on_delete
  workshop::call(
      session_, "wamp.subscription.list_subscribers", Json::array({id}),
      [this, id, changes](const Json& sessions) {
        // Who came or left while the answer was on its way may be missing in it, or not; or all are gone.
        if (changes_[id] != changes) return look_who_is_there(id);
        run_beside(session_, "redis", [this, id, sessions] { set_users(id, sessions); });
      },
      gone);
}

void Listener::set_users(std::uint64_t id, const Json& sessions) {
  const std::string topic = redis_.get("topic-" + std::to_string(id)).value_or("");
  if (topic.empty()) return;
  std::set<std::string> users;
  for (const Json& session : sessions) {
    const auto user = redis_.get("session-" + std::to_string(session.get<std::uint64_t>()));
    if (user) users.insert(*user);
  }
  redis_.set_array(topic, {users.begin(), users.end()});
  terminal_log("In \"" + topic + "\" there are now " + workshop::text_of(users));
}
