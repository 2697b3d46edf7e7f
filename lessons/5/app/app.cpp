// The app of lesson 5: threads, and the messages that were sent to them. It shares the documents with the app of
// lesson 4.

#include "common/app.hpp"
#include "common/chat.hpp"
#include "common/log.hpp"
#include "common/users.hpp"

using workshop::HttpRefusal;

namespace {

// Lets a user use a thread.
void open_thread(const httplib::Request& request, httplib::Response& response) {
  const workshop::Json body = workshop::json_body(request);
  const auto user = workshop::proper_name(workshop::needed(body, "name"));
  const auto title = workshop::proper_name(workshop::needed(body, "title"));
  const std::string thread = workshop::thread_of(title.value_or(""));
  if (!user || thread.empty()) throw HttpRefusal(400, "name and title have 1 to 64 bytes and no control characters");
  const bool added = workshop::open_thread(*user, *title);
  workshop::answer(response, added ? 201 : 200, {{"name", *user}, {"title", *title}, {"thread", thread}});
}

// The authorizer asks this.
void tell_access(const httplib::Request& request, httplib::Response& response) {
  if (!workshop::may_use(request.get_param_value("user"), request.get_param_value("thread"))) {
    throw HttpRefusal(403, "the user may not use the thread");
  }
  response.status = 204;
}

// The listener sends this. Who may say in whose name something was said is not for everybody.
void store_message(const httplib::Request& request, httplib::Response& response) {
  try {
    workshop::answer(response, 201, {{"id", workshop::store_message(workshop::json_body(request))}});
  } catch (const workshop::NotAllowed& refusal) {
    throw HttpRefusal(403, refusal.what());
  } catch (const std::invalid_argument& error) {
    throw HttpRefusal(400, error.what());
  }
}

}  // namespace

int main() {
  workshop::set_log_name("app 5");
  workshop::App app(5);
  app.post("/thread", open_thread);
  app.internal_get("/access", tell_access);
  app.internal_post("/message", store_message);
  return app.run();
}
