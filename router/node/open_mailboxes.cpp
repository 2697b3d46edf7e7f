#include "node/open_mailboxes.hpp"

#include <memory>

#include "storage/redis_mailboxes.hpp"
#include "storage/sqlite_mailboxes.hpp"

namespace crosspoint::node {

bool open_mailboxes(const settings::Mailboxes& settings, const std::string& node, gateway::MailboxOptions& out,
                    std::string& problem) {
  out.limits = {settings.max_identities, settings.max_messages, settings.max_mailbox_bytes, settings.max_bytes};
  out.lifetime = settings.lifetime;
  out.timeout = settings.timeout;
  std::unique_ptr<storage::MailboxStore> store;
  if (settings.type == settings::Mailboxes::Type::sqlite) {
    store = std::make_unique<storage::SqliteMailboxes>(settings.path);
  } else if (settings.type == settings::Mailboxes::Type::redis) {
    store = std::make_unique<storage::RedisMailboxes>(settings.redis, settings.prefix, node);
  }
  if (!store) return true;
  if (!store->open(problem)) return false;
  out.shared = store->is_shared();
  if (!out.shared && !store->load(out.stored, problem)) return false;
  out.writer = std::make_unique<storage::MailboxWriter>(std::move(store));
  return true;
}

}  // namespace crosspoint::node
