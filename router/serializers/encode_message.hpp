#pragma once

#include <string_view>

#include "serializers/writers.hpp"
#include "wamp/message.hpp"

/// The fields of each message in wire order, for all writers. Payloads are not written here: begin_payload() leaves
/// the place where they go.
namespace crosspoint::serializers {

/// `WriteDict` is called with the writer and a wamp::Dict, which may have come in another encoding, and writes it.
template <class W, class WriteDict>
class MessageEncoder {
 public:
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
      w_.begin_dict(std::size_t{pattern} + std::size_t{m.options.get_retained});
      if (pattern) pair("match", to_string(m.options.match));
      if (m.options.get_retained) flag("get_retained", true);
      w_.end_dict();
      w_.text(m.topic);
    });
  }
  void operator()(const wamp::Subscribed& m) { numbers(wamp::MessageType::subscribed, m.request, m.subscription); }
  void operator()(const wamp::Unsubscribe& m) { numbers(wamp::MessageType::unsubscribe, m.request, m.subscription); }
  void operator()(const wamp::Unsubscribed& m) {
    if (m.request != 0) return numbers(wamp::MessageType::unsubscribed, m.request);
    revocation(wamp::MessageType::unsubscribed, "subscription", m.subscription, m.reason);
  }
  void operator()(const wamp::Event& m) {
    begin(wamp::MessageType::event, 4 + m.payload.elements);
    w_.number(m.subscription);
    w_.number(m.publication);
    begin_identity(m.details.publisher, m.details.publisher_authid, m.details.publisher_authrole, m.details.topic,
                   count(m.details.passthru) + std::size_t{m.details.retained} + count(m.details.trustlevel));
    identity({"publisher", "publisher_authid", "publisher_authrole", "topic"}, m.details.publisher,
             m.details.publisher_authid, m.details.publisher_authrole, m.details.topic);
    if (m.details.retained) flag("retained", true);
    trustlevel(m.details.trustlevel);
    passthru(m.details.passthru);
    w_.end_dict();
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
      w_.begin_dict(1);
      pair("mode", to_string(m.mode));
      w_.end_dict();
    });
  }
  void operator()(const wamp::Result& m) {
    begin(wamp::MessageType::result, 3 + m.payload.elements);
    w_.number(m.request);
    begin_identity(m.details.callee, m.details.callee_authid, m.details.callee_authrole, {},
                   count(m.details.passthru) + std::size_t{m.details.progress});
    identity({"callee", "callee_authid", "callee_authrole", ""}, m.details.callee, m.details.callee_authid,
             m.details.callee_authrole, {});
    if (m.details.progress) flag("progress", true);
    passthru(m.details.passthru);
    w_.end_dict();
    payload(m.payload);
  }
  void operator()(const wamp::Register& m) {
    small(wamp::MessageType::register_, 4, [&] {
      w_.number(m.request);
      const bool pattern = m.options.match != wamp::Match::exact;
      const bool shared = m.options.invoke != wamp::InvocationPolicy::single;
      w_.begin_dict(std::size_t{pattern} + std::size_t{shared} + std::size_t{m.options.forward_timeout} +
                    std::size_t{m.options.force_reregister} + std::size_t{m.options.concurrency != 0});
      if (pattern) pair("match", to_string(m.options.match));
      if (shared) pair("invoke", to_string(m.options.invoke));
      if (m.options.forward_timeout) flag("forward_timeout", true);
      if (m.options.force_reregister) flag("force_reregister", true);
      if (m.options.concurrency != 0) {
        w_.key("concurrency");
        w_.number(m.options.concurrency);
      }
      w_.end_dict();
      w_.text(m.procedure);
    });
  }
  void operator()(const wamp::Registered& m) { numbers(wamp::MessageType::registered, m.request, m.registration); }
  void operator()(const wamp::Unregister& m) { numbers(wamp::MessageType::unregister, m.request, m.registration); }
  void operator()(const wamp::Unregistered& m) {
    if (m.request != 0) return numbers(wamp::MessageType::unregistered, m.request);
    revocation(wamp::MessageType::unregistered, "registration", m.registration, m.reason);
  }
  void operator()(const wamp::Invocation& m) {
    begin(wamp::MessageType::invocation, 4 + m.payload.elements);
    w_.number(m.request);
    w_.number(m.registration);
    begin_identity(m.details.caller, m.details.caller_authid, m.details.caller_authrole, m.details.procedure,
                   count(m.details.passthru) + std::size_t{m.details.receive_progress} +
                       std::size_t{m.details.progress} + std::size_t{m.details.timeout != 0} +
                       count(m.details.trustlevel));
    identity({"caller", "caller_authid", "caller_authrole", "procedure"}, m.details.caller, m.details.caller_authid,
             m.details.caller_authrole, m.details.procedure);
    if (m.details.receive_progress) flag("receive_progress", true);
    if (m.details.progress) flag("progress", true);
    if (m.details.timeout != 0) {
      w_.key("timeout");
      w_.number(m.details.timeout);
    }
    trustlevel(m.details.trustlevel);
    passthru(m.details.passthru);
    w_.end_dict();
    payload(m.payload);
  }
  void operator()(const wamp::Interrupt& m) {
    small(wamp::MessageType::interrupt, 3, [&] {
      w_.number(m.request);
      w_.begin_dict(1 + std::size_t{!m.reason.empty()});
      pair("mode", to_string(m.mode));
      if (!m.reason.empty()) pair("reason", m.reason);
      w_.end_dict();
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
  /// The dictionary that identity() writes into, with room for `more` entries.
  void begin_identity(const std::optional<wamp::SessionId>& id, std::string_view authid, std::string_view authrole,
                      std::string_view uri, std::size_t more) {
    w_.begin_dict(std::size_t{id.has_value()} + std::size_t{!authid.empty()} + std::size_t{!authrole.empty()} +
                  std::size_t{!uri.empty()} + more);
  }
  void identity(const Names& names, const std::optional<wamp::SessionId>& id, std::string_view authid,
                std::string_view authrole, std::string_view uri) {
    if (id) {
      w_.key(names.id);
      w_.number(*id);
    }
    if (!authid.empty()) pair(names.authid, authid);
    if (!authrole.empty()) pair(names.authrole, authrole);
    if (!uri.empty()) pair(names.uri, uri);
  }

  static std::size_t count(const wamp::PassthruRef& passthru) { return passthru ? passthru->attributes.size() : 0; }
  static std::size_t count(wamp::TrustLevel level) { return std::size_t{level != wamp::kNoTrustLevel}; }
  void trustlevel(wamp::TrustLevel level) {
    if (level == wamp::kNoTrustLevel) return;
    w_.key("trustlevel");
    w_.number(static_cast<std::uint64_t>(level));
  }
  void passthru(const wamp::PassthruRef& passthru) {
    if (!passthru) return;
    for (const auto& [key, value] : passthru->attributes) pair(key, value);
  }
  void revocation(wamp::MessageType type, std::string_view name, std::uint64_t id, std::string_view reason) {
    small(type, 3, [&] {
      w_.number(0U);
      w_.begin_dict(1 + std::size_t{!reason.empty()});
      w_.key(name);
      w_.number(id);
      if (!reason.empty()) pair("reason", reason);
      w_.end_dict();
    });
  }

  void publish_options(const wamp::PublishOptions& options) {
    const wamp::ReceiverFilter none;
    const wamp::ReceiverFilter& filter = options.filter ? *options.filter : none;
    w_.begin_dict(std::size_t{options.acknowledge} + std::size_t{!options.exclude_me} + std::size_t{options.retain} +
                  std::size_t{filter.exclude.has_value()} + std::size_t{filter.exclude_authid.has_value()} +
                  std::size_t{filter.exclude_authrole.has_value()} + std::size_t{filter.eligible.has_value()} +
                  std::size_t{filter.eligible_authid.has_value()} + std::size_t{filter.eligible_authrole.has_value()} +
                  count(options.passthru));
    if (options.acknowledge) flag("acknowledge", true);
    if (!options.exclude_me) flag("exclude_me", false);
    if (options.retain) flag("retain", true);
    list("exclude", filter.exclude);
    list("exclude_authid", filter.exclude_authid);
    list("exclude_authrole", filter.exclude_authrole);
    list("eligible", filter.eligible);
    list("eligible_authid", filter.eligible_authid);
    list("eligible_authrole", filter.eligible_authrole);
    passthru(options.passthru);
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
