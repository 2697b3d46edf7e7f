#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "settings/web_services.hpp"
#include "transports/http_message.hpp"
#include "transports/protocol.hpp"

namespace crosspoint::transports {

class Stream;

/// One request that waits for its response. Belongs to the connection's thread; may be kept to respond later.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;
  /// Answers the request. Call once; of no effect if the connection is gone.
  virtual void respond(HttpResponse response) = 0;
  /// Answers with "101 Switching Protocols" and hands the connection to another protocol. `make` gets the stream after
  /// the response is queued.
  virtual void upgrade(HttpResponse response, const std::function<std::unique_ptr<Protocol>(Stream&)>& make) = 0;
  /// Answers the request with a body that comes bit by bit: start(), then write() as often as wanted, then finish(). If
  /// `size` is not known, the body goes out in chunks, or ends with the connection. All of no effect if the connection
  /// is gone.
  virtual void start(HttpResponse head, std::optional<std::uint64_t> size) = 0;
  virtual void write(std::string_view part) = 0;
  virtual void finish() = 0;
  /// Ends the connection in place of finish(), so that the client sees that the body is not whole.
  virtual void break_off(std::string_view reason) = 0;
  /// Bytes written that the kernel has not taken.
  virtual std::size_t queued() const = 0;
  /// Has `callback` called, after start(), whenever all that was written has gone to the kernel. It is destroyed when
  /// the response ends or the connection is gone.
  virtual void on_writable(std::function<void()> callback) = 0;

  /// Has `callback` called if the connection ends before the request is answered. At most one.
  virtual void on_abandoned(std::function<void()> callback) = 0;
  /// The connection; nullptr if it is gone.
  virtual Stream* stream() = 0;
};

/// What answers the requests below one path of a web transport. Constant after start; used by all threads.
class HttpService {
 public:
  virtual ~HttpService() = default;
  /// `rest` is the part of the request's path behind the service's own, without a leading '/'.
  virtual void handle(std::shared_ptr<HttpExchange> exchange, std::string_view rest) const = 0;
  /// The largest body that a request for `rest` may have, in bytes.
  virtual std::size_t body_limit(std::string_view rest) const {
    static_cast<void>(rest);
    return settings::kMaxHttpBody;
  }
};

}  // namespace crosspoint::transports
