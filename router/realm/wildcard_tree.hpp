#pragma once

#include <tsl/robin_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.hpp"

namespace crosspoint::realm {

/// Values under wildcard patterns (URIs whose empty components stand for any one component), found by the URIs they
/// match: a tree with a level per component.
template <class T>
class WildcardTree {
 public:
  /// The value under exactly this pattern; nullptr if there is none.
  T* find(std::string_view pattern) {
    Node* node = &root_;
    bool more = true;
    while (more && node != nullptr) node = node->child(next_component(pattern, more));
    return node != nullptr && node->value ? &*node->value : nullptr;
  }

  void insert(std::string_view pattern, T value) {
    Node* node = &root_;
    bool more = true;
    while (more) {
      const std::string_view component = next_component(pattern, more);
      auto& slot = component.empty() ? node->any : node->literal[std::string(component)];
      if (!slot) slot = std::make_unique<Node>();
      node = slot.get();
    }
    node->value = std::move(value);
  }

  void erase(std::string_view pattern) { erase_below(root_, pattern, true); }

  /// Calls `visit` with each value whose pattern matches `uri`, until it returns false. Patterns whose literal
  /// components reach further before a wildcard come first, as the specification ranks them for calls.
  template <class Visit>
  void each_match(std::string_view uri, Visit&& visit) const {
    visit_matches(root_, uri, true, visit);
  }

 private:
  struct Node {
    tsl::robin_map<std::string, std::unique_ptr<Node>, base::StringHash, std::equal_to<>> literal;
    std::unique_ptr<Node> any;
    std::optional<T> value;

    Node* child(std::string_view component) const {
      if (component.empty()) return any.get();
      const auto at = literal.find(component);
      return at != literal.end() ? at->second.get() : nullptr;
    }
    bool unused() const { return literal.empty() && !any && !value; }
  };

  /// Takes the first component off `uri`; `more` says whether another one follows.
  static std::string_view next_component(std::string_view& uri, bool& more) {
    const std::size_t end = uri.find('.');
    more = end != std::string_view::npos;
    const std::string_view component = uri.substr(0, end);
    uri = more ? uri.substr(end + 1) : std::string_view();
    return component;
  }

  static void erase_below(Node& node, std::string_view pattern, bool more) {
    if (!more) {
      node.value.reset();
      return;
    }
    const std::string_view component = next_component(pattern, more);
    Node* child = node.child(component);
    if (child == nullptr) return;
    erase_below(*child, pattern, more);
    if (!child->unused()) return;
    if (component.empty()) {
      node.any.reset();
    } else {
      node.literal.erase(node.literal.find(component));
    }
  }

  template <class Visit>
  static bool visit_matches(const Node& node, std::string_view uri, bool more, Visit& visit) {
    if (!more) return !node.value || visit(*node.value);
    const std::string_view component = next_component(uri, more);
    if (!component.empty()) {
      const Node* child = node.child(component);
      if (child != nullptr && !visit_matches(*child, uri, more, visit)) return false;
    }
    return !node.any || visit_matches(*node.any, uri, more, visit);
  }

  Node root_;
};

}  // namespace crosspoint::realm
