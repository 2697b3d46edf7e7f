#pragma once

namespace crosspoint::guests {

/// Makes the kernel give us the processes whose parents, our guests, have ended. For the main thread, once, before the
/// first guest starts.
void adopt_orphans();

/// Kills all processes that are our children now, with their groups. When no guest is left that should live.
void kill_children();

}  // namespace crosspoint::guests
