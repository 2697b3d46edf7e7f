#include "connection/cookie_store.hpp"

#include <algorithm>

#include "auth/crypto.hpp"

namespace crosspoint::connection {

CookieStore::CookieStore(const settings::Cookie& settings, std::unique_ptr<CookieBackend> backend, Clock clock)
    : length_(settings.length),
      max_age_(settings.max_age),
      limit_(settings.limit),
      clock_(std::move(clock)),
      backend_(std::move(backend)),
      readonly_(settings.readonly) {}

bool CookieStore::load(std::string& problem) {
  if (!backend_) return true;
  std::vector<Cookie> stored;
  if (!backend_->load(stored, problem)) return false;
  const std::lock_guard lock(mutex_);
  if (!readonly_) writer_ = std::make_unique<CookieWriter>(std::move(backend_));
  for (auto& cookie : stored) insert(std::move(cookie));
  forget_expired();
  return true;
}

std::string CookieStore::admit(std::string_view offered) {
  if (!offered.empty()) {
    const Hash hash = auth::sha256(offered);
    const std::lock_guard lock(mutex_);
    forget_expired();
    if (cookies_.contains(hash) || members_.contains(hash)) return std::string(offered);
  }
  return auth::random_text(length_);  // never one that the client has chosen
}

void CookieStore::attach(const std::string& id, base::IoThread& thread, CookieHolder& holder) {
  const std::lock_guard lock(mutex_);
  members_[auth::sha256(id)].push_back({&thread, &holder});
}

void CookieStore::detach(const std::string& id, const CookieHolder& holder) {
  const std::lock_guard lock(mutex_);
  const auto at = members_.find(auth::sha256(id));
  if (at == members_.end()) return;
  std::erase_if(at->second, [&](const Member& member) { return member.holder == &holder; });
  if (at->second.empty()) members_.erase(at);
}

std::optional<auth::CookieLogin> CookieStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  forget_expired();
  const auto at = cookies_.find(auth::sha256(id));
  return at != cookies_.end() ? std::optional(at->second.login) : std::nullopt;
}

void CookieStore::remember(const std::string& id, const auth::CookieLogin& login) {
  const std::lock_guard lock(mutex_);
  forget_expired();
  const auto at = cookies_.find(auth::sha256(id));
  if (at != cookies_.end() && at->second.login == login) return;
  Cookie cookie{id, login, clock_(), max_age_};
  if (at != cookies_.end()) {
    cookie.created = at->second.created;
    cookie.max_age = at->second.max_age;
  }
  if (writer_) writer_->write({cookie});
  insert(std::move(cookie));
}

void CookieStore::insert(Cookie cookie) {
  const Hash hash = auth::sha256(cookie.id);
  if (const auto old = cookies_.find(hash); old != cookies_.end()) by_expiry_.erase({old->second.expiry(), hash});
  by_expiry_.emplace(cookie.expiry(), hash);
  cookies_.insert_or_assign(hash, std::move(cookie));
  while (cookies_.size() > limit_) erase(Hash(by_expiry_.begin()->second));
}

void CookieStore::erase(const Hash& hash) {
  const auto at = cookies_.find(hash);
  if (at == cookies_.end()) return;
  by_expiry_.erase({at->second.expiry(), hash});
  if (writer_) writer_->write({std::move(at->second), true});
  cookies_.erase(at);
}

void CookieStore::forget_expired() {
  const std::int64_t now = clock_();
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) erase(Hash(by_expiry_.begin()->second));
}

void CookieStore::revoke(const std::string& id) {
  const std::lock_guard lock(mutex_);
  erase(auth::sha256(id));
}

void CookieStore::log_out(const std::string& id, const CookieHolder& by) {
  const Hash hash = auth::sha256(id);
  const std::lock_guard lock(mutex_);
  erase(hash);
  const auto at = members_.find(hash);
  if (at == members_.end()) return;
  std::vector<base::IoThread*> threads;
  for (const Member& member : at->second) {
    if (std::find(threads.begin(), threads.end(), member.thread) == threads.end()) threads.push_back(member.thread);
  }
  // Each thread looks anew who is there: only it knows which of its connections still are.
  for (base::IoThread* thread : threads) {
    thread->post([this, id, except = &by, thread] { tell(id, except, *thread); });
  }
}

void CookieStore::tell(const std::string& id, const CookieHolder* except, base::IoThread& thread) {
  std::vector<Member> members;
  {
    const std::lock_guard lock(mutex_);
    const auto at = members_.find(auth::sha256(id));
    if (at != members_.end()) members = at->second;
  }
  for (const Member& member : members) {
    if (member.thread == &thread && member.holder != except) member.holder->on_logout();
  }
}

std::size_t CookieStore::size() const {
  const std::lock_guard lock(mutex_);
  return cookies_.size();
}

}  // namespace crosspoint::connection
