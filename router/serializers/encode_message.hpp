#pragma once

#include <string_view>

#include "serializers/writers.hpp"
#include "wamp/message.hpp"

/// The fields of each message in wire order, for all writers. Payloads are not written here: begin_payload() leaves
/// the place where they go.
namespace crosspoint::serializers {

template <class W>
class MessageEncoder {
 public:
  /// Writes a dictionary that may have come in another encoding.
  using WriteDict = void (*)(W&, const wamp::Dict&);

  MessageEncoder(W& writer, WriteDict write_dict) : w_(writer), write_dict_(write_dict) {}

  void operator()(const wamp::Hello& m) {
    small(wamp::MessageType::hello, 3, [&] {
      w_.text(m.realm);
      dict(m.details);
    });
  }
  void operator()(const wamp::Welcome& m) {
    small(wamp::MessageType::welcome, 3, [&] {
      w_.number(m.session);
      dict(m.details);
    });
  }
  void operator()(const wamp::Abort& m) {
    small(wamp::MessageType::abort, 3, [&] {
      dict(m.details);
      w_.text(m.reason);
    });
  }
  void operator()(const wamp::Challenge& m) {
    small(wamp::MessageType::challenge, 3, [&] {
      w_.text(m.method);
      dict(m.extra);
    });
  }
  void operator()(const wamp::Authenticate& m) {
    small(wamp::MessageType::authenticate, 3, [&] {
      w_.text(m.signature);
      dict(m.extra);
    });
  }
  void operator()(const wamp::Goodbye& m) {
    small(wamp::MessageType::goodbye, 3, [&] {
      dict(m.details);
      w_.text(m.reason);
    });
  }
  void operator()(const wamp::Error& m) {
    begin(wamp::MessageType::error, 5 + m.payload.elements);
    w_.number(static_cast<std::uint64_t>(m.request_type));
    w_.number(m.request);
    dict(m.details);
    w_.text(m.error);
    payload(m.payload);
  }
  void operator()(const wamp::Publish& m) {
    begin(wamp::MessageType::publish, 4 + m.payload.elements);
    w_.number(m.request);
    publish_options(m.options);
    w_.text(m.topic);
    payload(m.payload);
  }
  void operator()(const wamp::Published& m) { numbers(wamp::MessageType::published, m.request, m.publication); }
  void operator()(const wamp::Subscribe& m) {
    small(wamp::MessageType::subscribe, 4, [&] {
      w_.number(m.request);
      const bool pattern = m.options.match != wamp::Match::exact;
      w_.begin_dict(pattern ? 1 : 0);
      if (pattern) pair("match", to_string(m.options.match));
      w_.end_dict();
      w_.text(m.topic);
    });
  }
  void operator()(const wamp::Subscribed& m) { numbers(wamp::MessageType::subscribed, m.request, m.subscription); }
  void operator()(const wamp::Unsubscribe& m) { numbers(wamp::MessageType::unsubscribe, m.request, m.subscription); }
  void operator()(const wamp::Unsubscribed& m) { numbers(wamp::MessageType::unsubscribed, m.request); }
  void operator()(const wamp::Event& m) {
    begin(wamp::MessageType::event, 4 + m.payload.elements);
    w_.number(m.subscription);
    w_.number(m.publication);
    identity({"publisher", "publisher_authid", "publisher_authrole", "topic"}, m.details.publisher,
             m.details.publisher_authid, m.details.publisher_authrole, m.details.topic);
    payload(m.payload);
  }
  void operator()(const wamp::Call& m) {
    begin(wamp::MessageType::call, 4 + m.payload.elements);
    w_.number(m.request);
    dict(m.options.raw);
    w_.text(m.procedure);
    payload(m.payload);
  }
  void operator()(const wamp::Cancel& m) {
    small(wamp::MessageType::cancel, 3, [&] {
      w_.number(m.request);
      dict(m.options);
    });
  }
  void operator()(const wamp::Result& m) {
    begin(wamp::MessageType::result, 3 + m.payload.elements);
    w_.number(m.request);
    identity({"callee", "callee_authid", "callee_authrole", ""}, m.details.callee, m.details.callee_authid,
             m.details.callee_authrole, {});
    payload(m.payload);
  }
  void operator()(const wamp::Register& m) {
    small(wamp::MessageType::register_, 4, [&] {
      w_.number(m.request);
      const bool pattern = m.options.match != wamp::Match::exact;
      const bool shared = m.options.invoke != wamp::InvocationPolicy::single;
      w_.begin_dict(std::size_t{pattern} + std::size_t{shared});
      if (pattern) pair("match", to_string(m.options.match));
      if (shared) pair("invoke", to_string(m.options.invoke));
      w_.end_dict();
      w_.text(m.procedure);
    });
  }
  void operator()(const wamp::Registered& m) { numbers(wamp::MessageType::registered, m.request, m.registration); }
  void operator()(const wamp::Unregister& m) { numbers(wamp::MessageType::unregister, m.request, m.registration); }
  void operator()(const wamp::Unregistered& m) { numbers(wamp::MessageType::unregistered, m.request); }
  void operator()(const wamp::Invocation& m) {
    begin(wamp::MessageType::invocation, 4 + m.payload.elements);
    w_.number(m.request);
    w_.number(m.registration);
    identity({"caller", "caller_authid", "caller_authrole", "procedure"}, m.details.caller, m.details.caller_authid,
             m.details.caller_authrole, m.details.procedure);
    payload(m.payload);
  }
  void operator()(const wamp::Interrupt& m) {
    small(wamp::MessageType::interrupt, 3, [&] {
      w_.number(m.request);
      dict(m.options);
    });
  }
  void operator()(const wamp::Yield& m) {
    begin(wamp::MessageType::yield, 3 + m.payload.elements);
    w_.number(m.request);
    dict(m.options.raw);
    payload(m.payload);
  }

