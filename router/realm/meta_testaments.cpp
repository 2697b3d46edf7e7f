#include <fmt/core.h>

#include "realm/meta_request.hpp"
#include "serializers/serializers.hpp"
#include "serializers/value.hpp"

/// "Testament Meta Procedures"
namespace crosspoint::realm {
namespace {

using nlohmann::json;

constexpr std::string_view kTestamentError = "wamp.error.testament_error";

/// The PUBLISH that a call of wamp.session.add_testament describes, as CBOR. Options that make no sense when the
/// publisher is gone are left out, as in Crossbar.
std::string publish_message(const json& topic, const json& arguments, const json& keywords, json options) {
  options.erase("acknowledge");
  options.erase("exclude_me");
  json message{16, 1, std::move(options), topic};
  if (!arguments.is_null() || !keywords.is_null()) message.push_back(arguments.is_null() ? json::array() : arguments);
  if (!keywords.is_null()) message.push_back(keywords);
  std::string bytes;
  serializers::append_value(wamp::Encoding::cbor, message, bytes);
  return bytes;
}

}  // namespace

bool MetaApi::read_scope(Request& request, std::size_t place, TestamentScope& scope, Outbox& out) {
  const json& given = request.argument(place, "scope");
  if (given.is_null() || given == "destroyed") {
    scope = TestamentScope::destroyed;
  } else if (given == "detached") {
    scope = TestamentScope::detached;
  } else {
    request.fail(kTestamentError, "scope must be destroyed or detached", out);
    return false;
  }
  return true;
}

void MetaApi::add_testament(Request& request, Outbox& out) {
  const json& topic = request.argument(0, "topic");
  const json& arguments = request.argument(1, "args");
  const json& keywords = request.argument(2, "kwargs");
  const json& options = request.argument(3, "publish_options");
  const bool good = topic.is_string() && (arguments.is_null() || arguments.is_array()) &&
                    (keywords.is_null() || keywords.is_object()) && (options.is_null() || options.is_object());
  if (!good) {
    return request.fail(wamp::kInvalidArgument,
                        "the arguments are a topic, a list and a dictionary for the event, and optionally "
                        "publish_options (a dictionary) and scope",
                        out);
  }
  TestamentScope scope{};
  if (!read_scope(request, 4, scope, out)) return;

  Testament testament;
  testament.publish = publish_message(topic, arguments, keywords, options.is_null() ? json::object() : options);
  serializers::Scratch scratch;
  wamp::Message decoded;
  const auto problem = serializers::decode(wamp::Encoding::cbor, base::as_bytes(testament.publish), scratch, decoded);
  if (!problem.empty()) return request.fail(wamp::kInvalidArgument, problem, out);
  const auto& publish = std::get<wamp::Publish>(decoded);
  if (!wamp::is_valid_uri(publish.topic, context_.options.uri_check)) {
    return request.fail(wamp::kInvalidUri, fmt::format("the topic '{}' is no valid URI", publish.topic), out);
  }
  Session& session = *request.session;
  if (wamp::is_reserved(publish.topic) && !session.role->trusted()) {
    return request.fail(wamp::kInvalidUri, fmt::format("publish with restricted topic URI '{}'", publish.topic), out);
  }
  // Now, since a dynamic authorizer could not be asked any more when the session is gone.
  const auto permit = authorize(context_, session, publish.topic, Action::publish, publish.options.raw.kept());
  if (permit.outcome == Authorization::Outcome::deferred) return;
  if (permit.outcome != Authorization::Outcome::allowed) {
    return refuse_unauthorized(out, context_, session, wamp::MessageType::call, request.caller.request, publish.topic,
                               Action::publish, permit);
  }
  testament.disclose = discloses(session, publish.topic, permit);
  testament.trustlevel = permit.trustlevel;

  if (!session.testaments) session.testaments = std::make_unique<Testaments>();
  const TestamentLimits& limits = context_.options.testaments;
  if (session.testaments->count() >= limits.count) {
    return request.fail(kTestamentError, fmt::format("a session may have at most {} testaments", limits.count), out);
  }
  if (session.testaments->bytes() + testament.publish.size() > limits.bytes) {
    return request.fail(kTestamentError,
                        fmt::format("the testaments of a session may take at most {} bytes", limits.bytes), out);
  }
  testament.id = wamp::random_id(context_.random);
  const std::string id = std::to_string(testament.id);
  session.testaments->of(scope).push_back(std::move(testament));
  answer(request, id, out);
}

void MetaApi::flush_testaments(Request& request, Outbox& out) {
  TestamentScope scope{};
  if (!read_scope(request, 0, scope, out)) return;
  std::size_t flushed = 0;
  if (Testaments* testaments = request.session->testaments.get()) {
    flushed = std::exchange(testaments->of(scope), {}).size();
  }
  answer(request, std::to_string(flushed), out);
}

}  // namespace crosspoint::realm
