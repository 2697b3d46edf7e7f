#include <fmt/core.h>

#include <algorithm>

#include "load/comparison.hpp"

namespace crosspoint::bench {
namespace {

constexpr int kWidth = 860;
constexpr int kLabelWidth = 330;
constexpr int kBarWidth = 380;  // of the longer bar of a pair
constexpr int kBarHeight = 14;
constexpr int kRowHeight = 46;
constexpr int kHead = 56;
constexpr std::array<const char*, 2> kColours{"#0b6e99", "#b8860b"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string label(int x, int y, std::string_view text, std::string_view more = {}) {
  return fmt::format("  <text x=\"{}\" y=\"{}\"{}>{}</text>\n", x, y, more, escaped(text));
}

std::string bar(int y, double length, const char* colour) {
  return fmt::format("  <rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n", kLabelWidth, y,
                     std::max(1.0, length), kBarHeight, colour);
}

}  // namespace

std::string plot(const Comparison& comparison) {
  const auto& names = comparison.names();
  const auto& figures = comparison.figures();
  const int height = kHead + static_cast<int>(figures.size()) * kRowHeight + 10;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n  <title>{2} beside {3}</title>\n"
      "  <rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kWidth, height, escaped(names[0]), escaped(names[1]));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const int y = 12 + static_cast<int>(i) * 20;
    svg += bar(y, kBarHeight, kColours[i]) + label(kLabelWidth + 24, y + 11, names[i]);
  }
  int y = kHead;
  for (const ComparedFigure& figure : figures) {
    svg += label(kLabelWidth - 10, y + 19, figure.scenario + ": " + figure.label, " text-anchor=\"end\"");
    const double longest = std::max({figure.routers[0].median, figure.routers[1].median, 1e-9});
    for (std::size_t i = 0; i < names.size(); ++i) {
      const double median = figure.routers[i].median;
      const double length = kBarWidth * std::max(0.0, median) / longest;
      const int top = y + static_cast<int>(i) * (kBarHeight + 2);
      svg += bar(top, length, kColours[i]);
      svg += label(kLabelWidth + static_cast<int>(length) + 6, top + 11,
                   fmt::format("{:.{}f} {}", median,
                               median >= 100 ? 0
                               : median >= 1 ? 1
                                             : 3,
                               figure.unit));
    }
    y += kRowHeight;
  }
  return svg + "</svg>\n";
}

}  // namespace crosspoint::bench
