"""What no program runs here, and what people read: container files, the README's and the documents' references, the
rules of installation."""

import json
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

from support import node as nodes
from support.node import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "lessons").rglob("README.md"),
                    *(ROOT / "bench").glob("*.md")])


def tracked():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name]


def test_the_image_is_made_by_the_scripts_that_people_run():
    steps = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    assert steps[0] == "FROM debian:12"
    runs = [step for step in steps if step.startswith("RUN")]
    assert runs[-1] == "RUN bin/setup && bin/build"
    assert all(word in ("bin/setup", "bin/build", "&&") for run in runs for word in run.split()[1:]), runs
    for step in steps:  # what is copied is there
        if step.startswith("COPY"):
            for source in step.split()[1:-1]:
                assert (ROOT / source).exists(), step
    assert json.loads(next(s for s in steps if s.startswith("ENTRYPOINT")).split(" ", 1)[1]) == ["build/bin/crosspoint"]


@pytest.mark.parametrize("name", [n for n, s in COMPOSE["services"].items() if s.get("command", "").startswith("start ")])
def test_a_service_of_the_compose_file_runs_a_node_that_is_there(name):
    service = COMPOSE["services"][name]
    assert service["build"] == "."
    arguments = shlex.split(service["command"])
    directory = ROOT / arguments[arguments.index("--cbdir") + 1]
    environment = {key: str(value) for key, value in service.get("environment", {}).items()}
    assert nodes.run("check", "--cbdir", directory, env=environment).returncode == 0
    if "cluster" in service.get("profiles", []):  # clients come by way of the balancer
        assert "ports" not in service and (directory / "config.json").exists()
        return
    worker = next(w for w in json.loads((directory / "config.json").read_text())["workers"] if w["type"] == "router")
    port = worker["transports"][0]["endpoint"]["port"]
    assert f"{port}:{port}" in service["ports"]
    for volume in service.get("volumes", []):
        source, target = volume.split(":")[:2]
        assert (source == "./db" or (ROOT / source).exists()) and target == str(pathlib.PurePosixPath("/crosspoint") / source)


def test_the_compose_file_has_every_part_of_the_workshop():
    ports = {name: service["ports"][0].split(":")[0] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"http": "8081", "server_0": "8000", **{f"crossbar_{n}": f"800{n}" for n in range(1, 8)},
                     "crossbar_8": "8080", "crossbar_9": "3333", "crossbar_10": "8010",
                     **{f"app_{n}": f"801{n}" for n in range(4, 7)}, "redis": "6379", "redis_ui": "5001", "balancer": "9000"}
    assert "zmq_6" in COMPOSE["services"]
    assert [name for name, service in COMPOSE["services"].items() if service.get("build") != "."] == ["balancer"]


def test_the_compose_file_has_a_cluster_behind_a_balancer():
    services = COMPOSE["services"]
    names = {name for name, service in services.items() if service.get("profiles") == ["cluster"]}
    assert names == {"node_1", "node_2", "node_3", "balancer"}
    assert "profiles" not in services["redis"]  # a service of a profile may need only what comes with it or always
    balancer = services["balancer"]
    assert set(balancer["depends_on"]) == names - {"balancer"}
    source, target, _ = balancer["volumes"][0].split(":")
    assert target == "/usr/local/etc/haproxy/haproxy.cfg"  # where the image looks for it
    environment = balancer["environment"]
    settings = (ROOT / source).read_text()
    for kind in ("WEBSOCKET", "RAWSOCKET"):
        port = environment[kind].removeprefix("0.0.0.0:")
        assert f'bind "${{{kind}-127.0.0.1:{port}}}"' in settings and f"{port}:{port}" in balancer["ports"]
    for number in (1, 2, 3):
        name, port = environment[f"NODE_{number}"].split(":")
        assert name == f"node_{number}" and services[name]["environment"]["PORT"] == int(port)
        assert settings.count(f'"${{NODE_{number}-127.0.0.1:900{number}}}"') == 2  # without them: bin/run-cluster 3
    assert "CLUSTER_PORT:-9001" in (ROOT / "bin" / "run-cluster").read_text()


