#pragma once

#include <string_view>

namespace crosspoint::cli {

/// What `init` writes: a node that anybody may use, to be narrowed down.
inline constexpr std::string_view kTemplateConfig = R"json({
    "version": 2,
    "controller": {},
    "workers": [
        {
            "type": "router",
            "realms": [
                {
                    "name": "realm1",
                    "roles": [
                        {
                            "name": "anonymous",
                            "permissions": [
                                {
                                    "uri": "",
                                    "match": "prefix",
                                    "allow": {
                                        "call": true,
                                        "register": true,
                                        "publish": true,
                                        "subscribe": true
                                    },
                                    "disclose": {
                                        "caller": false,
                                        "publisher": false
                                    },
                                    "cache": true
                                }
                            ]
                        }
                    ]
                }
            ],
            "transports": [
                {
                    "type": "web",
                    "endpoint": {
                        "type": "tcp",
                        "port": 8080
                    },
                    "paths": {
                        "/": {
                            "type": "static",
                            "directory": "../web"
                        },
                        "ws": {
                            "type": "websocket"
                        },
                        "info": {
                            "type": "nodeinfo"
                        }
                    }
                }
            ]
        }
    ]
}
)json";

inline constexpr std::string_view kTemplatePage = R"html(<!DOCTYPE html>
<html>
<head><meta charset="utf-8"><title>Crosspoint</title></head>
<body>
<h1>Crosspoint is running</h1>
<p>WAMP clients connect to <code id="url"></code>, realm <code>realm1</code>.</p>
<p id="state">Saying HELLO ...</p>
<script>
  // WAMP by hand, to see that the router answers: HELLO goes out, WELCOME (2) comes back.
  const url = `ws://${location.host}/ws`;
  document.getElementById('url').textContent = url;
  const socket = new WebSocket(url, ['wamp.2.json']);
  const state = (text) => { document.getElementById('state').textContent = text; };
  socket.onopen = () => socket.send(JSON.stringify([1, 'realm1', {roles: {subscriber: {}}}]));
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    state(message[0] === 2 ? `Welcome, session ${message[1]}.` : `The router said: ${event.data}`);
  };
  socket.onerror = () => state('The connection failed.');
</script>
</body>
</html>
)html";

}  // namespace crosspoint::cli
