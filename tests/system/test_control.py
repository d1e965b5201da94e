# SPDX-License-Identifier: Apache-2.0
"""gatehousectl and its socket: each command, its exit code, hostile requests, and whether explain is right."""
import json
import os
import random
import re
import socket
import stat
import subprocess
import time

import pytest

from gatehouse import DEADLINE, Broker, Client, Will, has_module
from gatehouse.broker import GATEHOUSECTL
from gatehouse.users import entry, secret

pytestmark = pytest.mark.skipif(not (has_module("acl") and has_module("auth-file")), reason="without acl or auth-file")

LEVELS = ("a", "b", "alice", "bob", "x")
RULES = """
* open/# publish/subscribe allow
* {username}/# publish/subscribe allow user=*
* a/+/x publish allow qos<=1 size<=2
* b/x receive deny user=bob
* b/# subscribe allow
* x/# publish allow retain group=staff
* +/a publish/subscribe allow address=127.0.0.0/8
* x/b subscribe deny
* x/+ subscribe allow listener=test
"""


@pytest.fixture(scope="module")
def broker():
    one = Broker(start=False)
    one.path("passwd", entry("alice", "groups=staff") + entry("bob"))
    one.path("acl", RULES)
    one.write({"limits": {"failed-login-delay": "0"}, "plugins": {"users": {"module": "auth-file", "file": "passwd"}, "acl": {"file": "acl"}}},
              {"authenticate": ["users"], "authorize": ["acl"]})
    one.start()
    with one:
        yield one


# ---- commands

@pytest.mark.smoke
def test_status_clients_plugins(broker, connect, name):
    one = connect(name, username="alice", password=secret("alice"), keep_alive=33)
    one.subscribe("open/x")
    one.publish("open/x", "1")
    one.message("open/x")
    status = broker.ctl("status")
    assert status["clients"] >= 1 and status["sessions"] >= 1 and status["subscriptions"] >= 1 and status["connections"] >= 1
    assert status["configuration"] == broker.file and status["generation"] == 1
    row = broker.clients()[name]
    assert (row["user"], row["realm"], row["address"], row["listener"], row["protocol"]) == ("alice", "users", "127.0.0.1", "test", 5)
    assert (row["keepalive"], row["subscriptions"], row["received"], row["sent"], row["queued"]) == (33, 1, 1, 1, 0)
    assert row["port"] == one.socket.getsockname()[1]
    plugins = {row["instance"]: row for row in broker.ctl("plugins")}
    assert set(plugins) == {"users", "acl"}
    assert plugins["users"]["module"] == "auth-file" and plugins["users"]["state"] == "in force" and plugins["users"]["allow"] >= 1
    for words in (["status"], ["clients"], ["plugins"]):  # for people: a table without JSON
        done = broker.run_ctl(*words)
        assert done.returncode == 0 and done.stderr == "" and "{" not in done.stdout
    assert name in broker.run_ctl("clients").stdout


def test_disconnect(broker, connect, name):
    watch = connect()
    watch.subscribe("open/will")
    one = connect(name, will=Will("open/will", "gone"), properties={"session_expiry": 60})
    assert broker.run_ctl("disconnect", name).returncode == 0
    one.expect_disconnect(0x98)
    watch.message("open/will", "gone")
    assert connect(name, clean=False).connack.session_present
    done = broker.run_ctl("disconnect", "nobody-of-that-name")
    assert done.returncode == 4 and done.stderr.startswith("gatehousectl: ") and done.stdout == ""


def test_reload(make_broker):
    broker = make_broker()
    assert broker.run_ctl("reload").returncode == 0
    assert broker.ctl("status")["generation"] == 2
    broker.write("nonsense")
    done = broker.run_ctl("reload")
    assert done.returncode == 1 and ":1:1: " in done.stderr


@pytest.mark.parametrize("words", [[], ["nonsense"], ["status", "more"], ["explain"], ["explain", "publish"], ["explain", "dance", "x"],
                                   ["explain", "publish", "a/#"], ["explain", "subscribe", "a/#/b"], ["explain", "publish", "x", "--qos", "3"],
                                   ["explain", "publish", "x", "--nonsense"], ["explain", "publish", "x", "--user"], ["disconnect"],
                                   ["--nonsense"], ["metrics", "--nonsense"], ["explain", "publish", "x", "--address", "300.1.1.1"],
                                   ["explain", "publish", "x", "--size", "-1"]])
