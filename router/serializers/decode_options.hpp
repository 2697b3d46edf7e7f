#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "serializers/attributes.hpp"
#include "serializers/reader.hpp"
#include "serializers/scratch.hpp"
#include "wamp/message.hpp"

/// The attributes of Options and Details that routing looks at. Others are passed over; those of a wrong type are a
/// protocol violation, as in Crossbar.
namespace crosspoint::serializers {

/// Empty: all is well. Otherwise what the peer did wrong, fit for an ABORT's message.
using Problem = std::string_view;

namespace detail {

template <Reader R>
bool read_optional_text(R& reader, std::string_view& out) {
  if (reader.kind() == Kind::null) return !reader.skip().empty();
  return reader.kind() == Kind::text && reader.read_text(out);
}

template <Reader R>
bool read_optional_id(R& reader, std::optional<std::uint64_t>& out) {
  if (reader.kind() == Kind::null) return !reader.skip().empty();
  std::uint64_t id = 0;
  if (!reader.read_uint(id) || !wamp::is_id(id)) return false;
  out = id;
  return true;
}

template <Reader R>
bool read_ids(R& reader, std::optional<std::vector<std::uint64_t>>& out) {
  if (!reader.enter_list()) return false;
  auto& list = out.emplace();
  while (reader.more()) {
    if (!reader.read_uint(list.emplace_back())) return false;
  }
  return reader.ok();
}

template <Reader R>
bool read_texts(R& reader, std::optional<std::vector<std::string_view>>& out) {
  if (!reader.enter_list()) return false;
  auto& list = out.emplace();
  while (reader.more()) {
    if (reader.kind() != Kind::text || !reader.read_text(list.emplace_back())) return false;
  }
  return reader.ok();
}

template <class Enum, std::size_t N>
bool read_name(std::string_view name, const Enum (&values)[N], Enum& out) {
  for (const Enum value : values) {
    if (to_string(value) == name) {
      out = value;
      return true;
    }
  }
  return false;
}

/// Calls `handle(key)` for each entry of a dictionary; it must read or skip the value and say whether it was good.
/// Returns the name of the first bad attribute, or nothing. Null is as good as no entry: JavaScript clients write it
/// for what is undefined.
template <Reader R, class Handle>
std::string_view each_entry(R& reader, Handle&& handle) {
  std::string_view key;
  if (!reader.enter_dict()) return "a dictionary";
  while (reader.more()) {
    if (!reader.read_key(key)) return key.empty() ? "a key" : key;
    if (reader.kind() == Kind::null) {
      reader.skip();
      continue;
    }
    if (!handle(key)) return key.empty() ? "a key" : key;
  }
  return {};
}

/// One attribute of ReceiverFilter; `known` says whether `key` names one.
template <Reader R>
bool read_filter(R& reader, std::string_view key, std::unique_ptr<wamp::ReceiverFilter>& filter, bool& known) {
  known = key.starts_with("exclude") || key.starts_with("eligible");
  if (!known) return true;
  if (reader.kind() == Kind::null) return !reader.skip().empty();
  auto& target = filter ? *filter : *(filter = std::make_unique<wamp::ReceiverFilter>());
  if (key == "exclude") return read_ids(reader, target.exclude);
  if (key == "exclude_authid") return read_texts(reader, target.exclude_authid);
  if (key == "exclude_authrole") return read_texts(reader, target.exclude_authrole);
  if (key == "eligible") return read_ids(reader, target.eligible);
  if (key == "eligible_authid") return read_texts(reader, target.eligible_authid);
  if (key == "eligible_authrole") return read_texts(reader, target.eligible_authrole);
  known = false;
  return true;
}

/// The routers that a message has come through: whom each of them had it from.
template <Reader R>
bool read_forward_for(R& reader) {
  if (reader.kind() != Kind::list || !reader.enter_list()) return false;
  while (reader.more()) {
    int named = 0;
    std::string_view text;
    std::uint64_t id = 0;
    const auto bad = each_entry(reader, [&](std::string_view key) {
      const bool is_text = key == "authid" || key == "authrole";
      if (key != "session" && !is_text) return !reader.skip().empty();
      ++named;
      return is_text ? read_optional_text(reader, text) : reader.read_uint(id);
    });
    if (!bad.empty() || named != 3) return false;
  }
  return reader.ok();
}

template <Reader R>
bool read_match(R& reader, wamp::Match& out) {
  using enum wamp::Match;
  std::string_view name;
  return reader.kind() == Kind::text && reader.read_text(name) && read_name(name, {exact, prefix, wildcard}, out);
}

/// An attribute that is passed on; `known` says whether `key` names one.
template <Reader R>
bool read_passthru(R& reader, std::string_view key, wamp::PassthruRef& passthru, bool& known) {
  static constexpr std::string_view kNames[]{"ppt_scheme", "ppt_serializer", "ppt_cipher",    "ppt_keyid",
                                             "enc_algo",   "enc_key",        "enc_serializer"};
  known = (key.starts_with("ppt_") || key.starts_with("enc_")) &&
          std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames);
  if (!known) return true;
  if (reader.kind() == Kind::null) return !reader.skip().empty();
  std::string_view value;
  if (reader.kind() != Kind::text || !reader.read_text(value)) return false;
  if (passthru && passthru->attributes.size() == std::size(kNames)) return false;  // one of them came twice
  auto attributes = passthru ? std::make_shared<wamp::Passthru>(*passthru) : std::make_shared<wamp::Passthru>();
  attributes->attributes.emplace_back(key, value);
  passthru = std::move(attributes);
  return true;
}

/// An attribute that routing does not look at: most may be anything, some have a type.
template <Reader R>
bool read_other(R& reader, std::string_view key) {
  if (key == "retain" || key == "retained" || key == "get_retained" || key == "x_acknowledged_delivery") {
    bool ignored = false;
    return reader.read_bool(ignored);
  }
  if (key == "transaction_hash") return reader.kind() == Kind::text && !reader.skip().empty();
  if (key == "forward_for") return read_forward_for(reader);
  return !reader.skip().empty();
}

/// A dictionary without entries, as nearly all options are.
inline bool is_empty(const wamp::Dict& dict) {
  const bool brackets = dict.encoding == wamp::Encoding::json || dict.encoding == wamp::Encoding::ubjson;
  return dict.bytes.size() <= (brackets ? 2 : 1);
}

}  // namespace detail

