#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace crosspoint::gateway {

/// The other nodes of a cluster, as the gateway needs them; whoever builds the gateway joins it to them. A node is
/// named by an address, "<id>/<start>": a random number of each of its starts, in hexadecimal, is behind the last
/// slash. Any thread, except where said otherwise.
class OtherNodes {
 public:
  using Handler = std::function<void(std::string_view from, std::string_view text)>;

  virtual ~OtherNodes() = default;

  /// This node's own address. Constant.
  virtual std::string address() const = 0;
  /// Those that are there.
  virtual std::vector<std::string> list() const = 0;
  /// Whether others can be reached at all.
  virtual bool joined() const = 0;
  /// Does not wait. To one address, or to all others if it is empty; in the order of the calls. It is lost if the
  /// receiver cannot be reached. `kind` is a word.
  virtual void send(std::string to, std::string_view kind, std::string_view text) = 0;
  /// Bytes that are handed over and not sent.
  virtual std::size_t backlog() const = 0;
  /// Before the threads start. `handler` is called on a thread of the nodes' own, with what is valid for that time.
  virtual void on_message(std::string_view kind, Handler handler) = 0;
  /// Likewise: `gone` is called with the address of a node that has ended or cannot be reached any more.
  virtual void on_gone(std::function<void(std::string_view address)> gone) = 0;
};

}  // namespace crosspoint::gateway
