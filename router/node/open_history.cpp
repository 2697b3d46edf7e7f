#include "node/open_history.hpp"

namespace crosspoint::node {
namespace {

wamp::Match to_wamp(settings::Match match) {
  switch (match) {
    case settings::Match::prefix:
      return wamp::Match::prefix;
    case settings::Match::wildcard:
      return wamp::Match::wildcard;
    default:
      return wamp::Match::exact;
  }
}

}  // namespace

bool open_history(const settings::Store& store, realm::Realm& realm, connection::Router& router, cluster::Link* link,
                  std::unique_ptr<storage::SqliteJournal>& journal, std::string& problem) {
  if (store.type == settings::Store::Type::sqlite) {
    journal = std::make_unique<storage::SqliteJournal>(
        store.path, [&realm, &router](unsigned shard, std::vector<realm::ShardMessage> messages) {
          router.gate(realm, shard).take_in(std::move(messages));
        });
    if (!journal->open(problem)) return false;
  }
  for (const settings::StoreEntry& entry : store.event_history) {
    const wamp::Match match = to_wamp(entry.match);
    const realm::EventLog::Limits limits{entry.limit.value_or(store.limit), store.max_bytes};
    realm::EventLog* log = realm.add_history(entry.uri, match, limits);
    if (link != nullptr) link->keep_history(realm, *log, entry.uri, match, limits);
    // The loader lets no entry come twice, so there is a log.
    if (journal && !journal->attach(*log, entry.uri, match, problem)) return false;
  }
  if (journal) {
    realm.set_journal(*journal);
    journal->start();
  }
  return true;
}

}  // namespace crosspoint::node
