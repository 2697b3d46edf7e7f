#include "common/wamp.hpp"

#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "common/unreachable.hpp"

namespace workshop {
namespace {

constexpr std::chrono::seconds kTimeToPublish{5};
constexpr std::chrono::milliseconds kGlance{100};  // how soon it is seen that the session has ended

using Invocation = autobahn::wamp_invocation;
using Handler = std::function<void(const Invocation& invocation, const Json& args)>;

Json arguments_of(const Invocation& invocation, Bytes bytes) {
  if (invocation->number_of_arguments() == 0) return Json::array();
  return to_json(invocation->arguments<msgpack::object>(), bytes);
}

/// Answers, unless the connection has gone meanwhile.
void answer(const Invocation& invocation, const std::string& name, const std::function<Json()>& result) {
  try {
    try {
      invocation->result(Json::array({result()}));
    } catch (const std::exception& error) {
      terminal_log("Error in \"" + name + "\": " + error.what());
      if (invocation->sendable()) invocation->error("wamp.error.runtime_error", Json::array({error.what()}));
    }
  } catch (const std::exception& error) {
    terminal_log("The answer of \"" + name + "\" could not be sent: " + error.what());
  }
}

void provide_with(const Session& session, const std::string& name, Bytes bytes, const Handler& handler) {
  auto registered = session->provide(
      name, [bytes, handler](Invocation invocation) { handler(invocation, arguments_of(invocation, bytes)); });
  const std::weak_ptr<WampSession> weak = session;
  when_ready(std::move(registered), [weak, name, bytes, handler](auto result) {
    try {
      result.get();
      terminal_log("I registered the procedure \"" + name + "\"");
    } catch (const std::exception& error) {
      const std::string reason = error.what();
      const Session ours = weak.lock();
      if (!ours || reason.find("procedure_already_exists") == std::string::npos) {
        return terminal_log("I may not register the procedure \"" + name + "\": " + reason);
      }
      terminal_log("Somebody else has the procedure \"" + name + "\", trying again");
      auto timer = std::make_shared<boost::asio::steady_timer>(ours->io, std::chrono::seconds(1));
      timer->async_wait([timer, weak, name, bytes, handler](const boost::system::error_code& stopped) {
        const Session again = weak.lock();
        if (!stopped && again) provide_with(again, name, bytes, handler);
      });
    }
  });
}

void subscribe_with(const Session& session, const std::string& topic, const std::string& match, Listener listener) {
  const std::weak_ptr<WampSession> weak = session;
  const auto handler = [weak, topic, listener = std::move(listener)](const autobahn::wamp_event& event) {
    const Session ours = weak.lock();
    if (!ours) return;
    try {
      const EventDetails details = ours->event_details;
      listener(event.number_of_arguments() == 0 ? Json::array() : to_json(event.arguments<msgpack::object>()), details);
    } catch (const std::exception& error) {
      terminal_log("Error at an event of \"" + topic + "\": " + error.what());
    }
  };
  auto subscribed = session->subscribe(topic, handler, autobahn::wamp_subscribe_options(match));
  when_ready(std::move(subscribed), [topic](auto result) {
    try {
      result.get();
      terminal_log("I subscribed to \"" + topic + "\"");
    } catch (const std::exception& error) {
      terminal_log("I may not subscribe to \"" + topic + "\": " + error.what());
    }
  });
}

/// Hands over what comes of a call.
void hand_over(boost::future<autobahn::wamp_call_result> called, const std::string& name, Answer answer,
               Failure failure) {
  when_ready(std::move(called), [name, answer = std::move(answer), failure = std::move(failure)](auto result) {
    Json value;
    try {
      const autobahn::wamp_call_result answered = result.get();
      if (answered.number_of_arguments() > 0) value = to_json(answered.template argument<msgpack::object>(0));
    } catch (const std::exception& error) {
      if (failure) return failure(error.what());
      return terminal_log("Calling \"" + name + "\" failed: " + error.what());
    }
    try {
      answer(value);
    } catch (const std::exception& error) {
      terminal_log("Error at the answer of \"" + name + "\": " + error.what());
    }
  });
}

}  // namespace

void subscribe(const Session& session, const std::string& topic, Listener listener) {
  subscribe_with(session, topic, "exact", std::move(listener));
}

void subscribe_prefix(const Session& session, const std::string& prefix, Listener listener) {
  subscribe_with(session, prefix, "prefix", std::move(listener));
}

void provide(const Session& session, const std::string& name, Procedure procedure, Bytes bytes) {
  provide_with(session, name, bytes,
               [name, procedure = std::move(procedure)](const Invocation& invocation, const Json& args) {
                 answer(invocation, name, [&] { return procedure(args); });
               });
}

void provide_beside(const Session& session, const std::string& name, Procedure procedure) {
  const std::weak_ptr<WampSession> weak = session;
  provide_with(session, name, Bytes::as_text,
               [weak, name, procedure = std::move(procedure)](const Invocation& invocation, const Json& args) {
                 const Session ours = weak.lock();
                 if (!ours) return;
                 const bool taken = ours->procedures.post([weak, name, procedure, invocation, args] {
                   std::function<Json()> result;
                   try {
                     result = [value = procedure(args)] { return value; };
                   } catch (const std::exception& error) {
                     result = [text = std::string(error.what())]() -> Json { throw std::runtime_error(text); };
                   }
                   const Session still = weak.lock();
                   if (still) still->io.post([invocation, name, result] { answer(invocation, name, result); });
                 });
                 if (!taken)
                   answer(invocation, name,
                          []() -> Json { throw std::runtime_error("too much to do, try again later"); });
               });
}

void run_beside(const Session& session, const std::string& queue, std::function<void()> job) {
  session->queue(queue).post(std::move(job));
}

void publish(const Session& session, const std::string& topic, const Json& args) {
  if (session->io.get_executor().running_in_this_thread()) {
    throw std::logic_error("publish() waits for the router: use it in run_beside(), not in the session's thread");
  }
  const auto answer = std::make_shared<std::promise<void>>();
  std::future<void> published = answer->get_future();
  const std::lock_guard<std::mutex> one_at_a_time(session->publishing);
  const std::weak_ptr<WampSession> weak = session;
  session->io.post([weak, topic, args, answer] {
    const Session ours = weak.lock();
    if (!ours) return;
    ours->unanswered = {0, answer};  // the transport has its number
    ours->publish(topic, args);
  });
  const auto end = std::chrono::steady_clock::now() + kTimeToPublish;
  const std::string what = "publishing to \"" + topic + "\" failed: ";
  while (published.wait_for(kGlance) != std::future_status::ready) {
    if (session->io.stopped()) throw Unreachable(what + "the session has ended");
    if (std::chrono::steady_clock::now() > end) throw Unreachable(what + "the router does not answer");
  }
  try {
    published.get();
  } catch (const std::exception& error) {
    throw Unreachable(what + error.what());
  }
}

void call(const Session& session, const std::string& name, const Json& args, Answer answer, Failure failure) {
  hand_over(session->call(name, args), name, std::move(answer), std::move(failure));
}

void call(const Session& session, const std::string& name, const Json& args, const Json& keywords, Answer answer,
          Failure failure) {
  hand_over(session->call(name, args, keywords), name, std::move(answer), std::move(failure));
}

}  // namespace workshop
