"""The program itself: commands, files, signals and exit codes."""

import json
import os
import signal
import socket
import subprocess

import pytest

from support import node as nodes
from support.node import PROGRAM, Node, run, write_config
from support.http import request
from support.wamp import Client


def test_without_a_command_the_usage_is_shown():
    result = run()
    assert result.returncode == 0 and "start" in result.stdout and "check" in result.stdout
    assert run("--help").returncode == 0
    assert run("start", "--help").returncode == 0


@pytest.mark.parametrize("arguments", [["dance"], ["start", "--loud"], ["start", "--loglevel", "loud"],
                                       ["start", "--shutdownafter", "soon"], ["status", "--assert", "happy"]])
def test_a_wrong_command_line_is_one_clear_line(arguments):
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("crosspoint: ") and result.stderr.count("\n") == 1
    assert arguments[-1] in result.stderr


def test_version_and_keygen():
    result = run("version")
    assert result.returncode == 0 and "Crosspoint" in result.stdout
    keys = [run("keygen").stdout for _ in range(2)]
    assert keys[0] != keys[1]
    private, public = keys[0].splitlines()
    assert private.startswith("  private: ") and len(private.split()[1]) == 64
    assert public.startswith("   public: ") and len(public.split()[1]) == 64


def test_init_makes_a_node_that_runs_and_overwrites_nothing(tmp_path):
    assert run("init", "--appdir", tmp_path / "app").returncode == 0
    directory = tmp_path / "app" / ".crossbar"
    assert run("check", "--cbdir", directory).returncode == 0
    (directory / "config.json").write_text("mine")
    assert run("init", "--appdir", tmp_path / "app").returncode == 0
    assert (directory / "config.json").read_text() == "mine"


def test_check_says_what_is_wrong(tmp_path):
    good = write_config(tmp_path / "good", nodes.config(8080))
    result = run("check", "--cbdir", good)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [f"Checking local node configuration file: {good}/config.json",
                                          "Ok, node configuration looks good!"]
    bad = write_config(tmp_path / "bad", {"version": 2, "workers": [{"type": "router", "realm": []}]})
    result = run("check", "--cbdir", bad)
    assert result.returncode == 1
    assert f'Error: {bad}/config.json: workers[0]: unknown key "realm" (did you mean "realms"?)' in result.stdout
    odd = write_config(tmp_path / "odd", {"version": 2, "workers": [{"type": "container"}]})
    result = run("check", "--cbdir", odd)
    assert result.returncode == 0 and "Warning: not available here" in result.stdout
    assert run("check", "--cbdir", tmp_path).returncode == 1


def test_start_refuses_a_broken_configuration_and_leaves_nothing_behind(tmp_path):
    directory = write_config(tmp_path / ".crossbar", '{"version": 2,\n "workers": [}')
    result = run("start", "--cbdir", directory)
    assert result.returncode == 1
    assert result.stderr.splitlines()[0] == "crosspoint: Invalid node configuration"
    assert "config.json: not valid JSON: at line 2, column 14" in result.stderr
    assert not (directory / "node.pid").exists()
    result = run("start", "--cbdir", directory, "--config", "none.json")
    assert result.returncode == 1 and "No such file" in result.stderr


def test_start_names_what_is_not_available_and_can_go_without(tmp_path, port, start):
    document = nodes.config(port)
    document["workers"].append({"type": "container", "components": []})
    document["workers"][0]["transports"].append({"type": "mqtt"})
    directory = write_config(tmp_path / "refused", document)
    result = run("start", "--cbdir", directory)
    assert result.returncode == 1
    assert "workers[1]: container workers (Python components) are not available" in result.stderr
    assert "workers[0].transports[1]: transports of type \"mqtt\" are not available" in result.stderr
    node = start(document, "--ignore-unsupported")
    node.wait_for("ignored:.*container")
    Client(port)


def websocket(**more):
    return {"type": "websocket", "endpoint": {"type": "tcp", "port": 8080}, **more}


def path_service(**service):
    return {"type": "web", "endpoint": {"type": "tcp", "port": 8080}, "paths": {"/": service}}


PYTHON = "it hosts Python code; run that in a server of its own"


