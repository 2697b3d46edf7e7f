#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crosspoint::auth {

/// What a method shows of those whose names nobody has, so that names cannot be found out by trying: they are
/// challenged as one of the users would be, the same way each time, and no answer is right. Constant.
class StandIns {
 public:
  /// `secrets` are those of all users, so that stand-ins stay the same after a restart, as real users do; if there are
  /// none, chance stands for them. `method` keeps those of several methods apart.
  StandIns(std::string_view method, std::string_view secrets);

  /// 32 bytes, the same for a name each time.
  std::string seed(std::string_view authid) const;
  /// Which of `count` users a stand-in is like, from 0.
  static std::size_t choose(std::string_view seed, std::size_t count);
  /// A text of the same form as `text` (hexadecimal, or letters and digits in the same places), made of the seed.
  static std::string text_like(std::string_view seed, std::string_view text);

 private:
  std::string key_;
};

}  // namespace crosspoint::auth
