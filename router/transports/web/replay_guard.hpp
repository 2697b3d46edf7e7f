#pragma once

#include <tsl/robin_set.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>

namespace crosspoint::transports::web {

/// Remembers signed requests for as long as their timestamps are good, so that none is served twice. Only requests
/// whose signature is right may be shown to it: nobody without the secret can make it grow. Any thread.
class ReplayGuard {
 public:
  using Time = std::chrono::system_clock::time_point;
  enum class Verdict { fresh, replayed, full };
  /// Requests remembered at a time; 16 to 32 bytes each.
  static constexpr std::size_t kMost = 1024 * 1024;

  /// `limit`: how far a timestamp may be off; 0: any, and then only the last requests are remembered.
  explicit ReplayGuard(std::chrono::seconds limit, std::size_t most = kMost);

  /// `digest` is that of the request's signature: the signature covers key, timestamp, sequence number, nonce and body.
  Verdict admit(std::uint64_t digest, Time timestamp, Time now);
  std::size_t size() const;

 private:
  /// Requests whose timestamps run out in the same stretch of time.
  struct Stretch {
    std::int64_t number;
    tsl::robin_set<std::uint64_t> digests;
  };
  std::int64_t stretch_of(Time time) const;
  Verdict admit_of_any_age(std::uint64_t digest);

  const std::chrono::seconds limit_;
  const std::chrono::seconds width_;  // of a stretch
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::deque<Stretch> stretches_;  // guarded by mutex_, as is:
  std::size_t size_ = 0;
};

}  // namespace crosspoint::transports::web
