#include "common/log.hpp"

#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <mutex>

namespace workshop {
namespace {

std::string& log_name() {
  static std::string name = "worker";
  return name;
}

}  // namespace

void set_log_name(const std::string& name) { log_name() = name; }

void terminal_log(const std::string& text) {
  static std::mutex mutex;
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  // What others said (names, messages) must not be able to write lines of its own.
  std::string line = text;
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\t') c = ' ';
  }
  const std::lock_guard<std::mutex> lock(mutex);
  std::cout << std::put_time(&local, "%H:%M:%S") << " [" << log_name() << "] " << line << std::endl;
}

std::string environment(const std::string& name, const std::string& fallback) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr && *value != '\0' ? value : fallback;
}

}  // namespace workshop
