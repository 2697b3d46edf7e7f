"""Signing in by the cookie of an earlier session: stores, logout, and what a cookie is not good for."""

import time

import pytest

from support import node as nodes
from support.wamp import Client, Closed

ROLES = [{"name": name, "permissions": [nodes.allow()]} for name in ("user", "anonymous")]
AUTH = {"cookie": {}, "ticket": {"type": "static", "principals": {
    "joe": {"ticket": "secret", "role": "user"}, "ann": {"ticket": "secret", "role": "user"}}}}
COOKIE = {"store": {"type": "memory"}}


def document(port, cookie=None, auth=AUTH, realms=None):
    websocket = {"cookie": cookie or COOKIE, **({"auth": auth} if auth else {})}
    return nodes.config(port, realms=realms or [nodes.realm(roles=ROLES)], websocket=websocket)


def connect(port, cookie=None):
    """A client that has not said HELLO yet; `cookie` is what it has from the router, or brings with it."""
    client = Client(port, join=False, headers={"Cookie": f"other=1; cbtid={cookie}"} if cookie else {})
    lines = [line for line in client.response.decode().split("\r\n") if line.lower().startswith("set-cookie:")]
    client.set_cookie = lines[0].split(":", 1)[1].strip() if lines else None
    client.cookie = client.set_cookie.split(";")[0].split("=")[1] if lines else cookie
    return client


def hello(client, *methods, **details):
    return client.join("realm1", {"authmethods": list(methods), **details})


def sign_in(port, cookie=None, authid="joe", ticket="secret", methods=("cookie", "ticket")):
    client = connect(port, cookie)
    client.reply = hello(client, *methods, authid=authid)
    if client.reply[0] == 4:
        client.send([5, ticket, {}])
        client.reply = client.receive()
    return client


def leave(client, reason="wamp.close.normal"):
    client.send([6, {}, reason])
    assert client.receive()[0] == 6
    client.close()


def who(reply):
    return reply[2]["authid"], reply[2]["authmethod"], reply[2]["authprovider"]


def test_a_cookie_stands_for_the_sign_in_it_was_used_for(start, port):
    start(document(port))
    first = sign_in(port)
    assert first.set_cookie == f"cbtid={first.cookie};max-age=604800" and len(first.cookie) == 24
    assert who(first.reply) == ("joe", "ticket", "static")
    leave(first)
    again = connect(port, first.cookie)
    assert again.set_cookie is None
    reply = hello(again, "cookie", "ticket")
    assert reply[0] == 2 and who(reply) == ("joe", "ticket", "cookie")
    assert (reply[2]["realm"], reply[2]["authrole"]) == ("realm1", "user")
    again.subscribe("com.topic")  # and the session is worth as much as the first


def test_what_is_no_cookie_leads_to_the_next_method(start, port):
    start(document(port))
    for unknown in (None, "x" * 24, "joe", "'; DROP TABLE cookies; --"):
        client = connect(port, unknown)
        assert client.cookie != unknown  # the router never takes one that a client has made up
        assert hello(client, "cookie", "ticket", authid="joe")[:2] == [4, "ticket"]
        client = connect(port, unknown)
        refusal = hello(client, "cookie")
        assert refusal == [3, {"message": "cannot authenticate [2] using any of the offered authmethods ['cookie']"},
                           "wamp.error.no_auth_method"]
    wrong = sign_in(port, ticket="guess")
    assert wrong.reply[0] == 3
    assert hello(connect(port, wrong.cookie), "cookie")[2] == "wamp.error.no_auth_method"


def test_a_cookie_that_is_not_offered_counts_no_more(start, port):
    """As in Crossbar: whoever has a cookie and signs in by something else gives the old sign-in up."""
    start(document(port))
    first = sign_in(port)
    failed = sign_in(port, first.cookie, methods=("ticket",), ticket="guess")
    assert failed.reply[0] == 3
    assert hello(connect(port, first.cookie), "cookie")[2] == "wamp.error.no_auth_method"
    second = sign_in(port, first.cookie, authid="ann", methods=("ticket",))
    assert who(second.reply)[0] == "ann"
    assert who(hello(connect(port, first.cookie), "cookie"))[0] == "ann"


def test_whoever_logs_out_is_logged_out_everywhere(start, port):
    start(document(port))
    first = sign_in(port)
    others = [sign_in(port, first.cookie) for _ in range(6)]  # they live on both threads
    waiting = connect(port, first.cookie)
    stranger = sign_in(port)
    leave(first, "wamp.close.logout")
    for other in others:
        goodbye = other.receive()
        assert goodbye[0] == 6 and goodbye[2] == "wamp.close.logout"
        assert goodbye[1]["message"] == "logged out on another connection"
        other.send([6, {}, "wamp.close.goodbye_and_out"])
        assert other.expect_end() == 1000
    assert waiting.expect_end() == 1000
    assert stranger.nothing_comes()
    late = connect(port, first.cookie)
    assert hello(late, "cookie", "ticket", authid="joe")[0] == 4


