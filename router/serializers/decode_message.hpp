#pragma once

#include <memory>
#include <string_view>

#include "serializers/decode_options.hpp"
#include "serializers/reader.hpp"
#include "wamp/message.hpp"

/// Where the fields of each message stand on the wire, once for all encodings ("Messages" of the specification).
/// The functions return what is wrong, or nothing.
namespace crosspoint::serializers {

template <Reader R>
class MessageDecoder {
 public:
  MessageDecoder(R& reader, wamp::Message& out, Scratch& scratch) : reader_(reader), out_(out), scratch_(scratch) {}

  Problem decode() {
    std::uint64_t type = 0;
    if (!reader_.enter_list() || !reader_.more() || !reader_.read_uint(type)) {
      return "a message is a list that begins with its type";
    }
    if (const Problem problem = fields(type); !problem.empty()) return problem;
    if (reader_.more()) return "a message has more fields than its type allows";
    if (!reader_.ok()) return "a message is malformed";
    if (!reader_.at_end()) return "something follows a message";
    return {};
  }

 private:
  Problem fields(std::uint64_t type) {
    using wamp::MessageType;
    if (type > 255) return "there is no such message type";
    switch (static_cast<MessageType>(type)) {
      case MessageType::hello:
        return hello(out_.emplace<wamp::Hello>());
      case MessageType::welcome:
        return welcome(out_.emplace<wamp::Welcome>());
      case MessageType::abort:
        return abort(out_.emplace<wamp::Abort>());
      case MessageType::challenge:
        return challenge(out_.emplace<wamp::Challenge>());
      case MessageType::authenticate:
        return authenticate(out_.emplace<wamp::Authenticate>());
      case MessageType::goodbye:
        return goodbye(out_.emplace<wamp::Goodbye>());
      case MessageType::error:
        return error(out_.emplace<wamp::Error>());
      case MessageType::publish:
        return publish(out_.emplace<wamp::Publish>());
      case MessageType::published:
        return published(out_.emplace<wamp::Published>());
      case MessageType::subscribe:
        return subscribe(out_.emplace<wamp::Subscribe>());
      case MessageType::subscribed:
        return subscribed(out_.emplace<wamp::Subscribed>());
      case MessageType::unsubscribe:
        return unsubscribe(out_.emplace<wamp::Unsubscribe>());
      case MessageType::unsubscribed:
        return unsubscribed(out_.emplace<wamp::Unsubscribed>());
      case MessageType::event:
        return event(out_.emplace<wamp::Event>());
      case MessageType::call:
        return call(out_.emplace<wamp::Call>());
      case MessageType::cancel:
        return cancel(out_.emplace<wamp::Cancel>());
      case MessageType::result:
        return result(out_.emplace<wamp::Result>());
      case MessageType::register_:
        return register_(out_.emplace<wamp::Register>());
      case MessageType::registered:
        return registered(out_.emplace<wamp::Registered>());
      case MessageType::unregister:
        return unregister(out_.emplace<wamp::Unregister>());
      case MessageType::unregistered:
        return unregistered(out_.emplace<wamp::Unregistered>());
      case MessageType::invocation:
        return invocation(out_.emplace<wamp::Invocation>());
      case MessageType::interrupt:
        return interrupt(out_.emplace<wamp::Interrupt>());
      case MessageType::yield:
        return yield(out_.emplace<wamp::Yield>());
      default:
        return "there is no such message type";
    }
  }