 private:
  void begin(wamp::MessageType type, std::size_t fields) {
    w_.begin_list(fields);
    w_.number(static_cast<std::uint64_t>(type));
  }
  template <class Fields>
  void small(wamp::MessageType type, std::size_t count, Fields&& fields) {
    begin(type, count);
    fields();
    w_.end_list();
  }
  template <class... Numbers>
  void numbers(wamp::MessageType type, Numbers... values) {
    small(type, 1 + sizeof...(values), [&] { (w_.number(values), ...); });
  }
  void dict(const wamp::Dict& value) { write_dict_(w_, value); }
  void pair(std::string_view key, std::string_view value) {
    w_.key(key);
    w_.text(value);
  }
  void payload(const wamp::Payload& value) {
    if (value.elements == 0) {
      w_.end_list();
    } else {
      w_.begin_payload();
    }
  }

  /// Details that say who did it, and for a pattern to which URI.
  struct Names {
    std::string_view id, authid, authrole, uri;
  };
  void identity(const Names& names, const std::optional<wamp::SessionId>& id, std::string_view authid,
                std::string_view authrole, std::string_view uri) {
    w_.begin_dict(std::size_t{id.has_value()} + std::size_t{!authid.empty()} + std::size_t{!authrole.empty()} +
                  std::size_t{!uri.empty()});
    if (id) {
      w_.key(names.id);
      w_.number(*id);
    }
    if (!authid.empty()) pair(names.authid, authid);
    if (!authrole.empty()) pair(names.authrole, authrole);
    if (!uri.empty()) pair(names.uri, uri);
    w_.end_dict();
  }

  void publish_options(const wamp::PublishOptions& options) {
    const wamp::ReceiverFilter none;
    const wamp::ReceiverFilter& filter = options.filter ? *options.filter : none;
    w_.begin_dict(std::size_t{options.acknowledge} + std::size_t{!options.exclude_me} +
                  std::size_t{filter.exclude.has_value()} + std::size_t{filter.exclude_authid.has_value()} +
                  std::size_t{filter.exclude_authrole.has_value()} + std::size_t{filter.eligible.has_value()} +
                  std::size_t{filter.eligible_authid.has_value()} + std::size_t{filter.eligible_authrole.has_value()});
    if (options.acknowledge) flag("acknowledge", true);
    if (!options.exclude_me) flag("exclude_me", false);
    list("exclude", filter.exclude);
    list("exclude_authid", filter.exclude_authid);
    list("exclude_authrole", filter.exclude_authrole);
    list("eligible", filter.eligible);
    list("eligible_authid", filter.eligible_authid);
    list("eligible_authrole", filter.eligible_authrole);
    w_.end_dict();
  }
  void flag(std::string_view key, bool value) {
    w_.key(key);
    w_.boolean(value);
  }
  void item(std::uint64_t value) { w_.number(value); }
  void item(std::string_view value) { w_.text(value); }
  template <class Item>
  void list(std::string_view key, const std::optional<std::vector<Item>>& values) {
    if (!values) return;
    w_.key(key);
    w_.begin_list(values->size());
    for (const Item& value : *values) item(value);
    w_.end_list();
  }

  W& w_;
  WriteDict write_dict_;
};

}  // namespace crosspoint::serializers
