#pragma once

#include "cluster/link.hpp"
#include "gateway/other_nodes.hpp"

namespace crosspoint::node {

/// The cluster's link as the gateway knows it.
class GatewayNodes final : public gateway::OtherNodes {
 public:
  explicit GatewayNodes(cluster::Link& link) : link_(link) {}

  std::string address() const override { return link_.address(); }
  std::vector<std::string> list() const override { return link_.others(); }
  bool joined() const override { return link_.joined(); }
  std::size_t backlog() const override { return link_.backlog(); }
  void send(std::string to, std::string_view kind, std::string_view text) override {
    link_.send(std::move(to), kind, text);
  }
  void on_message(std::string_view kind, Handler handler) override { link_.on_message(kind, std::move(handler)); }
  void on_gone(std::function<void(std::string_view address)> gone) override { link_.on_gone(std::move(gone)); }

 private:
  cluster::Link& link_;
};

}  // namespace crosspoint::node
