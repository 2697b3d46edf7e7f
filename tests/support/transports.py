"""The ways into a router, so that one suite of tests can go each of them."""

from support import node as nodes
from support.wamp import Client, RawSocketClient


class Way:
    """One transport of a running node: what it is called, and how to make a client of it."""

    def __init__(self, name, make, port, peer="tcp4:127.0.0.1:", **options):
        self.name = name
        self.make = make
        self.port = port
        self.peer = peer  # how the router names a client's address
        self.options = options

    def client(self, serializer="json", **more):
        return self.make(self.port, serializer, **{**self.options, **more})

    @property
    def is_websocket(self):
        return self.make is Client


def tcp(port, **more):
    return {"type": "tcp", "port": port, "interface": "127.0.0.1", **more}


def router_with(transports, realms=None, options=None):
    """A configuration with these transports."""
    return {
        "version": 2,
        "workers": [
            {
                "type": "router",
                "options": options or {"io_threads": 2},
                "realms": realms if realms is not None else [nodes.realm()],
                "transports": transports,
            }
        ],
    }


NAMES = ["websocket", "rawsocket"]


def all_ways(directory):
    """The configuration of a node with every transport, and its ways by name."""
    web, raw = nodes.free_port(), nodes.free_port()
    transports = [
        {"type": "websocket", "endpoint": tcp(web)},
        {"type": "rawsocket", "endpoint": tcp(raw)},
    ]
    ways = [Way("websocket", Client, web), Way("rawsocket", RawSocketClient, raw)]
    return router_with(transports), {way.name: way for way in ways}
