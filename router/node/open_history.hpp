#pragma once

#include <memory>
#include <string>

#include "cluster/link.hpp"
#include "connection/router.hpp"
#include "settings/realm.hpp"
#include "storage/sqlite_journal.hpp"

namespace crosspoint::node {

/// Has a realm keep the history that its settings ask for, before it has sessions. `journal` is set if that is kept on
/// disk; it must be destroyed before the router. `link` keeps it if the realm is clustered, and is nullptr if it is
/// not. False, and why in `problem`, if that is not possible.
bool open_history(const settings::Store& store, realm::Realm& realm, connection::Router& router, cluster::Link* link,
                  std::unique_ptr<storage::SqliteJournal>& journal, std::string& problem);

}  // namespace crosspoint::node
