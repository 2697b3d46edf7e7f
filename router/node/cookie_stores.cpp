#include "node/cookie_stores.hpp"

#include <chrono>

namespace crosspoint::node {
namespace {

std::int64_t seconds_since_epoch() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::shared_ptr<connection::CookieStore> CookieStores::open(const settings::Cookie& settings, std::string& problem) {
  using Kind = settings::Cookie::Store;
  const bool lasting = settings.store != Kind::memory;
  if (const auto at = by_path_.find(settings.store_path); lasting && at != by_path_.end()) return at->second;
  std::unique_ptr<connection::CookieBackend> backend;
  if (lasting) {
    backend = settings.store == Kind::file ? connection::open_cookie_file(settings, problem)
                                           : connection::open_cookie_database(settings, problem);
    if (!backend) return nullptr;
  }
  auto store = std::make_shared<connection::CookieStore>(settings, std::move(backend), seconds_since_epoch);
  if (!store->load(problem)) return nullptr;
  if (lasting) by_path_.emplace(settings.store_path, store);
  return store;
}

}  // namespace crosspoint::node
