"""What the tests of the lessons' programs are given."""

import pytest
import zmq

from support import node as nodes
from support.apps import App, Program, Redis


@pytest.fixture
def run():
    """Starts programs; they are ended with the test, and must then end well."""
    programs = []

    def start(name, environment, *arguments, says=None):
        program = Program(name, environment, *arguments)
        programs.append(program)
        if says:
            program.wait_for(says)
        return program

    yield start
    try:
        for program in reversed(programs):
            if program.process.poll() is None:
                program.stop()
    finally:  # also when one of them ended badly
        for program in programs:
            program.process.kill()
            program.process.wait(nodes.TIME)
            program.process.stdout.close()


@pytest.fixture
def db(tmp_path):
    return tmp_path / "db"


@pytest.fixture
def app4(run, db):
    return App(run, 4, db)


@pytest.fixture
def app5(run, db):
    return App(run, 5, db)


@pytest.fixture
def pipes():
    context = zmq.Context()

    def socket(kind, action, address):
        made = context.socket(kind)
        made.setsockopt(zmq.LINGER, 0)
        made.setsockopt(zmq.RCVTIMEO, int(nodes.TIME * 1000))
        getattr(made, action)(address)
        return made

    yield socket
    context.destroy()


@pytest.fixture
def redis(tmp_path):
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()
