#pragma once

#include <array>
#include <string>
#include <vector>

#include "load/options.hpp"

namespace crosspoint::bench {

/// What the rounds of a comparison found for one figure at one router.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

/// One figure of one scenario at both routers.
struct ComparedFigure {
  std::string scenario;
  std::string key;    ///< as in the scenario's own JSON; "latency_us.p99" is p99 within latency_us
  std::string label;  ///< "CPU time per event"
  std::string unit;
  std::array<Spread, 2> routers;

  /// The first router's median as a multiple of the second's; 0 where that is 0.
  double ratio() const { return routers[1].median > 0 ? routers[0].median / routers[1].median : 0; }
};

/// Two routers side by side: each scenario runs at the one and then at the other, round after round, so that what
/// disturbs the machine for a while disturbs both; every second round begins with the other one. Throws Failure as a
/// single run does.
class Comparison {
 public:
  /// Runs all of it. Says on standard error which round it is in, unless options.quiet.
  explicit Comparison(const Options& options);

  const std::vector<ComparedFigure>& figures() const { return figures_; }
  /// The routers' names, in the order of ComparedFigure::routers.
  const std::array<std::string, 2>& names() const { return names_; }

  std::string table() const;
  std::string json() const;

 private:
  void compare(const Options& options, const std::string& scenario);

  std::array<std::string, 2> names_;
  std::array<std::string, 2> urls_;
  std::size_t rounds_;
  std::vector<ComparedFigure> figures_;
};

/// The medians as bars, two to a figure, the longer one of each pair in full length: an SVG document.
std::string plot(const Comparison& comparison);

}  // namespace crosspoint::bench