@pytest.mark.parametrize(("transport", "where", "text"), [
    (websocket(endpoint={"type": "onion", "port": 80}), ".endpoint", 'endpoints of type "onion" are not available'),
    (websocket(endpoint={"type": "twisted"}), ".endpoint", 'endpoints of type "twisted" are not available'),
    ({"type": "flashpolicy"}, "", 'transports of type "flashpolicy" are not available'),
    ({"type": "mqtt"}, "", 'transports of type "mqtt" are not available'),
    ({"type": "stream.testee"}, "", 'transports of type "stream.testee" are not available'),
    ({"type": "universal", "endpoint": {"type": "tcp", "port": 8080}, "mqtt": {}}, ".mqtt", "MQTT is not available"),
    (websocket(serializers=["json", "flatbuffers"]), ".serializers[1]", 'the serializer "flatbuffers" is not available'),
    (websocket(options={"enable_flash_policy": True}), ".options.enable_flash_policy",
     "has no effect: there are no Flash clients any more"),
    (websocket(auth={"cryptosign": {"type": "static", "trustroots": {}}}), ".auth.cryptosign.trustroots",
     "certificate chains for cryptosign are not available"),
    (websocket(auth={"anonymous-proxy": {"type": "static"}}), ".auth.anonymous-proxy",
     'the authentication method "anonymous-proxy" is not available'),
    (websocket(auth={"cryptosign-proxy": {"type": "static"}}), ".auth.cryptosign-proxy",
     'the authentication method "cryptosign-proxy" is not available'),
    (websocket(auth={"ticket": {"type": "function", "create": "module.function"}}), ".auth.ticket",
     "authentication by a Python function is not available; use a dynamic authenticator"),
    (path_service(type="wsgi", module="m", object="o"), ".paths./", f'the path service "wsgi" is not available: {PYTHON}'),
    (path_service(type="resource", classname="c"), ".paths./",
     f'the path service "resource" is not available: {PYTHON}'),
    (path_service(type="wap"), ".paths./", 'the path service "wap" is not available'),
    (path_service(type="catalog"), ".paths./", 'the path service "catalog" is not available: it belongs to XBR'),
    (path_service(type="static", package="p", resource="r"), ".paths./",
     'static files of a Python package are not available; use "directory"'),
])
def test_check_explains_each_transport_option_and_method_that_is_not_available(tmp_path, transport, where, text):
    directory = write_config(tmp_path, {"version": 2, "workers": [{"type": "router", "transports": [transport]}]})
    result = run("check", "--cbdir", directory)
    assert f"workers[0].transports[0]{where}: {text}" in result.stdout
    assert result.returncode == 0 and "Ok, node configuration looks good!" in result.stdout


def test_what_is_not_available_is_left_out_wherever_it_is(tmp_path, port, start):
    """In nested paths, and in the web part of a universal transport."""
    python, value = {"type": "wsgi", "module": "m", "object": "o"}, {"type": "json", "value": 1}
    paths = {"deep": {"type": "path", "paths": {"er": {"type": "path", "paths": {"app": python, "value": value}}}},
             "app": python}
    other = nodes.free_port()
    document = nodes.config(port, paths=paths)
    document["workers"][0]["transports"].append({
        "type": "universal", "endpoint": {"type": "tcp", "port": other, "interface": "127.0.0.1"},
        "web": {"paths": paths}})
    result = run("start", "--cbdir", write_config(tmp_path / "refused", document))
    assert result.returncode == 1
    for path in ("transports[0].paths.deep.paths.er.paths.app", "transports[1].web.paths.app"):
        assert f'{path}: the path service "wsgi" is not available' in result.stderr
    start(document, "--ignore-unsupported")
    for each in (port, other):
        assert request(each, "GET", "/deep/er/value")[1] == b"1"
        for path in ("/app", "/deep/er/app"):
            assert request(each, "GET", path)[0].status == 404


def test_a_port_in_use_is_one_clear_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        directory = write_config(tmp_path / ".crossbar", nodes.config(port))
        result = run("start", "--cbdir", directory)
    assert result.returncode == 1
    assert result.stderr == (f"crosspoint: Could not start node: workers[0].transports[0] (TCP port {port} on 127.0.0.1): "
                             "Address already in use\n")
    assert not (directory / "node.pid").exists()