def test_wrong_command_lines_end_with_2(broker, words):
    done = broker.run_ctl(*words)
    assert done.returncode == 2 and done.stderr and done.stdout == "", done


@pytest.mark.parametrize("words, said", [
    ("explain connect --live", "option '--live' requires an argument\n.*--help"), ("explain publish x --nonsense", "unrecognized option '--nonsense'\n.*--help"),
    ("explain connect --live x", "connect takes neither a topic nor a live client"), ("explain connect x", "connect takes neither a topic"),
    ("explain publish x --live y --user z", "--live, or by other options"), ("explain publish x --address ::1 --live y", "--live, or by other options"),
    ("explain publish x --live y --listener test", "--live, or by other options"), ("explain publish", "a topic is wanted"),
    ("explain publish x y", "'y' is not understood"), ("explain publish x --qos 3", "'qos=3' is not understood, or out of range"),
    ("explain dance x", "'dance' is no action: connect, publish, subscribe, receive or will")])
def test_misuse_is_one_clear_error(broker, words, said):
    """Not the whole help."""
    done = broker.run_ctl(*words.split())
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) <= 2, done
    assert re.search(r"^gatehousectl: .*" + said, done.stderr), done.stderr


def test_exit_codes(broker, tmp_path):
    assert broker.run_ctl("explain", "publish", "open/x").returncode == 0
    assert broker.run_ctl("explain", "publish", "closed/x").returncode == 1
    for words in (["explain", "publish", "x", "--live", "nobody"], ["explain", "publish", "x", "--listener", "nowhere"]):
        done = broker.run_ctl(*words)
        assert done.returncode == 4 and done.stderr, done
    for path in (tmp_path / "nothing", "/dev/null", tmp_path / ("x" * 200)):
        done = subprocess.run([GATEHOUSECTL, "--socket", path, "status"], capture_output=True, text=True)
        assert done.returncode == 3 and str(path) in done.stderr, done
    assert subprocess.run([GATEHOUSECTL, "--version"], capture_output=True).returncode == 0


def test_hostile_names_in_tables_and_json(broker, connect):
    hostile = "x\n\x1b[31m\t'\"\\\u202e"
    connect(hostile)
    table = broker.run_ctl("clients").stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", table)
    assert hostile in broker.clients()
    assert len(table.splitlines()) == 1 + len(broker.clients())
    assert broker.run_ctl("disconnect", hostile).returncode == 0


# ---- the socket

def test_mode_of_the_socket(make_broker):
    for mode, wanted in ((None, 0o600), ("0660", 0o660)):
        broker = make_broker({"control": {"mode": mode}} if mode else {})
        found = os.stat(broker.socket).st_mode
        assert stat.S_ISSOCK(found) and stat.S_IMODE(found) == wanted