def test_the_services_beside_the_routers_are_programs_that_are_built_and_settings_that_are_read():
    build = (ROOT / "workers" / "CMakeLists.txt").read_text()
    sources = "".join(path.read_text() for folder in ("workers", "lessons") for path in (ROOT / folder).rglob("*.cpp"))
    setup = (ROOT / "bin" / "setup").read_text()
    for name, service in COMPOSE["services"].items():
        if "entrypoint" in service:
            program = service["entrypoint"].split()[0]
            lesson = re.fullmatch(r"build/bin/lesson_(\d)_(\w+)", program)
            if lesson:
                assert (f"lesson_app({lesson[1]})" if lesson[2] == "app" else f"lesson_program({lesson[1]} {lesson[2]} ") in build
            else:
                assert program == "redis-server" and program in setup or f"add_executable({program.split('/')[-1]} " in build
        for variable, value in service.get("environment", {}).items():
            if service.get("profiles") == ["cluster"]:
                continue  # see above
            generic = re.sub(r"APP_\d_", "APP_", variable)
            assert f'"{variable}"' in sources or generic == "APP_ADDRESS" or generic == "APP_INTERNAL_ADDRESS", variable
            host = re.match(r"\w+://([a-z_0-9]+):", str(value))
            assert host is None or host[1] in COMPOSE["services"], value


def test_every_lesson_has_its_service_and_its_page():
    lessons = [path.parent.name for path in ROOT.glob("lessons/*/README.md")]
    assert len(lessons) > 1
    for lesson in lessons:
        if lesson == "0":
            assert COMPOSE["services"]["server_0"]["entrypoint"].startswith("build/bin/lesson_0_server ")
        else:
            assert f"lessons/{lesson}/.crossbar" in COMPOSE["services"][f"crossbar_{lesson}"]["command"]
        assert (ROOT / "public" / lesson / "index.html").exists()
        assert f"./public/{lesson}:/crosspoint/public/{lesson}" in COMPOSE["services"]["http"]["volumes"]
        assert f'href="/{lesson}/"' in (ROOT / "public" / "index.html").read_text()


def test_the_router_has_nothing_to_say_about_what_learners_are_handed():
    nodes_of_lessons = [path.parent for path in ROOT.glob("lessons/**/.crossbar/config.json")]
    assert nodes_of_lessons
    for directory in nodes_of_lessons:
        said = nodes.run("check", "--cbdir", directory).stdout.splitlines()
        assert said[1:] == ["Ok, node configuration looks good!"], said


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_refers_to_is_there(document):
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target:
            assert (document.parent / target).exists(), target
    for target in re.findall(r"`((?:bin|lessons|public|tests|bench|docs|config|router|workers)/[\w./-]*[\w/])`", text):
        made_by_running = "/logs/" in target
        assert made_by_running or (ROOT / target).exists() or (ROOT / "router" / target).exists(), target


def rows_of(document):
    """The cells of each row that names a test."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in
            (ROOT / "docs" / document).read_text().splitlines() if line.startswith("| ") and "`" in line]


def assert_test_exists(test, row):
    # Long names are put together from pieces.
    sources = "".join(re.sub(r'"\s+"', "", path.read_text()) for pattern in ("*.cpp", "*.py", "*.mjs")
                      for path in (ROOT / "tests").rglob(pattern) if "node_modules" not in path.parts)
    name = test.strip("`")
    assert f'"{name}")' in sources or f"def {name}(" in sources, f"{row}: there is no test {test}"


def test_every_feature_has_a_row_and_every_row_a_test():
    rows = rows_of("features.md")
    announced = set(re.findall(r'"(\w+)"', (ROOT / "router" / "wamp" / "features.cpp").read_text()))
    assert announced and announced == {name.strip("`") for _, name, *_ in rows if name}
    for feature, *_, test in rows:
        assert_test_exists(test, feature)


def test_every_violation_has_a_test_and_says_what_it_says():
    rows = rows_of("violations.md")
    assert len(rows) > 50
    sources = "".join(path.read_text() for path in (ROOT / "router").rglob("*.?pp"))
    for what, _, text, test in rows:
        assert_test_exists(test, what)
        for each in re.findall(r"`([^`]+)`", text):
            assert each in sources, f"{what}: the router never says {each!r}"


def test_scripts_can_be_run():
    for script in tracked():
        if script.parent == ROOT / "bin" or script == ROOT / ".ci/run":
            assert script.stat().st_mode & 0o111, script
            assert subprocess.run(["bash", "-n", script]).returncode == 0


def test_it_can_be_installed(tmp_path):
    build = pathlib.Path(nodes.PROGRAM).parent.parent
    subprocess.run(["cmake", "--install", build, "--prefix", tmp_path], check=True, capture_output=True)
    result = subprocess.run([tmp_path / "bin" / "crosspoint", "version"], capture_output=True, text=True)
    assert result.returncode == 0 and "Crosspoint" in result.stdout
    schema = tmp_path / "share" / "crosspoint" / "crossbar.schema.json"
    assert json.loads(schema.read_text())["$schema"]
