#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/registry.hpp"

/// What nodes tell each other of their registrations, as JSON. docs/cluster.md has the format.
namespace crosspoint::cluster {

/// Texts are not longer than this, if no entry alone is.
inline constexpr std::size_t kLongestEntries = 64 * 1024;

std::string write_entry(const Registry::Entry& entry);
/// All of them, in as many texts as it takes.
std::vector<std::string> write_entries(std::span<const Registry::Entry> entries);

/// Entries have no owner, and one that was written by write_entry() has no order unless it has been given one. False if
/// it cannot be read.
bool read_entry(std::string_view text, Registry::Entry& out);
bool read_entries(std::string_view text, std::vector<Registry::Entry>& out);

}  // namespace crosspoint::cluster
