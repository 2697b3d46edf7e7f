#pragma once

#include <tsl/robin_map.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "settings/transport.hpp"
#include "transports/http_service.hpp"
#include "transports/longpoll_transport.hpp"

namespace crosspoint::transports {

/// WAMP over HTTP long-polling ("HTTP Longpoll Transport" of the specification; paths and answers as Crossbar has
/// them): `open`, then `<transport>/send`, `<transport>/receive` and `<transport>/close`, all POST. A transport lives
/// on the thread it was opened on; requests that come in on other threads are handed to it.
class LongPollService final : public HttpService {
 public:
  /// `endpoint` must outlive the service's transports.
  LongPollService(const settings::LongPoll& settings, MessageHandlerFactory& endpoint);

  void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const override;

 private:
  struct Entry {
    base::IoThread* io;
    std::shared_ptr<LongPollTransport> transport;
  };

  void open(const std::shared_ptr<HttpExchange>& exchange) const;
  const serializers::Serializer* choose(const std::string& body, std::string& problem) const;
  /// An id for a new transport; empty if there are as many transports as there may be.
  std::string add(base::IoThread& io, TransportInfo info, std::shared_ptr<LongPollTransport>& transport) const;
  void remove(const std::string& id, const LongPollTransport* transport) const;
  void pass_on(const std::shared_ptr<HttpExchange>& exchange, std::string_view id, std::string_view operation) const;

  settings::LongPoll settings_;
  LongPollLimits limits_;
  std::vector<const serializers::Serializer*> serializers_;
  MessageHandlerFactory& endpoint_;
  mutable std::mutex mutex_;
  mutable tsl::robin_map<std::string, Entry, base::StringHash, std::equal_to<>> transports_;  // guarded by mutex_
};

}  // namespace crosspoint::transports