template <Reader R>
Problem decode_options(wamp::CallOptions& options, Scratch& scratch) {
  if (detail::is_empty(options.raw)) return {};
  R reader(options.raw.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "receive_progress") return reader.read_bool(options.receive_progress);
    if (key == "progress") return reader.read_bool(options.progress);
    if (key == "timeout")
      return reader.kind() == Kind::null ? !reader.skip().empty() : reader.read_uint(options.timeout);
    bool known = false;
    if (!detail::read_passthru(reader, key, options.passthru, known)) return false;
    return known || detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("CALL.Options", bad, scratch);
}

template <Reader R>
Problem decode_options(wamp::YieldOptions& options, Scratch& scratch) {
  if (detail::is_empty(options.raw)) return {};
  R reader(options.raw.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "progress") return reader.read_bool(options.progress);
    bool known = false;
    if (!detail::read_passthru(reader, key, options.passthru, known)) return false;
    return known || detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("YIELD.Options", bad, scratch);
}

template <Reader R>
Problem decode_options(wamp::Cancel& message, Scratch& scratch) {
  using enum wamp::CancelMode;
  R reader(message.options.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key != "mode") return detail::read_other(reader, key);
    std::string_view name;
    return reader.kind() == Kind::text && reader.read_text(name) &&
           detail::read_name(name, {skip, kill, killnowait}, message.mode);
  });
  return bad.empty() ? Problem() : attribute_problem("CANCEL.Options", bad, scratch);
}

template <Reader R>
Problem decode_options(const wamp::Dict& dict, wamp::Interrupt& message, Scratch& scratch) {
  using enum wamp::CancelMode;
  R reader(dict.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "reason") return detail::read_optional_text(reader, message.reason);
    if (key != "mode") return detail::read_other(reader, key);
    std::string_view name;
    return reader.kind() == Kind::text && reader.read_text(name) &&
           detail::read_name(name, {skip, kill, killnowait}, message.mode);
  });
  return bad.empty() ? Problem() : attribute_problem("INTERRUPT.Options", bad, scratch);
}

/// UNREGISTERED and UNSUBSCRIBED that the router sent of its own accord.
template <Reader R>
Problem decode_revocation(const wamp::Dict& dict, std::string_view id_name, std::uint64_t& id, std::string_view& reason,
                          Scratch& scratch) {
  R reader(dict.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == id_name) return reader.read_uint(id);
    if (key == "reason") return detail::read_optional_text(reader, reason);
    return !reader.skip().empty();
  });
  return bad.empty() ? Problem() : attribute_problem("Details", bad, scratch);
}

