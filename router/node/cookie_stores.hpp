#pragma once

#include <map>
#include <memory>
#include <string>

#include "connection/cookie_store.hpp"
#include "settings/transport.hpp"

namespace crosspoint::node {

/// The cookie stores of a router worker. Endpoints that name the same file or database share one.
class CookieStores {
 public:
  /// nullptr, with the reason in `problem`, if the store cannot be opened.
  std::shared_ptr<connection::CookieStore> open(const settings::Cookie& settings, std::string& problem);

 private:
  std::map<std::string, std::shared_ptr<connection::CookieStore>> by_path_;
};

}  // namespace crosspoint::node
