#pragma once

#include "load/options.hpp"
#include "load/report.hpp"

namespace crosspoint::bench {

/// Runs options.scenario at options.url from the first session to the last, and reports what it found. Throws Failure
/// if anything is not as it has to be, UsageError if there is no such scenario.
Report measure(const Options& options);

}  // namespace crosspoint::bench
