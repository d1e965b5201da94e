# SPDX-License-Identifier: Apache-2.0
"""The modules that are installed as examples do what they say."""
import os

import pytest

from gatehouse.broker import has_module
from gatehouse.probe import eventually, needs_modules

pytestmark = needs_modules
NO_DELAY = {"failed-login-delay": "0"}


@pytest.fixture
def serve(make_broker, tmp_path):
    """serve(section): a broker whose one instance, `users`, lets clients in. ann.secret and joe.secret are there."""
    for name in ("ann", "joe"):
        path = tmp_path / (name + ".secret")
        path.write_text("of " + name + "\n")
        path.chmod(0o600)

    def make(section, **more):
        plugins = dict({"users": section}, **more)
        return make_broker({"plugins": plugins, "limits": NO_DELAY},
                           listener={"anonymous": False, "authenticate": ["users"], "authorize": "none"})
    return make


def table(tmp_path, *names):
    return {"module": "fixed-users", "users": {name: {"password": str(tmp_path / (name + ".secret"))} for name in names}}


def test_fixed_users(serve, connect, tmp_path):
    broker = serve(table(tmp_path, "ann", "joe"))
    ann, joe = connect(username="ann", password="of ann", to=broker), connect(username="joe", password="of joe", to=broker)
    for password in ("of joe", "of an", "of anne", "", None):
        connect(username="ann", password=password, to=broker, reason=0x86)
    connect(username="eve", password="of ann", to=broker, reason=0x86)
    broker.write({"plugins": {"users": table(tmp_path, "ann")}, "limits": NO_DELAY},
                 {"anonymous": False, "authenticate": ["users"], "authorize": "none"})
    broker.reload()
    joe.expect_disconnect(0x87)
    ann.ping()


@pytest.mark.threads
def test_slow_users(serve, connect, tmp_path):
    """Many at once, all answered."""
    broker = serve({"module": "slow-users", "users": ["ann", "joe"], "password": str(tmp_path / "ann.secret"), "delay": "20ms"})
    for name in ("ann", "joe") * 5:
        connect(username=name, password="of ann", to=broker)
    connect(username="ann", password="of joe", to=broker, reason=0x86)
    connect(username="eve", password="of ann", to=broker, reason=0x86)
    assert broker.metric("gatehouse_plugin_pending", instance="users") == 0


@pytest.mark.skipif(not has_module("hashed-files"), reason="built without password hashes")
def test_hashed_files(serve, connect, tmp_path):
    """A user is a file: there from one login to the next; nothing outside the directory is looked at."""
    users = tmp_path / "users"
    users.mkdir()
    broker = serve({"module": "hashed-files", "directory": str(users)})
    connect(username="ann", password="right", to=broker, reason=0x86)

    def add(path):
        """With the sha512crypt hash of "right"."""
        path.write_text("$6$rounds=5000$gatehouse$zlVDXdnCDMCcVk8Hbt1S9AOpg0TDnMec6Amww0Ynxm0jK96uAbRzvZEbExzRv0U47QrICnrcS9tgW/Ie/H2Jz1"
                        "\n")
        path.chmod(0o600)

    add(users / "ann")
    add(tmp_path / "outside")
    connect(username="ann", password="right", to=broker)
    connect(username="ann", password="wrong", to=broker, reason=0x86)
    connect(username="../outside", password="right", to=broker, reason=0x86)
    (users / "ann").chmod(0o644)
    connect(username="ann", password="right", to=broker, reason=0x87)
    broker.wait_log(r"error .*users/ann.*chmod")


def test_counter(serve, connect, tmp_path):
    broker = serve(table(tmp_path, "ann"), counter={"log": True})
    connect(username="ann", password="of ann", to=broker).close()
    connect(username="eve", password="x", to=broker, reason=0x86)
    broker.wait_log(r"notice refused: 'eve' from 127\.0\.0\.1, cause 1")

    def counted(kind):
        return broker.metric("gatehouse_counter_events_total", instance="counter", kind=kind)

    assert (counted("login"), counted("connect"), counted("deny")) == (2, 1, 0)
    eventually(lambda: counted("disconnect") == 1)


@pytest.mark.parametrize("payload, reason", [
    ('{"a": [1, 2]}', 0), ("{", 0x99), ("}", 0x99), ('{"a": 1} x', 0x99), ("[" * 9 + "]" * 9, 0x99), ("1" * 20000, 0x97)])
def test_json_only(make_broker, connect, payload, reason):
    """Of topics below plant/; others may say what they like."""
    broker = make_broker({"plugins": {"json": {"module": "json-only", "topics": ["plant/#"], "size": "16k", "depth": 8}}},
                         listener={"message": ["json"]})
    client = connect(to=broker)
    client.subscribe("#")
    client.publish("plant/1", payload, 1, reason=reason)
    client.publish("other", payload, 1)
    assert [client.message().topic for _ in range(1 if reason else 2)] == (["other"] if reason else ["plant/1", "other"])


def test_json_only_loads(serve, tmp_path):
    """And looks at its options."""
    broker = serve(table(tmp_path, "ann"), json={"module": "json-only", "topics": ["plant/#"], "size": "16k"})
    broker.write({"plugins": {"users": table(tmp_path, "ann"), "json": {"module": "json-only", "topics": ["plant#"]}}},
                 {"anonymous": False, "authenticate": ["users"], "authorize": "none"})
    done = broker.run_ctl("reload")
    assert done.returncode != 0 and "'plant#' is no topic filter" in done.stdout + done.stderr
    assert os.path.basename(broker.file) in done.stdout + done.stderr
