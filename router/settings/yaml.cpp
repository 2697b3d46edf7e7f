#include <yaml-cpp/yaml.h>

#include "settings/object_reader.hpp"

namespace crosspoint::settings {
namespace {

constexpr int kMaxNesting = 64;

/// A plain scalar has the type it looks like (YAML's core schema); a quoted one is a string.
Json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  std::int64_t integer = 0;
  if (YAML::convert<std::int64_t>::decode(node, integer)) return integer;
  double number = 0;
  if (YAML::convert<double>::decode(node, number)) return number;
  return text;
}

Json convert(const YAML::Node& node, int depth) {
  if (depth > kMaxNesting) throw std::runtime_error("nested more than 64 levels deep");
  if (node.IsScalar()) return scalar(node);
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& item : node) list.push_back(convert(item, depth + 1));
    return list;
  }
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) object[entry.first.as<std::string>()] = convert(entry.second, depth + 1);
    return object;
  }
  return nullptr;
}

}  // namespace

Json parse_yaml(const std::string& text) {
  try {
    return convert(YAML::Load(text), 0);
  } catch (const YAML::Exception& error) {
    throw std::runtime_error(std::string("not valid YAML: ") + error.what());
  }
}

}  // namespace crosspoint::settings
