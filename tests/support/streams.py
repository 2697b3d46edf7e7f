"""What tests of streams share."""

import threading

from support.wamp import Closed

FEATURES = {"features": {"call_canceling": True, "progressive_call_results": True}}
MODERN = {"roles": {"callee": FEATURES, "caller": {"features": {"call_canceling": True}}, "publisher": {},
                    "subscriber": {}}}
KIB = "x" * 1024


def in_background(work):
    """Runs it in a thread until it, or the connection that it uses, ends."""
    def guarded():
        try:
            work()
        except (Closed, OSError):  # the test has ended, or ended the connection
            pass

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    return thread


def flood(send, stop):
    """Calls `send` in the background until the event `stop`."""
    def go_on():
        while not stop.is_set():
            send()

    return in_background(go_on)
