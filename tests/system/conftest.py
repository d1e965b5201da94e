# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all system tests. `broker` is shared; who needs another configuration takes `make_broker`."""
import itertools
import os

import pytest

from gatehouse import Broker, Client, WORKERS

SHARED = os.environ.get("GATEHOUSE_SHARED", "yes") == "yes"
names = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "smoke: part of make check")
    config.addinivalue_line("markers", "threads: run under ThreadSanitizer too")
    config.addinivalue_line("markers", "long: not run by make check-system")


def pytest_report_header():
    return "gatehouse: %d workers" % WORKERS


class Held:
    """The broker that tests share: started when first needed, again when a test has killed it."""
    broker = None

    def get(self):
        if self.broker is None:
            self.broker = Broker()
        return self.broker

    def check(self):
        if self.broker.alive():
            self.broker.check()
            return
        dead, self.broker = self.broker, None
        log = dead.tail()
        dead.remove()
        pytest.fail("the broker is gone:\n" + log)

    def end(self):
        if self.broker is None:
            return
        try:
            self.broker.stop()
        finally:
            self.broker.remove()


@pytest.fixture(scope="session")
def _held():
    held = Held()
    yield held
    held.end()


@pytest.fixture
def broker(_held):
    """A running broker without authentication and with all defaults. Use names of your own (`name`)."""
    yield _held.get()
    _held.check()


@pytest.fixture
def make_broker():
    """make_broker(config, **Broker's arguments): started; ends with the test, which must be clean."""
    made = []

    def make(*args, **more):
        made.append(Broker(*args, **more))
        return made[-1]

    yield make
    try:
        for one in made:
            one.stop()
    finally:
        for one in made:
            one.remove()


@pytest.fixture
def connect(request):
    """connect(client_id=None, version=5, to=the shared broker, **how): a connected Client; closed at the end of the test."""
    made = []

    def make(client_id=None, version=5, to=None, reason=0, **how):
        one = Client(to or request.getfixturevalue("broker"), client_id, version)
        made.append(one)
        return one.connect(reason=reason, **how)

    yield make
    for one in made:
        one.drop()


@pytest.fixture
def dial(request):
    """The same without CONNECT."""
    made = []

    def make(client_id=None, version=5, to=None):
        made.append(Client(to or request.getfixturevalue("broker"), client_id, version))
        return made[-1]

    yield make
    for one in made:
        one.drop()


@pytest.fixture
def name():
    """A client id and topic that no other test uses."""
    return "n%d" % next(names)