  Problem hello(wamp::Hello& message) {
    if (!text(message.realm) && !null()) return "HELLO.Realm must be a string";
    return dict(message.details) ? Problem() : "HELLO.Details must be a dictionary";
  }
  Problem welcome(wamp::Welcome& message) {
    if (!id(message.session)) return "WELCOME.Session must be an id";
    return dict(message.details) ? Problem() : "WELCOME.Details must be a dictionary";
  }
  Problem abort(wamp::Abort& message) {
    if (!dict(message.details)) return "ABORT.Details must be a dictionary";
    if (!text(message.reason)) return "ABORT.Reason must be a URI";
    wamp::Payload ignored;
    return payload(ignored);
  }
  Problem challenge(wamp::Challenge& message) {
    if (!text(message.method)) return "CHALLENGE.AuthMethod must be a string";
    return dict(message.extra) ? Problem() : "CHALLENGE.Extra must be a dictionary";
  }
  Problem authenticate(wamp::Authenticate& message) {
    if (!text(message.signature)) return "AUTHENTICATE.Signature must be a string";
    return dict(message.extra) ? Problem() : "AUTHENTICATE.Extra must be a dictionary";
  }
  Problem goodbye(wamp::Goodbye& message) {
    if (!dict(message.details)) return "GOODBYE.Details must be a dictionary";
    return text(message.reason) ? Problem() : "GOODBYE.Reason must be a URI";
  }
  Problem error(wamp::Error& message) {
    std::uint64_t type = 0;
    if (!number(type) || type > 255) return "ERROR.Type must be a message type";
    message.request_type = static_cast<wamp::MessageType>(type);
    if (!id(message.request)) return kRequest;
    if (!dict(message.details)) return "ERROR.Details must be a dictionary";
    if (!text(message.error)) return "ERROR.Error must be a URI";
    return payload(message.payload);
  }
  Problem publish(wamp::Publish& message) {
    if (!id(message.request)) return kRequest;
    if (!dict(message.options.raw)) return "PUBLISH.Options must be a dictionary";
    if (const Problem bad = decode_options<R>(message.options, scratch_); !bad.empty()) return bad;
    if (!text(message.topic)) return "PUBLISH.Topic must be a URI";
    return payload(message.payload, message.options.passthru);
  }
  Problem published(wamp::Published& message) {
    if (!id(message.request)) return kRequest;
    return id(message.publication) ? Problem() : "PUBLISHED.Publication must be an id";
  }
  Problem subscribe(wamp::Subscribe& message) {
    if (!id(message.request)) return kRequest;
    if (!dict(message.options.raw)) return "SUBSCRIBE.Options must be a dictionary";
    if (const Problem bad = decode_options<R>(message.options, scratch_); !bad.empty()) return bad;
    return text(message.topic) ? Problem() : "SUBSCRIBE.Topic must be a URI";
  }
  Problem subscribed(wamp::Subscribed& message) {
    if (!id(message.request)) return kRequest;
    return id(message.subscription) ? Problem() : "SUBSCRIBED.Subscription must be an id";
  }
  Problem unsubscribe(wamp::Unsubscribe& message) {
    if (!id(message.request)) return kRequest;
    if (!id(message.subscription)) return "UNSUBSCRIBE.Subscription must be an id";
    return optional_dict("UNSUBSCRIBE.Options must be a dictionary");
  }
  Problem event(wamp::Event& message) {
    if (!id(message.subscription)) return "EVENT.Subscription must be an id";
    if (!id(message.publication)) return "EVENT.Publication must be an id";
    wamp::Dict details;
    if (!dict(details)) return "EVENT.Details must be a dictionary";
    if (const Problem bad = decode_details<R>(details, message.details, scratch_); !bad.empty()) return bad;
    return payload(message.payload);
  }
  Problem call(wamp::Call& message) {
    if (!id(message.request)) return kRequest;
    if (!dict(message.options.raw)) return "CALL.Options must be a dictionary";
    if (const Problem bad = decode_options<R>(message.options, scratch_); !bad.empty()) return bad;
    if (!text(message.procedure)) return "CALL.Procedure must be a URI";
    return payload(message.payload, message.options.passthru);
  }
  Problem cancel(wamp::Cancel& message) {
    if (!id(message.request)) return kRequest;
    if (!dict(message.options)) return "CANCEL.Options must be a dictionary";
    return decode_options<R>(message, scratch_);
  }
  Problem interrupt(wamp::Interrupt& message) {
    if (!id(message.request)) return kRequest;
    wamp::Dict options;
    if (!dict(options)) return "INTERRUPT.Options must be a dictionary";
    return decode_options<R>(options, message, scratch_);
  }
  Problem result(wamp::Result& message) {
    if (!id(message.request)) return kRequest;
    wamp::Dict details;
    if (!dict(details)) return "RESULT.Details must be a dictionary";
    if (const Problem bad = decode_details<R>(details, message.details, scratch_); !bad.empty()) return bad;
    return payload(message.payload);
  }
  Problem register_(wamp::Register& message) {
    if (!id(message.request)) return kRequest;
    if (!dict(message.options.raw)) return "REGISTER.Options must be a dictionary";
    if (const Problem bad = decode_options<R>(message.options, scratch_); !bad.empty()) return bad;
    return text(message.procedure) ? Problem() : "REGISTER.Procedure must be a URI";
  }
  Problem registered(wamp::Registered& message) {
    if (!id(message.request)) return kRequest;
    return id(message.registration) ? Problem() : "REGISTERED.Registration must be an id";
  }
  Problem unregister(wamp::Unregister& message) {
    if (!id(message.request)) return kRequest;
    if (!id(message.registration)) return "UNREGISTER.Registration must be an id";
    return optional_dict("UNREGISTER.Options must be a dictionary");
  }
  Problem invocation(wamp::Invocation& message) {
    if (!id(message.request)) return kRequest;
    if (!id(message.registration)) return "INVOCATION.Registration must be an id";
    wamp::Dict details;
    if (!dict(details)) return "INVOCATION.Details must be a dictionary";
    if (const Problem bad = decode_details<R>(details, message.details, scratch_); !bad.empty()) return bad;
    return payload(message.payload);
  }
  Problem yield(wamp::Yield& message) {
    if (!id(message.request)) return kRequest;
    if (!dict(message.options.raw)) return "YIELD.Options must be a dictionary";
    if (const Problem bad = decode_options<R>(message.options, scratch_); !bad.empty()) return bad;
    return payload(message.payload, message.options.passthru);
  }
  Problem unsubscribed(wamp::Unsubscribed& message) {
    return revoked("subscription", message.request, message.subscription, message.reason);
  }
  Problem unregistered(wamp::Unregistered& message) {
    return revoked("registration", message.request, message.registration, message.reason);
  }
  /// The request alone; or 0 and details of a revocation.
  Problem revoked(std::string_view name, wamp::RequestId& request, std::uint64_t& what, std::string_view& reason) {
    if (!number(request) || (request != 0 && !wamp::is_id(request))) return kRequest;
    if (request != 0) return optional_dict("Details must be a dictionary");
    wamp::Dict details;
    if (!dict(details)) return "the Details of a revocation must be a dictionary";
    return decode_revocation<R>(details, name, what, reason, scratch_);
  }

