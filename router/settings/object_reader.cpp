#include "settings/object_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>

namespace crosspoint::settings {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

std::string suggestion(const std::string& key, const std::vector<std::string>& known) {
  for (const auto& candidate : known) {
    if (edit_distance(key, candidate) <= 2) return " (did you mean \"" + candidate + "\"?)";
  }
  return {};
}

}  // namespace

std::string Problem::text() const {
  std::string line = file;
  if (!path.empty()) line += ": " + path;
  line += ": " + what;
  if (!allowed.empty()) line += "; allowed: " + allowed;
  return line;
}

std::string show(const Json& value) {
  constexpr std::size_t kMost = 60;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  return text;
}

void LoadContext::error(const std::string& path, std::string what, std::string allowed) {
  report.errors.push_back({file, path, std::move(what), std::move(allowed)});
}
void LoadContext::warn(const std::string& path, std::string what, std::string allowed) {
  report.warnings.push_back({file, path, std::move(what), std::move(allowed)});
}
void LoadContext::unsupported(const std::string& path, std::string what) {
  report.unsupported.push_back({file, path, std::move(what), {}});
}

std::string LoadContext::absolute(const std::string& path) const {
  return (std::filesystem::path(node_directory) / path).lexically_normal().string();
}

std::string LoadContext::next_id(const std::string& kind) {
  const std::string number = std::to_string(++counters[kind]);
  return kind + std::string(number.size() < 3 ? 3 - number.size() : 0, '0') + number;
}

ObjectReader::ObjectReader(LoadContext& context, const Json& value, std::string path)
    : context_(context), path_(std::move(path)) {
  if (value.is_object()) {
    object_ = &value;
  } else {
    // The value is not shown: it may be a secret in the wrong place.
    context.error(path_, std::string(value.type_name()) + " instead of an object", "an object");
  }
}

std::string ObjectReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const Json* ObjectReader::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  if (object_ == nullptr) return nullptr;
  const auto at = object_->find(std::string(key));
  return at != object_->end() ? &*at : nullptr;
}

const Json* ObjectReader::require(std::string_view key, std::string_view allowed) {
  const Json* value = find(key);
  if (value == nullptr && good()) {
    context_.error(path_, "\"" + std::string(key) + "\" is missing", std::string(key) + ": " + std::string(allowed));
  }
  return value;
}

void ObjectReader::wrong(std::string_view key, const Json& value, std::string_view allowed) {
  context_.error(path_of(key), show(value) + " cannot be used", std::string(allowed));
}

std::optional<std::string> ObjectReader::text(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  wrong(key, *value, "a string");
  return std::nullopt;
}

std::string ObjectReader::text_or(std::string_view key, std::string fallback) {
  return text(key).value_or(std::move(fallback));
}

std::string ObjectReader::required_text(std::string_view key, std::string_view allowed) {
  const Json* value = require(key, allowed);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  wrong(key, *value, allowed);
  return {};
}

std::string ObjectReader::required_secret(std::string_view key) {
  const Json* value = require(key, "a string, or \"${NAME}\" for an environment variable");
  return value != nullptr ? read_secret(context_, *value, path_of(key)).value_or("") : std::string();
}

std::optional<std::string> read_secret(LoadContext& context, const Json& value, const std::string& path) {
  if (!value.is_string()) {
    context.error(path, std::string("a value that is no string (") + value.type_name() + ")", "a string");
    return std::nullopt;
  }
  const auto& text = value.get_ref<const std::string&>();
  if (!text.starts_with("${") || !text.ends_with("}")) return text;
  const std::string name = text.substr(2, text.size() - 3);
  if (auto found = context.environment(name)) return *found;
  context.error(path, "environment variable " + name + " is not set");
  return std::nullopt;
}

bool ObjectReader::boolean(std::string_view key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  wrong(key, *value, "true or false");
  return fallback;
}

std::optional<std::int64_t> ObjectReader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
  if (fits) {
    const auto number = value->get<std::int64_t>();
    if (number >= least && number <= most) return number;
  }
  wrong(key, *value, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::vector<std::string> ObjectReader::texts(std::string_view key) {
  std::vector<std::string> result;
  each_item(*this, key, [&](const Json& item, const std::string& path) {
    if (item.is_string()) {
      result.push_back(item.get<std::string>());
    } else {
      context_.error(path, show(item) + " is not a string", "a string");
    }
  });
  return result;
}

std::size_t ObjectReader::choice(std::string_view key, const std::vector<std::string_view>& names,
                                 std::size_t fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_string()) {
    const auto at = std::find(names.begin(), names.end(), value->get_ref<const std::string&>());
    if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
  }
  wrong(key, *value, join({names.begin(), names.end()}));
  return fallback;
}

void ObjectReader::finish(bool strict) {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    std::string what = "unknown key \"" + key + "\"" + suggestion(key, known_);
    if (strict) {
      context_.error(path_, std::move(what), join(known_));
    } else {
      context_.warn(path_, what + ": it has no effect", join(known_));
    }
  }
}

}  // namespace crosspoint::settings
