// Lesson 5: begins where lesson 4 ended. The steps in lessons/5/README.md add to it.

#include <stdexcept>
#include <string>
#include <utility>

#include "common/http.hpp"
#include "common/table.hpp"
#include "common/wamp.hpp"

using workshop::Json;
using workshop::terminal_log;

namespace {

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

void register_auth(const workshop::Session& session) {
  workshop::provide_beside(session, "workshop.auth", [](const Json& args) -> Json {
    const std::string realm = workshop::text_at(args, 0);
    const std::string name = workshop::text_at(args, 1);
    const std::string client = std::to_string(workshop::id_at(args.at(2), "session"));
    terminal_log("\"" + name + "\" asks to join the realm \"" + realm + "\" as session " + client);
    try {
      const auto [token, role] = token_from_user(name);
      terminal_log("\"" + name + "\" has the role \"" + role + "\"");
      return {{"role", role}, {"secret", token}};
    } catch (const std::exception& error) {
      terminal_log(std::string("Error: ") + error.what());
      // A secret that nobody knows, and a role without any permission.
      return {{"role", "blocked"}, {"secret", workshop::random_text(32)}};
    }
  });
}

void register_permissions(const workshop::Session& session) {
  workshop::provide(session, "workshop.permissions", [](const Json& args) -> Json {
    const std::string name = workshop::text_at(args.at(0), "authid");
    const std::string uri = workshop::text_at(args, 1);
    const std::string action = workshop::text_at(args, 2);
    terminal_log("\"" + name + "\" wants to " + action + ": " + uri);
    const bool chat = uri.rfind("workshop.chat", 0) == 0;
    if (chat && action == "publish") return {{"allow", true}, {"disclose", true}, {"cache", true}};
    if (chat && action == "subscribe") return {{"allow", true}, {"cache", true}};
    return false;
  });
}

}  // namespace

int main(int argc, char** argv) {
  workshop::set_log_name("authenticator");
  if (argc != 5) {
    terminal_log("Usage: authenticator URL REALM USER SECRET");
    return 2;
  }
  workshop::Worker worker({argv[1], argv[2], argv[3], argv[4]});
  worker.on_open([](const workshop::Session& session, const workshop::Welcome& welcome) {
    terminal_log("Connection open: I have the role \"" + welcome.authrole + "\"");
    register_auth(session);
    register_permissions(session);
  });
  return worker.run();
}