def test_the_first_free_port_of_a_range_is_taken(start, port):
    document = nodes.config(port)
    endpoint = document["workers"][0]["transports"][0]["endpoint"]
    del endpoint["port"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        first = other.getsockname()[1]
        endpoint["portrange"] = [first, first + 20]
        node = start(document)
        taken = int(node.wait_for("listening on").rsplit(":", 1)[1])
    assert first < taken <= first + 20
    Client(taken)


def test_node_pid_says_who_runs_and_goes_with_the_node(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", nodes.config(port))
    node = Node(directory, "--loglevel", "debug")
    document = json.loads((directory / "node.pid").read_text())
    assert document["pid"] == node.process.pid
    assert document["argv"][1:] == ["start", "--cbdir", str(directory), "--loglevel", "debug"]
    assert document["options"]["loglevel"] == "debug" and document["options"]["logtofile"] is False
    assert run("status", "--cbdir", directory).stdout == "Status is RUNNING\n"
    assert run("status", "--cbdir", directory, "--assert", "stopped").returncode == 69
    second = run("start", "--cbdir", directory)
    assert second.returncode == 1
    assert second.stderr == f"crosspoint: already running from node directory {directory} (PID {node.process.pid}).\n"
    assert run("stop", "--cbdir", directory).returncode == 0
    assert node.wait() == 0
    assert not (directory / "node.pid").exists()
    assert run("status", "--cbdir", directory, "--assert", "stopped").returncode == 0
    result = run("stop", "--cbdir", directory)
    assert result.returncode == 69
    assert result.stdout == f"No Crosspoint is currently running from node directory {directory}.\n"


def test_a_stale_or_damaged_pid_file_does_not_matter(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", nodes.config(port))
    sleeper = subprocess.Popen(["sleep", "60"])
    for text in ("{", json.dumps({"pid": 2**22 + 1}), json.dumps({"pid": sleeper.pid}), "[]"):
        (directory / "node.pid").write_text(text)
        assert run("status", "--cbdir", directory).stdout == "Status is STOPPED\n"
        (directory / "node.pid").write_text(text)
        node = Node(directory)
        node.wait_for("Removing the")
        assert node.stop() == 0
    sleeper.kill()
    sleeper.wait()


def test_restart_is_the_same_node_anew(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", nodes.config(port))
    first = Node(directory, "--loglevel", "warn", wait=False)
    while run("status", "--cbdir", directory).stdout != "Status is RUNNING\n":
        pass
    document = json.loads((directory / "config.json").read_text())
    document["workers"][0]["realms"].append(nodes.realm("realm2"))
    write_config(directory, document)
    second = subprocess.Popen([PROGRAM, "restart", "--cbdir", str(directory)])
    assert first.wait() == 0
    while True:
        try:
            Client(port, realm="realm2")
            break
        except ConnectionRefusedError:
            assert second.poll() is None
    pid = json.loads((directory / "node.pid").read_text())
    assert pid["pid"] == second.pid and pid["options"]["loglevel"] == "warn"
    assert run("stop", "--cbdir", directory).returncode == 0
    assert second.wait(nodes.TIME) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_in_good_order(start, port, how):
    node = start(nodes.config(port))
    clients = [Client(port, serializer) for serializer in ("json", "msgpack", "cbor")]
    node.process.send_signal(how)
    for client in clients:
        assert client.receive() == [6, {}, "wamp.close.system_shutdown"]
        client.send([6, {}, "wamp.close.goodbye_and_out"])
        assert client.expect_end() == 1000
    assert node.wait() == 0
    with pytest.raises(ConnectionRefusedError):
        Client(port)


def test_clients_that_do_not_answer_goodbye_do_not_hold_it_up(start, port):
    node = start(nodes.config(port))
    clients = [Client(port) for _ in range(3)]
    waiting = Client(port, join=False)
    node.process.send_signal(signal.SIGINT)
    assert node.wait(10) == 0
    assert all(client.receive()[2] == "wamp.close.system_shutdown" for client in clients)
    assert waiting.expect_end() is None


def test_a_second_signal_ends_the_wait(start, port):
    node = start(nodes.config(port))
    client = Client(port)  # which will not answer GOODBYE
    node.process.send_signal(signal.SIGINT)
    assert client.receive()[0] == 6
    node.process.send_signal(signal.SIGINT)
    node.wait_for("second signal")
    assert node.wait() == 0


def test_shutdownafter(start, port):
    node = start(nodes.config(port), "--shutdownafter", "1")
    assert node.wait() == 0
    node.wait_for("Shutting down: the time of --shutdownafter is over")


def test_the_log_goes_where_it_is_told(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", nodes.config(port))
    node = Node(directory, "--logtofile", "--logdir", "logs", wait=False)
    log = directory / "logs" / "node.log"
    while not log.exists() or "ran successfully" not in log.read_text():
        assert node.process.poll() is None
    Client(port).send([6, {}, "wamp.close.normal"])
    while " left realm" not in log.read_text():
        assert node.process.poll() is None
    assert node.stop() == 0
    assert node.output() == f"Auto-created log directory {directory}/logs"
    lines = log.read_text().splitlines()
    assert all(line[:4].isdigit() and "] " in line for line in lines)


@pytest.mark.parametrize(("arguments", "pattern"), [
    ([], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[Router     +\d+\] session \d+ joined realm"),
    (["--logformat", "syslogd"], r"^\[Router     +\d+\] session \d+ joined realm"),
    (["--logformat", "none"], r"^session \d+ joined realm"),
    (["--color", "true", "--loglevel", "debug"], "^\x1b\\[2m.*-> WELCOME session=.*\x1b\\[0m$"),
])
def test_log_formats(start, port, arguments, pattern):
    node = start(nodes.config(port), *arguments)
    Client(port)
    node.wait_for(pattern)


def test_the_debug_log_has_each_message_of_each_session(start, port):
    node = start(nodes.config(port), "--loglevel", "debug")
    subscribers = [Client(port) for _ in range(10)]
    for subscriber in subscribers:
        subscriber.subscribe("com.topic")
    publisher = Client(port)
    for number in (1, 2):
        publisher.publish("com.topic", [number, "x"])
    for subscriber in subscribers:
        for number in (1, 2):
            node.wait_for(rf'session {subscriber.session} -> EVENT .*\[{number}, ?"x"\]')


def test_what_clients_send_cannot_forge_log_lines(start, port):
    node = start(nodes.config(port), "--loglevel", "debug")
    client = Client(port)
    client.ask([48, {}, "com.x\n2026-01-01T00:00:00+0000 [Router      1] forged\x1b[31m"])
    node.wait_for(r"com\.x\\x0a2026")
    assert not any(line.startswith("2026-01-01") for line in node.lines)


def test_config_yaml_comes_before_config_json(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", "broken", "config.json")
    (directory / "config.yaml").write_text(json.dumps(nodes.config(port)))  # JSON is YAML
    node = Node(directory)
    node.wait_for("config_path=.*config.yaml")
    Client(port)
    assert node.stop() == 0


def test_without_a_configuration_the_node_runs_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    node = Node(tmp_path / "empty")
    node.wait_for("Will start 0 workers")
    assert node.stop() == 0


def test_the_node_directory_may_come_from_the_environment_or_be_made(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", nodes.config(port))
    assert run("check", env={"CROSSBAR_DIR": str(directory)}).returncode == 0
    assert run("check", cwd=tmp_path).returncode == 0
    assert run("check", "--cbdir", directory / "config.json").returncode == 0
    node = Node(tmp_path / "new")
    node.wait_for(f"Auto-created node directory {tmp_path}/new")
    assert node.stop() == 0


def test_systemd_is_told_when_the_node_is_up(tmp_path, port):
    directory = write_config(tmp_path / ".crossbar", nodes.config(port))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(nodes.TIME)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            node = Node(directory)
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert notify.recv(100) == b"READY=1\n"
    assert node.stop() == 0


def test_upgrade_converts_version_1_in_place(tmp_path, port):
    document = nodes.config(port)
    del document["version"]
    document["workers"][0]["realms"][0]["roles"][0]["permissions"] = [{"uri": "*", "publish": True, "subscribe": True}]
    directory = write_config(tmp_path / ".crossbar", document)
    result = run("start", "--cbdir", directory)
    assert result.returncode == 1 and "crosspoint upgrade" in result.stderr
    assert run("upgrade", "--cbdir", directory).returncode == 0
    assert run("check", "--cbdir", directory).returncode == 0
    again = run("upgrade", "--cbdir", directory)
    assert again.returncode == 0 and "nothing to upgrade" in again.stdout
