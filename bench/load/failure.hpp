#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>

namespace crosspoint::bench {

/// Exit codes of the program.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// Ends the run: something was lost, repeated, out of order or wrong, or the router refused or closed. Thrown from
/// wherever it is noticed, through the loop, to main.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line asks for something that cannot be done.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One line on standard error.
inline void complain(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "crosspoint-bench: %s\n", text.c_str());
}

}  // namespace crosspoint::bench
