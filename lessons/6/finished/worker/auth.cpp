#include "auth.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "common/http.hpp"
#include "common/table.hpp"

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

// A user's token and role.
std::pair<std::string, std::string> token_from_user(const std::string& name) {
  if (name == "alice") return {"changeme", "basic-user"};
  if (name == "bob") return {"password123", "permissions-user"};

  const std::string app = workshop::environment("APP_4_URL", "http://127.0.0.1:9014");
  std::string token = workshop::http_get(workshop::with_query(app + "/auth", {{"name", name}}));
  token.erase(token.find_last_not_of(" \r\n") + 1);
  if (!token.empty()) return {token, "app-user"};

  throw std::runtime_error("no user found with the name \"" + name + "\"");
}

}  // namespace

void register_auth(const Session& session, workshop::Redis& redis) {
  workshop::provide_beside(session, "workshop.auth", [session, &redis](const Json& args) -> Json {
    const std::string realm = text_at(args, 0);
    const std::string name = text_at(args, 1);
    const std::string client = std::to_string(id_at(args.at(2), "session"));
    terminal_log("\"" + name + "\" asks to join the realm \"" + realm + "\" as session " + client);
    try {
      const auto [token, role] = token_from_user(name);
      terminal_log("\"" + name + "\" has the role \"" + role + "\"");
      run_beside(session, "redis", [&redis, client, name] { redis.set("session-" + client, name); });
      return {{"role", role}, {"secret", token}};
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
      // A secret that nobody knows, and a role without any permission.
      return {{"role", "blocked"}, {"secret", workshop::random_text(32)}};
    }
  });
}

void register_permissions(const Session& session) {
  workshop::provide_beside(session, "workshop.permissions", [](const Json& args) -> Json {
    const std::string name = text_at(args.at(0), "authid");
    const std::string uri = text_at(args, 1);
    const std::string action = text_at(args, 2);
    terminal_log("\"" + name + "\" wants to " + action + ": " + uri);
    if (action == "register") return false;
    if (action == "call") return uri == "workshop.subscribers";
    if (action == "subscribe" && uri == "workshop.broadcast") return true;

    // A subscription to a pattern would reach into other threads.
    if (!is_chat(uri) || (args.size() > 3 && args[3].contains("match"))) return false;
    const std::string app = workshop::environment("APP_5_URL", "http://127.0.0.1:9015");
    try {
      workshop::http_get(workshop::with_query(app + "/access", {{"thread", thread_of(uri)}, {"user", name}}));
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
      return false;
    }
    return {{"allow", true}, {"disclose", true}, {"cache", true}};
  });
}

void register_subscribers(const Session& session, workshop::Redis& redis) {
  workshop::provide_beside(session, "workshop.subscribers", [&redis](const Json& args) -> Json {
    std::string topic = text_at(args, 0);
    if (topic.empty()) return "[]";
    if (!is_chat(topic)) topic = chat + topic;
    const std::string users = workshop::text_of(redis.get_array(topic));
    terminal_log("In \"" + topic + "\" there are " + users);
    return users;
  });
}
