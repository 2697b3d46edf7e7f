#include "gateway/mail_arguments.hpp"

#include "gateway/call_arguments.hpp"

namespace crosspoint::gateway {
namespace {

using nlohmann::json;

constexpr std::uint64_t kLongestLifetime = 10UL * 365 * 24 * 3600;  // seconds
constexpr std::uint64_t kMostConnections = 1000;

/// A whole number from 1 to `most`, `fallback` if there is none. False if it is something else.
bool read_number(const json& value, std::uint64_t most, std::uint32_t fallback, std::uint32_t& out) {
  out = fallback;
  if (value.is_null()) return true;
  if (!value.is_number_unsigned() || value < 1U || value > most) return false;
  out = value.get<std::uint32_t>();
  return true;
}

}  // namespace

std::optional<std::string> read_identity(const connection::Service::Invocation& call, std::string& problem) {
  const json identity = argument(call.arguments, 0);
  if (identity.is_string()) {
    const auto& text = identity.get_ref<const std::string&>();
    if (!text.empty() && text.size() <= kLongestIdentity) return text;
  }
  problem = "the first argument is an identity, a string of 1 to 256 bytes";
  return std::nullopt;
}

std::optional<Receiver> read_receiver(const connection::Service::Invocation& call, std::string& problem) {
  const json connection = keyword(call.keyword_arguments, "connection");
  const json procedure = keyword(call.keyword_arguments, "procedure");
  const bool good = (connection.is_string() || connection.is_null()) && (procedure.is_string() || procedure.is_null());
  if (good && connection.is_string()) {
    return Receiver{Receiver::Kind::connection, connection.get<std::string>(),
                    procedure.is_string() ? procedure.get<std::string>() : std::string()};
  }
  if (good && procedure.is_string()) {
    return Receiver{Receiver::Kind::procedure, procedure.get<std::string>(), {}};
  }
  problem = "connection, the id of one, procedure, a URI, or both say who receives";
  return std::nullopt;
}

std::optional<storage::MailboxRecord> read_record(const connection::Service::Invocation& call, std::uint32_t lifetime,
                                                  std::string& problem) {
  storage::MailboxRecord record;
  const auto& given = call.keyword_arguments;
  const json confirm = keyword(given, "confirm");
  if (!read_number(keyword(given, "lifetime"), kLongestLifetime, lifetime, record.lifetime)) {
    problem = "lifetime is a number of seconds, from 1 to ten years";
  } else if (!read_number(keyword(given, "max_connections"), kMostConnections, 1, record.max_connections)) {
    problem = "max_connections is a number from 1 to 1000";
  } else if (!confirm.is_null() && !confirm.is_boolean()) {
    problem = "confirm is true or false";
  } else {
    record.confirm = confirm.is_boolean() && confirm.get<bool>();
    return record;
  }
  return std::nullopt;
}

}  // namespace crosspoint::gateway
