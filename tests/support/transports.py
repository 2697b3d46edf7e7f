"""The ways into a router, so that one suite of tests can go each of them."""

from support import node as nodes
from support.certificates import Authority
from support.wamp import BatchedClient, Client, RawSocketClient


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
        return issubclass(self.make, Client)


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


NAMES = ["websocket", "rawsocket", "websocket-unix", "rawsocket-unix", "websocket-tls", "rawsocket-tls",
         "websocket-unix-tls", "rawsocket-unix-tls", "websocket-universal", "rawsocket-universal", "websocket-batched"]


def all_ways(directory, realms=None, **more):
    """The configuration of a node with every transport, and its ways by name. `directory` is the node's; `more` is added to
    each WAMP transport."""
    authority = Authority(directory / "ca")
    key, certificate = authority.issue("server")
    context = authority.client()
    settings = {"key": key, "certificate": certificate}
    transports, ways = [], {}

    def add(name, make, transport, port, **more):
        transports.append(transport)
        ways[name] = Way(name, make, port, **more)
        ways[name].trust = str(authority.directory)  # for clients that want it as a directory

    for kind, make in (("websocket", Client), ("rawsocket", RawSocketClient)):
        port = nodes.free_port()
        add(kind, make, {"type": kind, "endpoint": tcp(port), **more}, port)
        path = directory / f"{kind}.sock"
        add(f"{kind}-unix", make, {"type": kind, "endpoint": {"type": "unix", "path": path.name}, **more}, path, peer="unix")
        path = directory / f"{kind}-tls.sock"
        add(f"{kind}-unix-tls", make, {"type": kind, "endpoint": {"type": "unix", "path": path.name, "tls": settings},
                                       **more}, path, peer="unix", tls=context)
        port = nodes.free_port()
        add(f"{kind}-tls", make, {"type": kind, "endpoint": tcp(port, tls=settings), **more}, port, tls=context)
    port = nodes.free_port()
    add("websocket-universal", Client, {"type": "universal", "endpoint": tcp(port, tls=settings), "rawsocket": more,
                                        "websocket": {"ws": {"type": "websocket", **more}}}, port, tls=context)
    ways["rawsocket-universal"] = Way("rawsocket-universal", RawSocketClient, port, tls=context)
    ways["websocket-batched"] = Way("websocket-batched", BatchedClient, ways["websocket"].port)
    return router_with(transports, realms), ways
