"""HTTP requests, and the signatures of those to publishers and callers."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import random
import urllib.parse

from support.node import TIME


def request(port, method, path, body=None, headers=None, connection=None):
    """(response, body) of a request."""
    if connection is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIME)
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    return response, response.read()


def post(port, path, body, headers=None, **more):
    """The same with POST and JSON; the status and the answer's value (None if it is empty)."""
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    response, answer = request(port, "POST", path, data, {"Content-Type": "application/json", **(headers or {})}, **more)
    return response.status, json.loads(answer) if answer else None


def timestamp(offset=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
    return now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def sign(path, body, key="me", secret="mine", **changes):
    """The path with the parameters of a signed request. `changes` replace parameters; None leaves one out."""
    fields = {"key": key, "timestamp": timestamp(), "seq": "1", "nonce": str(random.getrandbits(53)), **changes}
    body = body.encode() if isinstance(body, str) else body
    text = "".join(str(fields[name] or "") for name in ("key", "timestamp", "seq", "nonce")).encode() + body
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    fields.setdefault("signature", base64.urlsafe_b64encode(digest).decode())
    return path + "?" + urllib.parse.urlencode({name: value for name, value in fields.items() if value is not None})
