#include "micro/sample_messages.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "base/io_thread.hpp"
#include "serializers/value.hpp"

namespace crosspoint::bench {
namespace {

using nlohmann::json;

constexpr std::uint64_t kId = 4'294'967'296'123;
constexpr const char* kUri = "com.example.house.kitchen.temperature";

json arguments() { return {1234567, "a text of some length, like a person's name", 21.5}; }
json keywords() { return {{"unit", "celsius"}, {"sensor", 17}}; }

json make(Sample sample) {
  switch (sample) {
    case Sample::call:
      return {48, 7814, json::object(), kUri, arguments(), keywords()};
    case Sample::event:
      return {36, 5512723, kId, json::object(), arguments(), keywords()};
    case Sample::publish_128k:
      return {16, 7814, json::object(), kUri, json::array({std::string(128 * 1024, 'x')})};
    default:
      return {16, 7814, {{"acknowledge", true}}, kUri, arguments(), keywords()};
  }
}

}  // namespace

SampleMessage::SampleMessage(Sample sample, wamp::Encoding encoding) {
  std::string text;
  serializers::append_value(encoding, make(sample), text);
  size_ = text.size();
  bytes_.assign(text.begin(), text.end());
  bytes_.resize(size_ + base::IoThread::kReadPadding);
}

}  // namespace crosspoint::bench
