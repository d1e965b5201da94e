# SPDX-License-Identifier: Apache-2.0
"""The log: what a line tells, that no client can forge or split one, and that no secret is ever in it."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from gatehouse import CONNACK, CONNECT, DEADLINE, PUBLISH, SANITIZED, Broker, Client, Will, has_module, packet, properties, text
from gatehouse.broker import SOURCES

pytestmark = pytest.mark.skipif(not (has_module("acl") and has_module("auth-file")), reason="without auth-file or acl")

# crypt(3) of the password below: sha512crypt of 1000 rounds, so that tests needn't wait
PASSWORD = "Canary-p4ssw0rd-5f1d"
HASH = ("$6$rounds=1000$gatehouse$1QQiP9XSt2qVqSO3jfjza1/gg4eanX.JUxG"
        ".oJJA4DLb6b10iIlp7ZVhn15gKc4u2HkrQg16lA3qsrBPZcrAK0")
WRONG = "Canary-wrong-9e77"
PAYLOAD = "Canary-payload-c0de"
FORMATS = ("text", "json")
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

HOSTILE = ("x\nnotice login failed address='9.9.9.9'", "x\r\n2026-01-01T00:00:00.000Z notice login failed address='9.9.9.9'",
           "' user='admin", '","level":"notice","message":"login failed","address":"9.9.9.9', "\\' \\\" \\", "\x7f\u0085\u2028\u2029",
           "\u202eabc", "tab\tend", "a" * 200)


def passwd(**users):
    return "".join("%s:%s\n" % pair for pair in users.items())


class Logged:
    """A broker at level debug in one of the two formats, and its lines as dicts."""

    def __init__(self, form):
        self.form = form
        self.broker = Broker(start=False)
        self.broker.path("passwd", passwd(alice=HASH))
        self.broker.path("acl", "* ok/# publish/subscribe allow\n")
        self.broker.write({"log": {"format": form, "level": "debug"}, "limits": {"failed-login-delay": "0"},
                           "plugins": {"users": {"module": "auth-file", "file": "passwd"}, "acl": {"file": "acl"}}},
                          {"anonymous": True, "authenticate": ["users"], "authorize": ["acl"]})
        self.broker.start(ready="listening")

    def parse(self, line):
        if self.form == "json":
            row = json.loads(line)
            assert list(row)[:3] == ["time", "level", "message"]
            return row
        head = re.match(r"(%s) (error|warning|notice|info|debug) " % STAMP, line)
        assert head, line
        row = {"time": head.group(1), "level": head.group(2)}
        fields = re.search(r"((?: [a-z-]+=(?:'(?:[^'\\]|\\.)*'|-?\d+))*)$", line).group(1)
        row["message"] = line[head.end():len(line) - len(fields)]
        for name, value in re.findall(r" ([a-z-]+)=('(?:[^'\\]|\\.)*'|-?\d+)", fields):
            assert name not in row, "%s twice in %r" % (name, line)
            row[name] = value[1:-1] if value.startswith("'") else int(value)
        return row

    def rows(self, after=0):
        return [self.parse(line) for line in self.broker.log()[after:]]

    def one(self, message, after, **fields):
        """The line with this message and these fields, waited for; there is one."""
        end = time.monotonic() + DEADLINE
        while True:
            found = [row for row in self.rows(after)
                     if row["message"] == message and all(row.get(k) == v for k, v in fields.items())]
            if found:
                break
            assert time.monotonic() < end, self.broker.log()[after:]
            time.sleep(0.01)
        assert len(found) == 1, self.broker.log()[after:]
        return found[0]


@pytest.fixture(scope="module", params=FORMATS)
def logged(request):
    one = Logged(request.param)
    with one.broker:
        yield one


@pytest.fixture
def of(logged, connect):
    return lambda *args, **how: connect(*args, to=logged.broker, **how)


def usual(**more):
    return dict({"address": "127.0.0.1", "listener": "test", "protocol": 5}, **more)


@pytest.mark.smoke
def test_lines_of_a_connection(logged, of):
    mark = logged.broker.mark()
    one = of("lc", username="alice", password=PASSWORD)
    row = logged.one("client connected", mark, **usual(client="lc", user="alice"))
    assert row["level"] == "info" and re.fullmatch(STAMP, row["time"])
    one.publish("no/right", qos=1, reason=0x87)
    row = logged.one("denied publish", mark, **usual(client="lc", user="alice", topic="no/right"))
    assert row["level"] == "notice" and row["module"] == "acl" and row["reason"]
    new = of("lc", username="alice", password=PASSWORD, version=4)
    assert logged.one("client connected", mark, client="lc", protocol=4)["session"] == "taken over"
    row = logged.one("client disconnected", mark, **usual(client="lc", user="alice"))
    assert row["level"] == "info" and row["code"] == 0x8E and row["reason"]
    new.disconnect()
    logged.one("client disconnected", mark, client="lc", protocol=4, code=0)


def test_a_failed_login_tells_module_and_reason(logged, of):
    mark = logged.broker.mark()
    of("fl", username="alice", password=WRONG, reason=0x86)
    row = logged.one("login failed", mark, **usual(client="fl", user="alice"))
    assert row["level"] == "notice" and row["module"] == "users" and row["reason"] == "wrong password"
    of("fl2", username="nobody", password=WRONG, reason=0x86)
    assert logged.one("login failed", mark, client="fl2", user="nobody")["reason"] != "wrong password"


@pytest.mark.parametrize("nth", range(len(HOSTILE)))
def test_names_of_clients_stay_within_their_field(logged, of, nth):
    """Each line is one whole line that we wrote, with the hostile text in its own field, unescaped again to what it was."""
    name, mark = HOSTILE[nth], logged.broker.mark()
    of(name, version=4).publish("t/" + name.replace("\u0085", "").replace("\x7f", "") if nth == 5 else "t/" + name)
    of("h%d" % nth, username=name, password=WRONG, reason=None)
    logged.one("login failed", mark)
    rows = logged.rows(mark)
    for row in rows:
        assert row.get("address", "127.0.0.1") == "127.0.0.1"
        assert row["message"] in ("client connected", "client disconnected", "login failed", "denied publish", "protocol error"), row
        assert row.get("user") != "admin"
    assert len([row for row in rows if row["message"] == "login failed"]) == 1
    if logged.form == "json":
        assert any(row.get("client") == name for row in rows)
        assert any(row.get("user") == name for row in rows)
    for line in logged.broker.log()[mark:]:
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", line), line


def test_bytes_that_are_no_text_make_no_line_that_is_none(logged, dial):
    """Invalid UTF-8 and NUL wherever a client can put them: refused, and what is logged stays text."""
    mark = logged.broker.mark()
    bad = (b"\xff\xfe\n", b"a\0b", b"\xed\xa0\x80", b"\xc0\xaf")
    for name in bad:
        one = dial(to=logged.broker)
        one.send(packet(CONNECT, text("MQTT") + b"\x05\x02\0\x3c\0" + text(name)))
        one.drain()
        one = dial(to=logged.broker)
        one.send(packet(CONNECT, text("MQTT") + b"\x04\xc2\0\x3c" + text("u") + text(name) + text(WRONG)))
        one.drain()
        one = dial(to=logged.broker)
        one.connect()
        one.send(packet(PUBLISH, text(name) + b"\0" + b"x"))
        one.drain()
        one = dial("old", 3, to=logged.broker)
        one.send(packet(CONNECT, text("MQIsdp") + b"\x03\xc2\0\x3c" + text("o") + text(name) + text(WRONG)))
        one.drain()
    assert logged.rows(mark)
    for line in logged.broker.log()[mark:]:
        assert not re.search("[\x00-\x1f\x7f-\x9f\ufffd]", line), line


def test_no_secret_is_in_any_line_or_answer(logged, of):
    """At debug, from logins right and wrong, payloads, wills, user properties, reload and explain."""
    broker = logged.broker
    one = of("s1", username="alice", password=PASSWORD, will=Will("ok/w", PAYLOAD))
    one.subscribe("ok/#")
    one.publish("ok/a", PAYLOAD, qos=2, properties={"user_property": [("k", PAYLOAD)], "correlation_data": PAYLOAD.encode()})
    one.publish("no/a", PAYLOAD, qos=1, reason=0x87)
    of("s2", username="alice", password=WRONG, reason=0x86)
    of("s3", username="ghost", password=WRONG, reason=0x86)
    of("s4", version=3, username="alice", password=PASSWORD)
    of("s5", username="alice", password=PASSWORD, properties={"auth_method": "X", "auth_data": WRONG.encode()}, reason=None)
    broken = Client(broker)
    broken.send(packet(CONNECT, text("MQTT") + b"\x05\xc2\0\x3c" + properties() + text("b") + text("alice") + text(PASSWORD) + b"extra"))
    broken.drain()
    one.close()
    said = ""
    for words in (["status"], ["clients"], ["plugins"], ["metrics"], ["metrics", "--prometheus"], ["reload"],
                  ["explain", "connect", "--user", "alice"], ["explain", "publish", "ok/a", "--user", "alice"]):
        done = broker.run_ctl(*words)
        assert done.returncode == 0, done
        said += done.stdout + done.stderr
    everything = said + "\n".join(broker.log())
    with open("/proc/%d/cmdline" % broker.pid) as command:
        everything += command.read()
    assert "s4" in everything
    for secret in (PASSWORD, WRONG, PAYLOAD, HASH[-40:]):
        assert secret not in everything


# ---- fail2ban

def failregex():
    """The patterns of the shipped filter, as fail2ban applies them: to what is left when the time has been cut out."""
    with open(os.path.join(SOURCES, "etc/fail2ban/filter.d/gatehouse.conf")) as file:
        patterns = re.search(r"^failregex = (.*(?:\n\s+.*)*)", file.read(), re.M).group(1)
    return [re.compile(p.strip().replace("<ADDR>", r"(?P<address>[0-9a-f.:]+)")) for p in patterns.splitlines()]


def banned(line):
    line = re.sub(r'^(\{"time":")?' + STAMP, "", line)
    return [found.group("address") for found in (p.search(line) for p in failregex()) if found]


def test_fail2ban_finds_failed_logins_and_nothing_else(logged, of, tmp_path):
    mark = logged.broker.mark()
    for name in ("alice", *HOSTILE):
        of("f2b", username=name, password=WRONG, reason=None)
        of(name, version=4).publish("t", "login failed")
    of("good", username="alice", password=PASSWORD).disconnect()
    logged.one("client disconnected", mark, client="good")
    lines = logged.broker.log()[mark:]
    wanted = [line for line in lines if logged.parse(line)["message"] == "login failed"]
    assert len(wanted) == 1 + len(HOSTILE)
    for line in lines:
        assert banned(line) == (["127.0.0.1"] if line in wanted else []), line
    if shutil.which("fail2ban-regex"):
        (tmp_path / "log").write_text("\n".join(lines) + "\n")
        done = subprocess.run(["fail2ban-regex", tmp_path / "log", os.path.join(SOURCES, "etc/fail2ban/filter.d/gatehouse.conf")],
                              capture_output=True, text=True)
        assert re.search(r"Failregex: %d total" % len(wanted), done.stdout), done.stdout


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_no_password_is_left_in_memory(logged, of, dial):
    """Right, wrong, cut into single bytes, too long, and of a connection that ends before it is judged."""
    name, broker = "memory-" + logged.form, logged.broker
    of(name, username="alice", password=PASSWORD).close()
    of(name, username="alice", password=WRONG, reason=0x86)
    slow = dial("slow-" + name, version=4, to=broker)
    for byte in slow.connect_packet(username="alice", password=WRONG + "-slow"):
        slow.send(bytes((byte,)))
    slow.expect(CONNACK)
    long = dial("long-" + name, to=broker)
    long.send(long.connect_packet(username="alice", password="x" * 12000 + WRONG))
    long.expect(CONNACK)
    gone = dial("gone-" + name, to=broker)
    gone.send(gone.connect_packet(username="alice", password=WRONG)[:-2])
    gone.reset()

    def found():
        hits = []
        with open("/proc/%d/maps" % broker.pid) as maps, open("/proc/%d/mem" % broker.pid, "rb", buffering=0) as memory:
            for line in maps:
                first, last, more = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw(.*)", line + " ").groups() if " rw" in line else (0, 0, 0)
                if first:
                    memory.seek(int(first, 16))
                    data = memory.read(int(last, 16) - int(first, 16)) or b""
                    hits += [(secret, more.split()[-1]) for secret in (PASSWORD, WRONG) if secret.encode() in data]
        return hits

    end = time.monotonic() + DEADLINE
    while found() and time.monotonic() < end:
        time.sleep(0.05)
    assert found() == []


# ---- where it goes

def test_level_and_file(make_broker):
    broker = make_broker({"log": {"target": "file", "file": "broker.log", "level": "warning"}}, start=False)
    broker.wait_log = lambda *_, **__: None
    broker.start()
    path = broker.path("broker.log")
    while not os.path.exists(broker.socket):
        assert broker.alive()
    Client(broker, "quiet").connect().disconnect()
    broker.stop()
    with open(path) as file:
        lines = file.read().splitlines()
    assert lines and all(re.match(STAMP + " (warning|error) ", line) for line in lines), lines
    assert not os.stat(path).st_mode & 0o137


def test_verbose_says_more_than_the_file_asks_for(make_broker):
    quiet = make_broker({"log": {"level": "error"}}, start=False, args=["-v"])
    quiet.start()
    Client(quiet, "v").connect().disconnect()
    quiet.wait_log("client disconnected .*client='v'")


@contextlib.contextmanager
def unread(broker):
    """The broker as a process whose stderr is a pipe, and that pipe's other end."""
    reading, writing = os.pipe()
    process = subprocess.Popen(broker.command(), stdin=subprocess.DEVNULL, stderr=writing)
    os.close(writing)
    try:
        while not os.path.exists(broker.socket):
            assert process.poll() is None
        yield process, reading
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("format", FORMATS)
def test_a_log_that_nobody_reads_holds_up_nobody(make_broker, format):
    """stderr is a pipe that is full: clients are served, the control socket answers; once it is read, it says what is missing."""
    broker = make_broker({"log": {"format": format}}, start=False)
    with unread(broker) as (process, reading):
        for _ in range(150):
            client = Client(broker, "z" * 200).connect(username="\x01\u200b" * 900)
            client.ping()
            client.disconnect()
        assert broker.ctl("status")["clients"] <= 1
        process.terminate()
        assert process.wait(DEADLINE) == 0
    with open(reading, "rb") as file:
        lines = file.read().decode().splitlines()
    start = STAMP + " " if format == "text" else '{"time":"' + STAMP
    assert len(lines) > 5 and all(re.match(start, line) and line.endswith(("}",) if format == "json" else ("'", "0", "5", ")", "6", "2"))
                                  for line in lines[4:]), lines


def test_what_is_missing_of_the_log_is_told(make_broker):
    broker = make_broker(start=False)
    with unread(broker) as (process, reading):
        for _ in range(150):
            Client(broker, "z" * 200).connect(username="u" * 900).disconnect()
        with open(reading, "rb", buffering=0) as file:
            seen, last = b"", Client(broker, "last")
            os.set_blocking(reading, False)
            while b"client='last'" not in seen:
                seen += file.read(1 << 20) or b""
                if last.connack is None and b"client connected" in seen:
                    last.connect()
            os.set_blocking(reading, True)
            process.terminate()
            while file.read(1 << 16):
                pass
        assert process.wait(DEADLINE) == 0
    missing = re.search(r"\n" + STAMP + r" warning lines are missing here: the log could not be written lines=(\d+)\n", seen.decode())
    told = len(re.findall("\n" + STAMP + " info client (?:dis)?connected", seen.decode()))
    assert missing and 300 <= int(missing.group(1)) + told <= 303