def test_cookies_expire(start, port):
    start(document(port, {**COOKIE, "max_age": 1}))
    first = sign_in(port)
    end = time.monotonic() + nodes.TIME
    while connect(port, first.cookie).cookie == first.cookie and time.monotonic() < end:
        first.close()
    late = connect(port, first.cookie)
    assert hello(late, "cookie", "ticket", authid="joe")[0] == 4


@pytest.mark.parametrize("store", [{"type": "file", "filename": "cookies.dat"}, {"type": "database", "path": "cookies.db"},
                                   {"type": "file", "filename": "cookies.dat", "purge_on_startup": True}])
def test_cookies_outlive_the_router(tmp_path, port, store):
    directory = nodes.write_config(tmp_path / ".crossbar", document(port, {"store": store}))
    node = nodes.Node(directory)
    kept, logged_out = sign_in(port), sign_in(port)
    leave(logged_out, "wamp.close.logout")
    assert node.stop() == 0
    path = directory / (store.get("filename") or store["path"])
    assert path.stat().st_mode & 0o077 == 0  # whoever reads it may sign in as anybody in it
    node = nodes.Node(directory)
    assert who(hello(connect(port, kept.cookie), "cookie")) == ("joe", "ticket", "cookie")
    assert hello(connect(port, logged_out.cookie), "cookie")[0] == 3
    assert node.stop() == 0
    assert kept.cookie not in node.output()


def test_a_store_belongs_to_one_router(tmp_path, port):
    cookie = {"store": {"type": "file", "filename": str(tmp_path / "cookies.dat")}}
    node = nodes.Node(nodes.write_config(tmp_path / "a" / ".crossbar", document(port, cookie)))
    other = nodes.Node(nodes.write_config(tmp_path / "b" / ".crossbar", document(nodes.free_port(), cookie)), wait=False)
    assert other.wait() == 1
    other.wait_for(r"workers\[0\].transports\[0\].*cannot use the cookie file .*/cookies.dat: another router uses it")
    assert node.stop() == 0


def test_attributes_names_and_lengths(start, port):
    start(document(port, {"name": "own_name", "length": 40, "max_age": 60, "secure": True, "http_strict": True,
                          "same_site": "Strict", "store": {"type": "memory"}}))
    client = connect(port)
    assert client.set_cookie == f"own_name={client.cookie};max-age=60;Secure;HttpOnly;SameSite=Strict"
    assert len(client.cookie) == 40 and client.cookie.isalnum()


def test_without_authentication_a_cookie_is_a_name(start, port):
    start(document(port, auth=None))
    first = connect(port)
    assert hello(first)[2]["authid"] == first.cookie
    assert hello(connect(port, first.cookie))[2]["authid"] == first.cookie
    assert hello(connect(port, "x" * 24))[2]["authid"] != "x" * 24


def test_authenticators_are_told_of_the_cookie(start, port):
    service_port = nodes.free_port()
    auth = {"cookie": {}, "ticket": {"type": "dynamic", "authenticator": "com.auth"}}
    config = document(port, auth=auth)
    config["workers"][0]["transports"].append(nodes.web(service_port, {"ws": {"type": "websocket"}}))
    start(config)
    service = Client(service_port)
    service.register("com.auth")
    client = connect(port)
    assert hello(client, "ticket", authid="joe")[0] == 4
    client.send([5, "any", {}])
    invocation = service.receive()
    transport = invocation[4][2]["transport"]
    assert transport["http_cbtid"] == transport["cbtid"] == client.cookie
    service.send([70, invocation[1], {}, [{"role": "user", "extra": {"colour": "blue"}}]])
    assert client.receive()[0] == 2
    again = hello(connect(port, client.cookie), "cookie")
    assert who(again) == ("joe", "ticket", "cookie") and again[2]["authextra"]["colour"] == "blue"


def test_a_role_that_is_gone_is_said_to_be(tmp_path, port):
    cookie = {"store": {"type": "file", "filename": "cookies.dat"}}
    directory = nodes.write_config(tmp_path / ".crossbar", document(port, cookie))
    node = nodes.Node(directory)
    client = sign_in(port)
    assert node.stop() == 0
    roles = [{"name": "other", "permissions": []}]
    nodes.write_config(directory, document(port, cookie, realms=[nodes.realm(roles=roles)]))
    node = nodes.Node(directory)
    assert hello(connect(port, client.cookie), "cookie") == [3, {"message": 'realm "realm1" has no role "user"'},
                                                             "wamp.error.no_such_role"]
    assert node.stop() == 0


def test_check_says_what_cookies_lack(tmp_path, port):
    config = nodes.config(port, websocket={"auth": {"cookie": {}}})
    nodes.write_config(tmp_path, config)
    done = nodes.run("check", "--cbdir", tmp_path)
    assert done.returncode == 0
    assert "auth.cookie: nobody can sign in by cookie, since there are none here" in done.stdout + done.stderr
    nodes.write_config(tmp_path, document(port, {**COOKIE, "same_site": "None"}))
    done = nodes.run("check", "--cbdir", tmp_path)
    assert "browsers drop cookies with SameSite=None that are not Secure" in done.stdout + done.stderr
