#pragma once

#include <string_view>

namespace crosspoint::transports::web {

/// The media type for a file name's ending (".html"); "application/octet-stream" for unknown ones.
std::string_view mime_type(std::string_view ending);

}  // namespace crosspoint::transports::web
