#pragma once

#include <functional>
#include <string>

#include "common/json.hpp"
#include "common/worker.hpp"

/// Subscribing, publishing, registering and calling with JSON values. What comes of each request is a line in the log.
/// Except where it says otherwise, handlers run in the session's thread: nothing in them may wait.
namespace workshop {

using Listener = std::function<void(const Json& args, const EventDetails& details)>;
using Procedure = std::function<Json(const Json& args)>;
using Answer = std::function<void(const Json& result)>;  ///< the first of the result's arguments
using Failure = std::function<void(const std::string& error)>;

void subscribe(const Session& session, const std::string& topic, Listener listener);

/// The same for all topics that begin so; details.topic has which one it was.
void subscribe_prefix(const Session& session, const std::string& prefix, Listener listener);

/// Registers a procedure. An exception is the caller's error. If another session has it (one of ours, say, whose end
/// the router has not noticed) it is tried again until it works.
void provide(const Session& session, const std::string& name, Procedure procedure, Bytes bytes = Bytes::as_text);

/// The same for a procedure that has to wait for something: it runs in a thread beside the session, four at a time, and
/// so must not touch what others of our threads change.
void provide_beside(const Session& session, const std::string& name, Procedure procedure);

/// Runs a job that has to wait for something in a thread beside the session. Those of one queue (it is there as soon as
/// it is named) are run one after the other, in this order; one that ends with Unreachable is tried again until it
/// works.
void run_beside(const Session& session, const std::string& queue, std::function<void()> job);

/// Returns when the router has acknowledged it. Throws Unreachable if it does not, or refuses. Not for the session's
/// own thread: there it would wait for itself.
void publish(const Session& session, const std::string& topic, const Json& args);

/// Without `failure` an error is only a line in the log.
void call(const Session& session, const std::string& name, const Json& args, Answer answer, Failure failure = nullptr);
/// With keyword arguments, which are an object.
void call(const Session& session, const std::string& name, const Json& args, const Json& keywords, Answer answer,
          Failure failure = nullptr);

}  // namespace workshop
