#include "base/timestamp.hpp"

#include <fmt/core.h>

#include <chrono>

namespace crosspoint::base {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kPerSecond = 1000000;

/// Takes things off the front of a text; once something was not there, nothing is any more.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool good() const { return good_; }
  bool at_end() const { return text_.empty(); }
  char next() const { return text_.empty() ? '\0' : text_.front(); }
  int number(std::size_t digits) {
    int value = 0;
    for (; digits > 0; --digits) value = value * 10 + (take_digit() - '0');
    return value;
  }
  char take_digit() {
    if (next() < '0' || next() > '9') return fail();
    return take();
  }
  char take_one_of(std::string_view allowed) {
    if (text_.empty() || allowed.find(next()) == std::string_view::npos) return fail();
    return take();
  }

 private:
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  char fail() {
    good_ = false;
    text_ = {};
    return '0';
  }

  std::string_view text_;
  bool good_ = true;
};

std::int64_t read_fraction(Scanner& scanner) {
  std::int64_t value = 0;
  std::int64_t unit = kPerSecond / 10;
  do {
    value += unit * (scanner.take_digit() - '0');
    unit /= 10;
  } while (scanner.next() >= '0' && scanner.next() <= '9');
  return value;
}

/// Minutes east of UTC.
int read_offset(Scanner& scanner) {
  const char sign = scanner.take_one_of("Zz+-");
  if (sign != '+' && sign != '-') return 0;
  const int hours = scanner.number(2);
  scanner.take_one_of(":");
  const int minutes = scanner.number(2);
  if (hours > 23 || minutes > 59) scanner.take_one_of("");
  return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

std::int64_t microseconds_now() {
  return std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string to_rfc3339(std::int64_t time) {
  const std::chrono::sys_time<microseconds> point{microseconds(time)};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<microseconds> clock(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  Scanner scanner(text);
  const int year = scanner.number(4);
  scanner.take_one_of("-");
  const int month = scanner.number(2);
  scanner.take_one_of("-");
  const int day = scanner.number(2);
  scanner.take_one_of("Tt ");
  const int hour = scanner.number(2);
  scanner.take_one_of(":");
  const int minute = scanner.number(2);
  scanner.take_one_of(":");
  const int second = scanner.number(2);
  std::int64_t fraction = 0;
  if (scanner.next() == '.') {
    scanner.take_one_of(".");
    fraction = read_fraction(scanner);
  }
  const int offset = read_offset(scanner);
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  // A leap second is the first of the next minute: this clock has none.
  if (!scanner.good() || !scanner.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 60) return {};
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second;
  return seconds * kPerSecond + fraction;
}

}  // namespace crosspoint::base
