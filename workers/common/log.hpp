#pragma once

#include <string>

namespace workshop {

/// A line on the terminal, with the time and the name of the program in front. May be called from any thread.
void terminal_log(const std::string& text);

/// Sets the name that terminal_log() shows.
void set_log_name(const std::string& name);

/// An environment variable, or the fallback if it is not set or empty.
std::string environment(const std::string& name, const std::string& fallback);

}  // namespace workshop