  bool number(std::uint64_t& out) { return reader_.more() && reader_.read_uint(out); }
  bool id(std::uint64_t& out) { return number(out) && wamp::is_id(out); }
  bool text(std::string_view& out) { return reader_.more() && reader_.kind() == Kind::text && reader_.read_text(out); }
  /// A null in place of the realm (Crossbar's clients may leave the choice to the authenticator); text() has moved
  /// to it.
  bool null() { return reader_.ok() && reader_.kind() == Kind::null && !reader_.skip().empty(); }
  bool dict(wamp::Dict& out) {
    if (!reader_.more() || reader_.kind() != Kind::dict) return false;
    out.encoding = R::kEncoding;
    out.bytes = reader_.skip();
    return reader_.ok();
  }
  /// A dictionary at the end that older peers leave out, and in which nothing is of interest.
  Problem optional_dict(Problem problem) {
    if (!reader_.more()) return reader_.ok() ? Problem() : kMalformed;
    if (reader_.kind() != Kind::dict) return problem;
    return reader_.skip().empty() ? kMalformed : Problem();
  }
  Problem payload(wamp::Payload& out, const wamp::PassthruRef& passthru = {}) {
    out.encoding = R::kEncoding;
    if (!reader_.more()) return reader_.ok() ? Problem() : kMalformed;
    const Kind kind = reader_.kind();
    const bool transparent = kind == Kind::text || kind == Kind::binary;
    if (kind != Kind::list && !transparent) return "Arguments must be a list";
    const base::Bytes arguments = reader_.skip();
    if (!reader_.ok()) return kMalformed;
    out.elements = 1;
    out.bytes = arguments;
    if (!reader_.more()) {
      if (!reader_.ok()) return kMalformed;
      return transparent ? transparency_problem(passthru) : Problem();
    }
    if (transparent) return "Arguments must be a list where ArgumentsKw follow";
    if (reader_.kind() != Kind::dict) return "ArgumentsKw must be a dictionary";
    const base::Bytes keywords = reader_.skip();
    if (!reader_.ok()) return kMalformed;
    out.elements = 2;
    out.bytes = {arguments.data(), keywords.data() + keywords.size()};
    return {};
  }

  static constexpr Problem kRequest = "Request must be an id from 1 to 2^53";
  static constexpr Problem kMalformed = "a message is malformed";

  R& reader_;
  wamp::Message& out_;
  Scratch& scratch_;
};

}  // namespace crosspoint::serializers