def talk(broker, raw, end=True):
    """What comes back for these bytes."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(DEADLINE)
        one.connect(broker.socket)
        got = b""
        try:
            one.sendall(raw)
            if end:
                one.shutdown(socket.SHUT_WR)
            while True:
                more = one.recv(65536)
                if not more:
                    return got
                got += more
        except (BrokenPipeError, ConnectionResetError):
            return got


def request(*words):
    body = b"".join(w + b"\0" for w in words)
    return b"%d:%s" % (len(body), body)


@pytest.mark.parametrize("raw", [b"", b"\n", b"GET / HTTP/1.1\r\n\r\n", b"7:status", b"6:status", b"0:", b"-1:x", b"99999999999999999999:x",
                                 b"65537:" + b"x" * 65537, b"9999999:x", b"x" * 200000, b"\xff" * 100, request(*[b"a"] * 65),
                                 request(b""), request(b"\xff\xfe"), request(b"explain", b"publish", b"\xff"), request(b"disconnect", b"%s%n%n"),
                                 request(b"status", b"x" * 60000), request(b"explain", b"connect", b"--user", b"u" * 60000)])
def test_hostile_requests_get_an_error_or_nothing(broker, raw):
    got = talk(broker, raw)
    if got:
        answer = json.loads(got)
        assert answer["ok"] is False and answer["error"], answer
    assert json.loads(talk(broker, request(b"status")))["ok"] is True


@pytest.mark.threads
def test_half_requests_and_many_clients_keep_nobody_out(broker):
    """Connections that say nothing are bounded; whoever asks meanwhile or afterwards is answered, and MQTT goes on."""
    idle = []
    for n in range(100):
        one = socket.socket(socket.AF_UNIX)
        one.connect(broker.socket)
        try:
            one.sendall(b"7:stat" if n % 2 else b"")
        except OSError:
            pass  # refused: too many
        idle.append(one)
    Client(broker).connect().disconnect()
    for one in idle:
        one.close()
    assert broker.ctl("status")["clients"] >= 0
    many = [subprocess.Popen([GATEHOUSECTL, "--socket", broker.socket, "clients"], stdout=subprocess.DEVNULL) for _ in range(10)]
    assert [one.wait(DEADLINE) for one in many] == [0] * 10


def test_who_asks_and_does_not_read_holds_up_nobody(broker):
    deaf = []
    for _ in range(8):
        one = socket.socket(socket.AF_UNIX)
        one.connect(broker.socket)
        one.sendall(request(b"metrics"))
        deaf.append(one)
    assert broker.ctl("status")["generation"] == 1
    for one in deaf:
        one.close()


# ---- metrics

LINE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{([a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*)\})? ([-+0-9.e]+|\+Inf|NaN)$')


def test_prometheus_text(broker):
    done = broker.run_ctl("metrics", "--prometheus")
    assert done.returncode == 0 and done.stdout.endswith("\n")
    kinds, helped, samples, order = {}, set(), {}, []
    for line in done.stdout.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds and kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
        elif line.startswith("# HELP "):
            assert line.split(" ", 3)[2] not in helped
            helped.add(line.split(" ", 3)[2])
        else:
            found = LINE.match(line)
            assert found, line
            name, labels, value = found.groups()
            base = name if name in kinds else re.sub(r"_(bucket|sum|count)$", "", name)
            assert base in kinds and (base == name) == (kinds[base] != "histogram"), line
            assert (name, labels) not in samples, line
            samples[name, labels] = float(value)
            if base not in order[-1:]:
                assert base not in order, "samples of %s aren't together" % base
                order.append(base)
    assert set(kinds) == helped
    assert all(name.endswith("_total") for name, kind in kinds.items() if kind == "counter")
    for name in (n for n, kind in kinds.items() if kind == "histogram"):
        series = {}
        for (sample, labels), value in samples.items():
            if sample == name + "_bucket":
                rest = re.sub(r',?le="[^"]*"', "", labels)
                series.setdefault(rest, []).append((float(re.search(r'le="([^"]*)"', labels).group(1)), value))
        for rest, buckets in series.items():
            assert [v for _, v in sorted(buckets)] == sorted(v for _, v in buckets)
            assert max(buckets)[0] == float("inf") and max(buckets)[1] == samples[name + "_count", rest or None]
    assert samples["gatehouse_connects_total", None] >= 1
    assert any(name == "gatehouse_plugin_latency_seconds_count" for name, _ in samples)
    assert broker.metric("gatehouse_connects_total") >= samples["gatehouse_connects_total", None]


# ---- explain

def some_requests(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        action = rng.choice(("publish", "subscribe"))
        levels = [rng.choice(LEVELS) for _ in range(rng.randint(1, 3))]
        if action == "subscribe":
            levels = [rng.choice((level, level, "+")) for level in levels] + (["#"] if rng.random() < 0.3 else [])
        yield (rng.choice((None, "alice", "bob")), action, "/".join(levels), rng.randint(0, 2), rng.random() < 0.3, rng.randint(0, 4))


def test_explain_agrees_with_what_happens(broker, connect):
    """30 random requests: the same verdict, QoS and reason as a client gets; asked beside it and on behalf of it."""
    clients = {user: connect("ex-%s" % user, username=user, password=user and secret(user)) for user in (None, "alice", "bob")}
    seen = set()
    for user, action, topic, qos, retain, size in some_requests(30, 20):
        one = clients[user]
        words = [action, topic, "--qos", qos, *(["--retain"] if retain and action == "publish" else []),
                 *(["--size", size] if action == "publish" else [])]
        said = [broker.run_ctl("--json", "explain", *words, *who)
                for who in ([*(["--user", user] if user else []), "--client", one.client_id], ["--live", one.client_id])]
        assert len({(done.returncode, done.stdout) for done in said}) == 1, said
        answer = json.loads(said[0].stdout)
        if action == "publish":
            got = one.publish(topic, "x" * size, qos=max(qos, 1), retain=retain, reason=Whatever()).reason if qos else None
            allowed = got is None or got < 0x80
        else:
            got = one.subscribe((topic, qos), reasons=Whatever()).reasons[0]
            allowed = got < 0x80
            assert not allowed or got == min(qos, answer["max-qos"]), (words, answer, got)
            one.unsubscribe(topic)
        if got is not None:
            assert (answer["verdict"] == "allow") == allowed == (said[0].returncode == 0), (user, words, answer, got)
            assert answer["module"] == "acl" and (not allowed or answer["rule"])
            seen.add((action, allowed))
    assert len(seen) == 4


class Whatever:
    def __eq__(self, other):
        return True


def test_explain_counts_nothing(broker):
    before = broker.ctl("metrics")
    for words in (["publish", "closed/x"], ["subscribe", "open/x"], ["connect", "--user", "nobody"], ["receive", "b/x", "--user", "bob"],
                  ["will", "open/x"]):
        broker.run_ctl("explain", *words)
    after = broker.ctl("metrics")

    def counted(rows):
        return {(row["name"], row["labels"]): row["value"] for row in rows
                if row["name"].startswith(("gatehouse_denied", "gatehouse_plugin_answers", "gatehouse_login"))}

    assert counted(before) == counted(after)


def test_explain_of_who_is_gone_and_of_anonymous(broker):
    assert broker.run_ctl("explain", "connect").returncode == 0
    nobody = broker.run_ctl("--json", "explain", "connect", "--user", "nobody")
    assert nobody.returncode == 1 and json.loads(nobody.stdout)["verdict"] == "deny"
    alice = json.loads(broker.run_ctl("--json", "explain", "publish", "alice/x", "--user", "alice").stdout)
    assert alice["groups"] == ["staff"] and alice["rule"].endswith("acl:3")


def test_explain_connect_judges_the_client_id_too(make_broker, connect):
    """What a login with that id would come to; and where nobody is asked every user is anonymous."""
    broker = Broker(start=False)
    try:
        broker.path("passwd", entry("alice"))
        broker.write({"plugins": {"users": {"module": "auth-file", "file": "passwd"}},
                      "listeners": {"own": {"address": "127.0.0.1:@PORT@", "authenticate": ["users"], "authorize": "none", "client-id": "{username}"},
                                    "open": {"address": "unix:@DIR@/open", "anonymous": True, "authorize": "none"}}})
        broker.start()
        for client_id, code in (("alice", 0), ("other", 0x85)):
            connect(client_id, to=broker, username="alice", password=secret("alice"), reason=code)
            done = broker.run_ctl("--json", "explain", "connect", "--user", "alice", "--client", client_id)
            assert (json.loads(done.stdout)["verdict"] == "allow") == (done.returncode == 0) == (code == 0), done
        done = broker.run_ctl("--json", "explain", "publish", "a", "--user", "x", "--listener", "open")
        assert json.loads(done.stdout)["verdict"] == "allow" and done.returncode == 0
        done = broker.run_ctl("--json", "explain", "connect", "--user", "nobody")
        assert json.loads(done.stdout)["why"] == "no such user"
        broker.stop()
    finally:
        broker.remove()


def test_without_descriptors_it_still_answers(make_broker):
    """A client after another gets the one that is kept back; who waits behind it costs no time."""
    broker = make_broker({"workers": 1})
    held = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    with open("/proc/%d/limits" % broker.pid) as limits:
        hard = re.search(r"Max open files +\d+ +(\d+)", limits.read()).group(1)
    subprocess.run(["prlimit", "--pid", str(broker.pid), "--nofile=%d:%s" % (len(os.listdir("/proc/%d/fd" % broker.pid)), hard)], check=True)

    def seconds():
        with open("/proc/%d/stat" % broker.pid) as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    for one in held:
        one.connect(broker.socket)
    broker.wait_log("control socket: can't accept: ")
    used, began = seconds(), time.monotonic()
    broker.wait_log("control socket: can't accept: ", after=broker.mark())  # it tries again, seldom
    assert seconds() - used < 0.2 * (time.monotonic() - began) + 0.05
    for one in held:
        one.close()
    assert broker.ctl("status")["workers"] == 1
    subprocess.run(["prlimit", "--pid", str(broker.pid), "--nofile=%s:%s" % (hard, hard)], check=True)
