"""The examples of docs/http.md: all their services in one node, and each curl line against it."""

import http.server
import json
import re
import subprocess
import threading
import zipfile

import pytest

from support import node as nodes
from support.node import ROOT

TEXT = (ROOT / "docs" / "http.md").read_text()
BLOCKS = re.findall(r"```(json|sh)\n(.*?)```", TEXT, re.S)
PATHS = {path: service for kind, text in BLOCKS if kind == "json" for path, service in json.loads(text).items()}
SCRIPTS = {re.search(r"8080/(\w+)", text)[1]: text for kind, text in BLOCKS if kind == "sh"}
EXPECTED = {
    "publish": r'\{"id":\d+\}',
    "call": r'\{"args":\[0\]\}',
    "signed": r'\{"id":\d+\}',
    "hook": "thanks",
    "lp": r'\{"transport":"[0-9a-f]{32}","protocol":"wamp.2.json"\}',
    "zipped": "<p>zipped</p>",
    "scripts": "Hello you",
    "upload": "",
    "app": "the other server has /start/page",
    "files": r'(?s).*\.crossbar.*\{"answer":42\}\{"answer":42\}.*I/O threads.*\[1,2\]',
}


class Other(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        body = f"the other server has {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = nodes.free_port()
        paths = json.loads(json.dumps(PATHS).replace("8081", str(other.server_port)).replace("8080", str(port)))
        roles = [{"name": "web", "permissions": [nodes.allow()]}]
        document = nodes.config(port, realms=[nodes.realm(roles=roles)], paths=paths)
        directory = nodes.write_config(tmp_path_factory.mktemp("examples") / ".crossbar", document)
        with zipfile.ZipFile(directory / "site.zip", "w") as archive:
            archive.writestr("index.html", "<p>zipped</p>")
        (directory.parent / "uploaded").mkdir()
        (directory.parent / "cgi").mkdir()
        (directory.parent / "cgi" / "greet.sh").write_text(re.search(r"`greet.sh`\n\n```\n(.*?)```", TEXT, re.S)[1])
        node = nodes.Node(directory)
        yield {"8080": str(port), "8081": str(other.server_port)}
        assert node.stop() == 0
        other.shutdown()


def test_every_script_has_its_answer():
    assert set(SCRIPTS) == set(EXPECTED)


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_example(ports, name):
    script = re.sub("8080|8081", lambda match: ports[match[0]], SCRIPTS[name]).replace("curl ", "curl -sS ")
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, timeout=nodes.TIME)
    assert re.fullmatch(EXPECTED[name], done.stdout.strip()), done
