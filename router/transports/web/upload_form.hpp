#pragma once

#include <map>
#include <string>
#include <string_view>

namespace crosspoint::transports::web {

/// The fields of a form as browsers send it (multipart/form-data, RFC 7578), by name; of several with one name the
/// first. The values are parts of `body`.
using Form = std::map<std::string, std::string_view, std::less<>>;

/// Returns what is wrong with the request, or nothing.
std::string_view parse_form(std::string_view content_type, std::string_view body, Form& out);

}  // namespace crosspoint::transports::web
