#pragma once

#include "base/io_thread.hpp"
#include "base/random.hpp"
#include "serializers/scratch.hpp"
#include "serializers/serializers.hpp"
#include "wamp/message.hpp"

namespace crosspoint::connection {

/// What the connections of one I/O thread use in turn, so that handling a message allocates nothing.
struct Workbench {
  explicit Workbench(base::IoThread& thread) : io(thread), random(base::Random::from_system()) {}

  base::IoThread& io;
  base::Random random;
  serializers::Scratch scratch;
  wamp::Message message;  ///< the one being handled
  serializers::Encoder encoder;
};

}  // namespace crosspoint::connection
