#pragma once

#include <string>

#include "guests/command.hpp"

namespace crosspoint::guests {

/// Which of a guest's standard streams are connected to us; the others are /dev/null.
struct Streams {
  bool input = true;
  bool output = true;
  bool error_output = true;
};

/// A process in a process group of its own. The kernel kills it if this process dies, whatever the reason.
struct Process {
  int pid = -1;  ///< also the group's
  // Our ends, non-blocking; -1 for what is not connected. The owner closes them.
  int input = -1;
  int output = -1;
  int error_output = -1;
};

/// Starts a process; false, with the reason in `problem`, if that fails. The calling thread must live as long as the
/// node does: the kernel takes its end for ours.
bool start_process(const Command& command, const Streams& streams, Process& out, std::string& problem);

}  // namespace crosspoint::guests
