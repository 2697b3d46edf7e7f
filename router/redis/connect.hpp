#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace crosspoint::redis {

/// Connects by TCP to the first address of `host` that takes it, waiting up to `patience` for each; ends early once
/// `canceled` is true. Returns a non-blocking socket, the caller's, or -1, and why in `problem`.
int connect_tcp(const std::string& host, std::uint16_t port, std::chrono::milliseconds patience,
                const std::atomic<bool>& canceled, std::string& problem);

/// Waits until one of `events` (of poll()) is there. False after `patience`, or once `canceled` is true.
bool wait_for(int fd, short events, std::chrono::milliseconds patience, const std::atomic<bool>& canceled);

}  // namespace crosspoint::redis
