#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>

#include "load/comparison.hpp"
#include "load/failure.hpp"
#include "load/measure.hpp"

namespace {

using namespace crosspoint::bench;

void compare(const Options& options) {
  // Before the minutes that it takes, not after them.
  std::ofstream file;
  if (!options.svg.empty()) {
    file.open(options.svg);
    if (!file) throw UsageError("--svg: cannot write " + options.svg + ": " + std::strerror(errno));
  }
  const Comparison comparison(options);
  std::fputs((options.json ? comparison.json() : comparison.table()).c_str(), stdout);
  if (options.svg.empty()) return;
  file << plot(comparison);
  file.close();
  if (!file) throw Failure("cannot write " + options.svg + ": " + std::strerror(errno));
}

void run(const Options& options) {
  if (options.scenario == "compare") return compare(options);
  const Report report = measure(options);
  std::fputs((options.json ? report.json() : report.table()).c_str(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Parsed parsed = parse_command_line(argc, argv);
  if (!parsed.run) return parsed.exit_code;
  try {
    run(parsed.options);
    return kOk;
  } catch (const UsageError& error) {
    complain(error.what());
    return kUsage;
  } catch (const std::exception& error) {
    complain(error.what());
    return kFailed;
  }
}
