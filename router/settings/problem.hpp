#pragma once

#include <string>

namespace crosspoint::settings {

/// Something about a configuration that its author should know: one line.
struct Problem {
  std::string file;
  std::string path;     ///< in the document, like "workers[0].transports[1].endpoint.port"; empty for the whole file
  std::string what;     ///< names the offending value, unless that is a secret
  std::string allowed;  ///< what may stand there; may be empty

  /// "<file>: <path>: <what>; allowed: <allowed>"
  std::string text() const;
};

}  // namespace crosspoint::settings
