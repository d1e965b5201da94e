# SPDX-License-Identifier: Apache-2.0
"""auth-file in the broker: who gets in, who doesn't, how long that takes, and what a change of the file does."""
import datetime
import os
import shutil
import socket
import stat
import subprocess
import time

import pytest

from gatehouse import DEADLINE, Broker, Client, Will, has_module
from gatehouse.users import entry, secret

pytestmark = pytest.mark.skipif(not has_module("auth-file"), reason="without auth-file")

WRONG = "wrong"


class Users:
    """A broker with users from a file, without delays unless limits say so."""

    def __init__(self, content, module=None, listener=None, limits=None):
        self.broker = Broker(start=False)
        self.broker.path("passwd", content)
        self.broker.write({"plugins": {"users": dict({"module": "auth-file", "file": "passwd"}, **(module or {}))},
                           "limits": dict({"failed-login-delay": "0"}, **(limits or {}))},
                          dict({"anonymous": False, "authenticate": ["users"]}, **(listener or {})))
        self.broker.start()

    def change(self, content):
        self.broker.path("passwd", content)
        self.broker.reload()


@pytest.fixture
def users():
    made = []

    def make(*args, **more):
        made.append(Users(*args, **more))
        return made[-1]

    yield make
    try:
        for one in made:
            one.broker.stop()
    finally:
        for one in made:
            one.broker.remove()


@pytest.fixture(scope="module")
def broker():
    """alice and bob, bound and disabled ones; nobody is delayed."""
    past = "2020-01-01"
    one = Users(entry("alice", "groups=staff") + entry("bob") + entry("off", "disabled", "bob") + entry("old", "expires=" + past, "bob") +
                entry("dev", "client-id=dev-{username}", "bob") + "# a comment\n\n")
    with one.broker:
        yield one.broker


def login(connect, user, password, client_id=None, reason=0, **how):
    return connect(client_id, username=user, password=password, reason=reason, **how)


@pytest.mark.smoke
@pytest.mark.parametrize("version, refused", [(5, 0x86), (4, 4), (3, 4)])
def test_in_and_out(connect, version, refused):
    """Wrong password and unknown user can't be told apart by the answer."""
    login(connect, "alice", secret("alice"), "io", version=version).disconnect()
    for user, password in (("alice", WRONG), ("alice", secret("bob")), ("alice", ""), ("nobody", WRONG), ("nobody", secret("alice")),
                           ("Alice", secret("alice")), ("alice ", secret("alice")), ("", secret("alice")), ("off", WRONG), ("old", WRONG)):
        one = login(connect, user, password, "io", version=version, reason=refused)
        assert one.connack.properties == {}
        one.expect_closed()
    for user in ("off", "old"):  # disabled, expired: nor whether the password was right
        login(connect, user, secret("bob"), version=version, reason=refused)


@pytest.mark.parametrize("password", [b"Ur-sieben+Zwerge.42\0", b"Ur-sieben+Zwerge.42\0tail", b"\0", b"Ur-sieben+Zwerge.4", b"\xff" * 65,
                                      b"Ur-sieben+Zwerge.42" + b"x" * 600, b"x" * 8000])
def test_a_password_is_compared_whole(connect, password):
    login(connect, "alice", password, reason=0x86)


def test_a_refused_login_leaves_nothing(connect, broker):
    one = login(connect, "alice", secret("alice"), "kept", properties={"session_expiry": 60})
    login(connect, "alice", WRONG, "kept", reason=0x86)
    login(connect, "bob", secret("bob"), "kept", reason=0x87)  # another principal's session
    one.ping()
    one.disconnect()
    assert login(connect, "alice", secret("alice"), "kept", clean=False).connack.session_present


def test_client_id_of_the_entry(connect):
    login(connect, "dev", secret("bob"), "dev-dev")
    for other in ("dev", "dev-x", "DEV-DEV", ""):
        assert login(connect, "dev", secret("bob"), other, reason=None).connack.reason in (0x85, 0x86, 0x87)


