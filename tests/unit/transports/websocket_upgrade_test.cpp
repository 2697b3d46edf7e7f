#include <catch2/catch.hpp>

#include "transports/websocket_upgrade.hpp"

using namespace crosspoint;
using namespace crosspoint::transports;

namespace {

HttpRequest request() {
  HttpRequest request;
  request.method = "GET";
  request.headers = {{"host", "server.example.com"},
                     {"upgrade", "websocket"},
                     {"connection", "keep-alive, Upgrade"},
                     {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                     {"sec-websocket-protocol", "wamp.2.msgpack, wamp.2.json"},
                     {"sec-websocket-version", "13"}};
  return request;
}

HttpRequest with(const std::string& name, const std::string& value) {
  HttpRequest changed = request();
  std::erase_if(changed.headers, [&](const auto& header) { return header.first == name; });
  if (!value.empty()) changed.headers.emplace_back(name, value);
  return changed;
}

std::vector<const serializers::Serializer*> all() {
  return {&serializers::of(wamp::Encoding::json), &serializers::of(wamp::Encoding::msgpack),
          &serializers::of(wamp::Encoding::cbor)};
}

WebSocketUpgrade negotiate(const HttpRequest& request, const settings::WebSocketOptions& options = {}) {
  return negotiate_upgrade(request, options, all());
}

std::string header(const HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

TEST_CASE("the handshake of RFC 6455, section 1.3, is accepted, with the client's first subprotocol that we speak") {
  const auto upgrade = negotiate(request());
  REQUIRE(upgrade.response.status == 101);
  REQUIRE(header(upgrade.response, "Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  REQUIRE(header(upgrade.response, "Sec-WebSocket-Protocol") == "wamp.2.msgpack");
  REQUIRE(upgrade.serializer->name == "msgpack");
  REQUIRE_FALSE(upgrade.deflate.has_value());
  REQUIRE_FALSE(upgrade.batched);
  const auto batched =
      negotiate(with("sec-websocket-protocol", "wamp.2.xml.batched, wamp.2.cbor.batched, wamp.2.json"));
  REQUIRE(batched.serializer->name == "cbor");
  REQUIRE(batched.batched);
  REQUIRE(header(batched.response, "Sec-WebSocket-Protocol") == "wamp.2.cbor.batched");
  REQUIRE(is_upgrade(request()));
  REQUIRE(is_upgrade(with("upgrade", "WebSocket")));
  REQUIRE_FALSE(is_upgrade(with("upgrade", "")));
}

TEST_CASE("a malformed handshake is refused with 400") {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"host", ""},
                                                        {"connection", "keep-alive"},
                                                        {"sec-websocket-key", ""},
                                                        {"sec-websocket-key", "short"},
                                                        {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=!"},
                                                        {"sec-websocket-protocol", "wamp.2.json, wamp.2.json"}}) {
    INFO(name << ": " << value);
    const auto upgrade = negotiate(with(name, value));
    REQUIRE(upgrade.response.status == 400);
    REQUIRE(upgrade.serializer == nullptr);
    REQUIRE(upgrade.response.close);
  }
  HttpRequest post = request();
  post.method = "POST";
  REQUIRE(negotiate(post).response.status == 400);
  HttpRequest old = request();
  old.http_1_0 = true;
  REQUIRE(negotiate(old).response.status == 400);
}

TEST_CASE("versions other than 13 and 8 are told what there is") {
  const auto upgrade = negotiate(with("sec-websocket-version", "7"));
  REQUIRE(upgrade.response.status == 426);
  REQUIRE(header(upgrade.response, "Sec-WebSocket-Version") == "13, 8");
  REQUIRE(negotiate(with("sec-websocket-version", "8")).response.status == 101);
  settings::WebSocketOptions options;
  options.enable_hybi10 = false;
  REQUIRE(negotiate(with("sec-websocket-version", "8"), options).response.status == 426);
}

TEST_CASE("a client that speaks none of our subprotocols is told which we speak") {
  const auto upgrade = negotiate(with("sec-websocket-protocol", "wamp.2.flatbuffers, chat"));
  REQUIRE(upgrade.response.status == 400);
  REQUIRE(upgrade.response.body ==
          "This server only speaks WebSocket subprotocols wamp.2.json, wamp.2.json.batched, wamp.2.msgpack, "
          "wamp.2.msgpack.batched, wamp.2.cbor, wamp.2.cbor.batched\n");
  REQUIRE(negotiate(with("sec-websocket-protocol", "")).response.status == 400);
  settings::WebSocketOptions lenient;
  lenient.require_websocket_subprotocol = false;
  const auto without = negotiate(with("sec-websocket-protocol", ""), lenient);
  REQUIRE(without.response.status == 101);
  REQUIRE(without.serializer->name == "json");
  REQUIRE(header(without.response, "Sec-WebSocket-Protocol").empty());
  REQUIRE(negotiate_upgrade(request(), {}, {&serializers::of(wamp::Encoding::json)}).serializer->name == "json");
}

TEST_CASE("pages may connect from the origins allowed") {
  settings::WebSocketOptions options;
  options.allowed_origins = {"http://good.example", "https://*.example.org:8443"};
  const auto status = [&](const std::string& origin) {
    return negotiate(with("origin", origin), options).response.status;
  };
  REQUIRE(status("") == 101);  // no page
  REQUIRE(status("http://good.example") == 101);
  REQUIRE(status("http://good.example:80") == 101);
  REQUIRE(status("https://good.example") == 400);
  REQUIRE(status("http://good.example.evil") == 400);
  REQUIRE(status("https://a.example.org:8443") == 101);
  REQUIRE(status("https://a.example.org") == 400);
  REQUIRE(status("null") == 101);
  options.allow_null_origin = false;
  REQUIRE(status("null") == 400);
  REQUIRE(negotiate(with("origin", "http://x"), options).response.body ==
          "WebSocket connection denied: origin 'http://x' not allowed\n");
  REQUIRE(is_origin_allowed("http://anything", {"*"}));
  REQUIRE_FALSE(is_origin_allowed("http://anything", {}));
}

TEST_CASE("the external port must be the one clients connect to") {
  settings::WebSocketOptions options;
  options.external_port = 8443;
  REQUIRE(negotiate(with("host", "h:8443"), options).response.status == 101);
  REQUIRE(negotiate(with("host", "[::1]:8443"), options).response.status == 101);
  REQUIRE(negotiate(with("host", "h:8080"), options).response.status == 400);
  REQUIRE(negotiate(with("host", "[::1]"), options).response.status == 400);
}

TEST_CASE("permessage-deflate is used only if it is configured") {
  const auto offer = with("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
  REQUIRE_FALSE(negotiate(offer).deflate.has_value());
  settings::WebSocketOptions options;
  options.compression = settings::Deflate{};
  const auto upgrade = negotiate(offer, options);
  REQUIRE(upgrade.deflate.has_value());
  REQUIRE(header(upgrade.response, "Sec-WebSocket-Extensions") == "permessage-deflate");
  REQUIRE_FALSE(negotiate(request(), options).deflate.has_value());
}
