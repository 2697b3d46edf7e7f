#include "transports/web/upload_form.hpp"

#include <cctype>

namespace crosspoint::transports::web {
namespace {

constexpr std::size_t kMaxFields = 64;
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  if (text.size() < start.size()) return false;
  for (std::size_t i = 0; i < start.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[i])) != start[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The parameter `name` of a header value like `form-data; name="a"`. False if it is not there or not well formed.
bool find_parameter(std::string_view header, std::string_view name, std::string& out) {
  for (auto semicolon = header.find(';'); semicolon != std::string_view::npos; semicolon = header.find(';')) {
    header = trimmed(header.substr(semicolon + 1));
    const auto equals = header.find('=');
    if (equals == std::string_view::npos) return false;
    const bool wanted = starts_with_ignoring_case(trimmed(header.substr(0, equals)), name) &&
                        trimmed(header.substr(0, equals)).size() == name.size();
    header = trimmed(header.substr(equals + 1));
    std::string value;
    if (header.starts_with('"')) {
      std::size_t at = 1;
      for (; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value.push_back(header[at]);
      }
      if (at >= header.size()) return false;
      header.remove_prefix(at + 1);
    } else {
      const auto end = header.find(';');
      value = trimmed(header.substr(0, end));
      header = end == std::string_view::npos ? std::string_view() : header.substr(end);
    }
    if (wanted) {
      out = std::move(value);
      return true;
    }
  }
  return false;
}

/// The name of the field that a part's head is of.
bool read_name(std::string_view head, std::string& name) {
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    if (starts_with_ignoring_case(line, "content-disposition:")) return find_parameter(line, "name", name);
    head = end == std::string_view::npos ? std::string_view() : head.substr(end + 2);
  }
  return false;
}

}  // namespace

std::string_view parse_form(std::string_view content_type, std::string_view body, Form& out) {
  std::string boundary;
  if (!starts_with_ignoring_case(trimmed(content_type), "multipart/form-data") ||
      !find_parameter(content_type, "boundary", boundary) || boundary.empty() || boundary.size() > kMaxBoundary) {
    return "the content type must be multipart/form-data with a boundary";
  }
  constexpr std::string_view kMalformed = "the form is malformed";
  const std::string first = "--" + boundary;
  const std::string next = "\r\n--" + boundary;
  if (!body.starts_with(first)) return kMalformed;
  body.remove_prefix(first.size());
  for (std::size_t count = 0; !body.starts_with("--"); ++count) {
    if (count == kMaxFields) return "the form has too many fields";
    if (!body.starts_with("\r\n")) return kMalformed;
    const auto head_end = body.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return kMalformed;
    std::string name;
    if (!read_name(body.substr(2, head_end > 2 ? head_end - 2 : 0), name)) return kMalformed;
    body.remove_prefix(head_end + 4);
    const auto end = body.find(next);
    if (end == std::string_view::npos) return kMalformed;
    out.emplace(std::move(name), body.substr(0, end));
    body.remove_prefix(end + next.size());
  }
  return {};
}

}  // namespace crosspoint::transports::web
