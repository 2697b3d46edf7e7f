#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crosspoint::realm {

/// Values under keys, found by the keys that are prefixes of a text: a radix tree. Lookup takes time in the length of
/// the text, not in the number of keys.
template <class T>
class PrefixTree {
 public:
  /// The value under exactly `key`; nullptr if there is none.
  T* find(std::string_view key) {
    Node* node = &root_;
    while (!key.empty()) {
      Node* child = node->child(key[0]);
      if (child == nullptr || !key.starts_with(child->edge)) return nullptr;
      key.remove_prefix(child->edge.size());
      node = child;
    }
    return node->value ? &*node->value : nullptr;
  }

  void insert(std::string_view key, T value) { insert_below(root_, key, std::move(value)); }
  void erase(std::string_view key) { erase_below(root_, key); }

  /// Calls `visit` with the value of every key that `text` begins with, shortest key first.
  template <class Visit>
  void each_prefix_of(std::string_view text, Visit&& visit) const {
    const Node* node = &root_;
    while (node != nullptr) {
      if (node->value) visit(*node->value);
      node = text.empty() ? nullptr : node->child(text[0]);
      if (node == nullptr || !text.starts_with(node->edge)) return;
      text.remove_prefix(node->edge.size());
    }
  }

  /// The value of the longest key that `text` begins with; nullptr if there is none.
  const T* longest_prefix_of(std::string_view text) const {
    const T* best = nullptr;
    each_prefix_of(text, [&best](const T& value) { best = &value; });
    return best;
  }

 private:
  struct Node {
    std::string edge;    // what leads here from the parent
    std::string firsts;  // of the edges to the children: those that do not match need not be looked at
    std::vector<std::unique_ptr<Node>> children;
    std::optional<T> value;

    Node* child(char first) const {
      const std::size_t at = firsts.find(first);
      return at != std::string::npos ? children[at].get() : nullptr;
    }
    void add(std::unique_ptr<Node> node) {
      firsts.push_back(node->edge[0]);
      children.push_back(std::move(node));
    }
    void remove(char first) {
      const std::size_t at = firsts.find(first);
      firsts[at] = firsts.back();
      firsts.pop_back();
      std::swap(children[at], children.back());
      children.pop_back();
    }
  };

  static void insert_below(Node& node, std::string_view key, T value) {
    if (key.empty()) {
      node.value = std::move(value);
      return;
    }
    Node* child = node.child(key[0]);
    if (child == nullptr) {
      auto leaf = std::make_unique<Node>();
      leaf->edge = key;
      leaf->value = std::move(value);
      node.add(std::move(leaf));
      return;
    }
    const auto common = static_cast<std::size_t>(
        std::mismatch(child->edge.begin(), child->edge.end(), key.begin(), key.end()).first - child->edge.begin());
    if (common < child->edge.size()) split(*child, common);
    insert_below(*child, key.substr(common), std::move(value));
  }

  /// Cuts the edge to `node` in two; the lower part keeps value and children.
  static void split(Node& node, std::size_t at) {
    auto lower = std::make_unique<Node>();
    lower->edge = node.edge.substr(at);
    lower->value = std::move(node.value);
    lower->firsts = std::move(node.firsts);
    lower->children = std::move(node.children);
    node.edge.resize(at);
    node.value.reset();
    node.firsts.clear();
    node.children.clear();
    node.add(std::move(lower));
  }

  static void erase_below(Node& node, std::string_view key) {
    if (key.empty()) {
      node.value.reset();
      return;
    }
    Node* child = node.child(key[0]);
    if (child == nullptr || !key.starts_with(child->edge)) return;
    erase_below(*child, key.substr(child->edge.size()));
    if (child->value) return;
    if (child->children.empty()) {
      node.remove(key[0]);
    } else if (child->children.size() == 1) {
      merge(*child);
    }
  }

  /// Joins a node without value with its only child.
  static void merge(Node& node) {
    const std::unique_ptr<Node> only = std::move(node.children[0]);
    node.edge += only->edge;
    node.value = std::move(only->value);
    node.firsts = std::move(only->firsts);
    node.children = std::move(only->children);
  }

  Node root_;
};

}  // namespace crosspoint::realm