template <Reader R>
Problem decode_options(wamp::PublishOptions& options, Scratch& scratch) {
  R reader(options.raw.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "acknowledge") return reader.read_bool(options.acknowledge);
    if (key == "exclude_me") return reader.read_bool(options.exclude_me);
    if (key == "retain") return reader.read_bool(options.retain);
    bool known = false;
    if (!detail::read_filter(reader, key, options.filter, known)) return false;
    if (!known && !detail::read_passthru(reader, key, options.passthru, known)) return false;
    return known || detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("PUBLISH.Options", bad, scratch);
}

template <Reader R>
Problem decode_options(wamp::SubscribeOptions& options, Scratch& scratch) {
  R reader(options.raw.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "match") return detail::read_match(reader, options.match);
    if (key == "get_retained") return reader.read_bool(options.get_retained);
    return detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("SUBSCRIBE.Options", bad, scratch);
}

template <Reader R>
Problem decode_options(wamp::RegisterOptions& options, Scratch& scratch) {
  using enum wamp::InvocationPolicy;
  R reader(options.raw.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "match") return detail::read_match(reader, options.match);
    if (key == "forward_timeout") return reader.read_bool(options.forward_timeout);
    if (key == "concurrency") {
      if (reader.kind() == Kind::null) return !reader.skip().empty();
      std::uint64_t limit = 0;
      if (!reader.read_uint(limit) || limit == 0 || limit > UINT32_MAX) return false;
      options.concurrency = static_cast<std::uint32_t>(limit);
      return true;
    }
    if (key == "force_reregister") return reader.read_bool(options.force_reregister);
    if (key != "invoke") return detail::read_other(reader, key);
    std::string_view name;
    return reader.kind() == Kind::text && reader.read_text(name) &&
           detail::read_name(name, {single, first, last, roundrobin, random}, options.invoke);
  });
  return bad.empty() ? Problem() : attribute_problem("REGISTER.Options", bad, scratch);
}

template <Reader R>
Problem decode_details(const wamp::Dict& dict, wamp::EventDetails& out, Scratch& scratch) {
  R reader(dict.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "publisher") return detail::read_optional_id(reader, out.publisher);
    if (key == "publisher_authid") return detail::read_optional_text(reader, out.publisher_authid);
    if (key == "publisher_authrole") return detail::read_optional_text(reader, out.publisher_authrole);
    if (key == "topic") return detail::read_optional_text(reader, out.topic);
    if (key == "retained") return reader.read_bool(out.retained);
    bool known = false;
    if (!detail::read_passthru(reader, key, out.passthru, known)) return false;
    return known || detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("EVENT.Details", bad, scratch);
}

template <Reader R>
Problem decode_details(const wamp::Dict& dict, wamp::InvocationDetails& out, Scratch& scratch) {
  R reader(dict.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "caller") return detail::read_optional_id(reader, out.caller);
    if (key == "caller_authid") return detail::read_optional_text(reader, out.caller_authid);
    if (key == "caller_authrole") return detail::read_optional_text(reader, out.caller_authrole);
    if (key == "procedure") return detail::read_optional_text(reader, out.procedure);
    if (key == "receive_progress") return reader.read_bool(out.receive_progress);
    if (key == "progress") return reader.read_bool(out.progress);
    if (key == "timeout") return reader.read_uint(out.timeout);
    bool known = false;
    if (!detail::read_passthru(reader, key, out.passthru, known)) return false;
    return known || detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("INVOCATION.Details", bad, scratch);
}

template <Reader R>
Problem decode_details(const wamp::Dict& dict, wamp::ResultDetails& out, Scratch& scratch) {
  R reader(dict.bytes, scratch);
  const auto bad = detail::each_entry(reader, [&](std::string_view key) {
    if (key == "callee") return detail::read_optional_id(reader, out.callee);
    if (key == "callee_authid") return detail::read_optional_text(reader, out.callee_authid);
    if (key == "callee_authrole") return detail::read_optional_text(reader, out.callee_authrole);
    if (key == "progress") return reader.read_bool(out.progress);
    bool known = false;
    if (!detail::read_passthru(reader, key, out.passthru, known)) return false;
    return known || detail::read_other(reader, key);
  });
  return bad.empty() ? Problem() : attribute_problem("RESULT.Details", bad, scratch);
}

}  // namespace crosspoint::serializers
