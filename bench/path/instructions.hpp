#pragma once

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

namespace crosspoint::bench {

/// While one lives, callgrind (started with --collect-atstart=no) counts instructions. Nothing outside of valgrind.
class CountedInstructions {
 public:
  CountedInstructions() { CALLGRIND_TOGGLE_COLLECT; }
  ~CountedInstructions() { CALLGRIND_TOGGLE_COLLECT; }
  CountedInstructions(const CountedInstructions&) = delete;
  CountedInstructions& operator=(const CountedInstructions&) = delete;
};

}  // namespace crosspoint::bench