def test_client_id_bound(users, connect):
    """`bound` lets in who has a client id of the file, and with that alone."""
    to = users(entry("dev", "client-id={username}", "bob") + entry("free", "", "bob"), listener={"client-id": "bound"}).broker
    login(connect, "dev", secret("bob"), "dev", to=to)
    assert login(connect, "dev", secret("bob"), "free", to=to, reason=None).connack.reason >= 0x80
    assert login(connect, "free", secret("bob"), "free", to=to, reason=None).connack.reason >= 0x80


def test_client_id_by_template(users, connect):
    to = users(entry("alice") + entry("b+b", "", "bob"), listener={"client-id": "{username}-1"}).broker
    login(connect, "alice", secret("alice"), "alice-1", to=to)
    assert login(connect, "alice", secret("alice"), "alice-2", to=to, reason=None).connack.reason >= 0x80


def in_seconds(n):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=n)
    return at.replace(microsecond=0), "expires=" + at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_expiry_ends_the_connection_at_that_second(users, connect):
    at, expires = in_seconds(4)
    one = users(entry("alice", expires) + entry("bob"))
    new = login(connect, "alice", secret("alice"), "new", to=one.broker, properties={"session_expiry": 60})
    old = login(connect, "alice", secret("alice"), "old", to=one.broker, version=4)
    other = login(connect, "bob", secret("bob"), to=one.broker)
    new.expect_disconnect(0x87)
    late = (datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()
    assert 0 <= late < 5, late
    old.expect_closed()
    login(connect, "alice", secret("alice"), to=one.broker, reason=0x86)
    other.ping()
    one.change(entry("alice") + entry("bob"))
    assert login(connect, "alice", secret("alice"), "new", to=one.broker, clean=False).connack.session_present


# ---- changes

@pytest.mark.threads
def test_a_reload_with_a_deleted_user_ends_connection_and_session(users, connect):
    one = users(entry("alice") + entry("bob"))
    keep = {"session_expiry": 300}
    online = login(connect, "alice", secret("alice"), "online", to=one.broker, properties=keep)
    login(connect, "alice", secret("alice"), "offline", to=one.broker, properties=keep).disconnect()
    other = login(connect, "bob", secret("bob"), "other", to=one.broker)
    one.change(entry("bob"))
    online.expect_disconnect(0x87)
    login(connect, "alice", secret("alice"), "online", to=one.broker, reason=0x86)
    other.ping()
    end = time.monotonic() + 20
    while one.broker.ctl("status")["sessions"] != 1:
        assert time.monotonic() < end, one.broker.tail()
    one.change(entry("alice") + entry("bob"))
    for client_id in ("online", "offline"):
        assert not login(connect, "alice", secret("alice"), client_id, to=one.broker, clean=False).connack.session_present


def test_the_will_of_a_deleted_user_is_not_published(users, connect):
    """It would fire when the re-check ends the connection."""
    one = users(entry("alice") + entry("bob"))
    alice = login(connect, "alice", secret("alice"), to=one.broker)
    alice.subscribe("t")
    bob = login(connect, "bob", secret("bob"), to=one.broker, will=Will("t", "never"))
    one.change(entry("alice"))
    bob.expect_disconnect(0x87)
    end = time.monotonic() + DEADLINE
    while one.broker.metric("gatehouse_dropped_total", reason="author") != 1:
        assert time.monotonic() < end, "the will wasn't dropped"
    assert alice.fence(alice) == []


def test_a_reload_that_disables_a_user_and_one_that_changes_a_password(users, connect):
    one = users(entry("alice") + entry("bob"))
    alice = login(connect, "alice", secret("alice"), to=one.broker)
    bob = login(connect, "bob", secret("bob"), to=one.broker)
    one.change(entry("alice", "disabled") + entry("bob", like="alice"))
    alice.expect_disconnect(0x87)
    bob.ping()  # he is still who he was
    login(connect, "bob", secret("bob"), to=one.broker, reason=0x86)
    login(connect, "bob", secret("alice"), to=one.broker)


def test_a_mistake_in_the_file_is_told_and_changes_nothing(users, connect):
    one = users(entry("alice"))
    for content, words in ((entry("alice") + "bob:plain\n", "passwd:2:"), (entry("alice") * 2, "passwd:2:"),
                           (entry("alice", "nonsense"), "passwd:1:")):
        one.broker.path("passwd", content)
        done = one.broker.run_ctl("reload")
        assert done.returncode == 1 and words in done.stderr
        assert "plain" not in done.stderr.replace("plain text", "")
    one.broker.path("passwd", entry("bob"), mode=0o666)
    done = one.broker.run_ctl("reload")
    assert done.returncode == 1 and "0666" in done.stderr and "chmod" in done.stderr
    login(connect, "alice", secret("alice"), to=one.broker)


# ---- hashes

@pytest.mark.skipif(not shutil.which("mosquitto_passwd"), reason="without mosquitto_passwd")
def test_a_file_of_mosquitto_is_read_unchanged_and_rehashed_when_asked(users, connect):
    one = users(entry("alice"))
    path = one.broker.path("mosquitto")
    for n, kind in enumerate(("sha512", "sha512-pbkdf2")):
        done = subprocess.run(["mosquitto_passwd", "-b", "-H", kind, *(["-c"] if n == 0 else []), path, "m%d" % n, "pw-%d" % n])
        assert done.returncode == 0
    with open(path, "rb") as file:
        before = file.read()
    one.change(before)
    for n in range(2):
        login(connect, "m%d" % n, "pw-%d" % n, to=one.broker)
        login(connect, "m%d" % n, "pw-%d" % (1 - n), to=one.broker, reason=0x86)
    with open(one.broker.path("passwd"), "rb") as file:
        assert file.read() == before


def test_rehash(users, connect):
    one = users("# kept\n" + entry("alice", "groups=staff") + entry("bob"), module={"rehash": True})
    path = one.broker.path("passwd")
    login(connect, "alice", WRONG, to=one.broker, reason=0x86)
    login(connect, "alice", secret("alice"), to=one.broker)
    end = time.monotonic() + 30
    while True:
        with open(path) as file:
            lines = file.read().splitlines()
        if not lines[1].startswith(entry("alice")[:12]):
            break
        assert time.monotonic() < end, one.broker.tail()
    assert lines[0] == "# kept" and lines[1].startswith("alice:$y$") and lines[1].endswith(":groups=staff")
    assert lines[2] + "\n" == entry("bob")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    login(connect, "alice", secret("alice"), to=one.broker)
    one.broker.reload()
    login(connect, "alice", secret("alice"), to=one.broker)
    login(connect, "alice", WRONG, to=one.broker, reason=0x86)


# ---- guessing

def refused_after(to, user, address="127.0.0.1"):
    """Seconds until a wrong password of this user is answered."""
    one = source(to, address)
    begin = time.monotonic()
    one.connect(username=user, password=WRONG, reason=0x86)
    return time.monotonic() - begin


def source(to, address):
    """A client that comes from this loopback address."""
    one = Client(to)
    one.socket.close()
    one.socket = socket.create_connection(("127.0.0.1", to.port), source_address=(address, 0))
    return one


def test_failed_logins_are_delayed_by_address_and_by_user(users):
    """Doubled by each failure; a right login is delayed by nobody's failures."""
    one = users(entry("alice") + entry("bob"), limits={"failed-login-delay": "200ms", "failed-login-delay-max": "1600ms"}).broker
    times = [refused_after(one, "alice", "127.0.0.2") for _ in range(4)]
    for n, took in enumerate(times):
        assert took >= 0.2 * 2 ** n - 0.02, times
    assert refused_after(one, "someone", "127.0.0.2") >= 1.5  # by address, whatever the user
    assert refused_after(one, "alice", "127.0.0.3") >= 1.5  # by user, wherever from
    assert refused_after(one, "other", "127.0.0.4") < 1.5
    for address in ("127.0.0.2", "127.0.0.3", "127.0.0.5"):
        begin = time.monotonic()
        source(one, address).connect(username="alice", password=secret("alice"))
        assert time.monotonic() - begin < 1.5


@pytest.mark.threads
def test_while_others_guess_a_right_login_is_quick(users):
    one = users(entry("alice") + entry("bob"), limits={"failed-login-delay": "5s"}).broker
    guessing = [source(one, "127.0.0.6") for _ in range(50)]
    for client in guessing:
        client.send(client.connect_packet(username="alice", password=WRONG))
    begin = time.monotonic()
    source(one, "127.0.0.7").connect(username="alice", password=secret("alice"))
    assert time.monotonic() - begin < 4
    for client in guessing:
        client.drop()
