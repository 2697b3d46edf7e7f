#pragma once

#include <functional>
#include <string>
#include <vector>

namespace crosspoint::transports::web {

/// A program to be run for one request.
struct ScriptCommand {
  std::string program;                   ///< absolute
  std::vector<std::string> arguments;    ///< without argv[0], which is the program
  std::vector<std::string> environment;  ///< "NAME=value"; all there is
  std::string directory;                 ///< to run in; absolute
};

/// A program that runs, in a process group of its own.
struct ScriptProcess {
  int pid = -1;  ///< also the group's; -1: it could not be started
  // Our ends of its standard streams, non-blocking. The receiver closes them.
  int input = -1;
  int output = -1;
  int error_output = -1;
  std::string problem{};  ///< why it could not be started
};

/// Starts and ends the processes of CGI scripts. Any thread; nothing here waits for the system.
class ScriptRunner {
 public:
  virtual ~ScriptRunner() = default;
  /// `started` and `ended` are called once each, on threads that are not the caller's, in either order: `ended` when
  /// nothing is left of the process and its group, also if it could not be started. What they hold they have to move
  /// out when they are called: they are destroyed on those threads.
  virtual void start(ScriptCommand command, std::function<void(ScriptProcess)> started,
                     std::function<void()> ended) = 0;
  /// Ends the process and its group now. Of no effect if it has ended.
  virtual void kill(int pid) = 0;
};

}  // namespace crosspoint::transports::web
