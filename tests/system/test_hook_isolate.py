# SPDX-License-Identifier: Apache-2.0
"""Instances in a process of their own (isolate: yes): the module is the same, and what happens to the process happens to nobody else."""
import os
import signal
import subprocess
import time

import pytest

from gatehouse import AUTH, CONNACK, DEADLINE, PUBACK, SANITIZED, Broker
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = needs_modules
ALL = [*login("joe"), *login("ann"), rule("authorize", covers=True)]
LISTS = {"anonymous": False, "authenticate": ["who"], "authorize": ["who"], "message": ["who"]}


def who(*rules, **options):
    """An isolated instance that answers so, then as usual."""
    return probe(*rules, *ALL, **dict({"module": "probe-apart", "isolate": True, "file": "@DIR@/who.jsonl"}, **options))


def start(make_broker, *rules, listener=None, limits=None, plugins=None, **options):
    return make_broker({"plugins": dict({"who": who(*rules, **options)}, **(plugins or {})),
                        "limits": dict({"failed-login-delay": "0"}, **(limits or {}))}, listener=listener or LISTS)


def row_of(broker, name="who"):
    return [row for row in broker.ctl("plugins") if row["instance"] == name and row["state"] != "draining"][0]


def pid_of(broker, name="who"):
    return row_of(broker, name)["pid"]


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill(broker, name="who", signal_number=signal.SIGKILL):
    """Ends the process; the one that follows serves."""
    old = pid_of(broker, name)
    os.kill(old, signal_number)
    return old


def again(broker, old, name="who"):
    return eventually(lambda: row_of(broker, name)["state"] == "in force" and pid_of(broker, name) not in (0, old))


def checked(plugins):
    """What gatehoused says of a configuration, and its exit code."""
    broker = Broker({"plugins": plugins}, start=False)
    try:
        done = subprocess.run(broker.command() + ["-t"], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    finally:
        broker.remove()


def refuses(client, reason):
    client.expect(CONNACK, reason=reason)
    client.expect_closed()


def mapped(pid, file):
    with open("/proc/%d/maps" % pid) as maps:
        return file in maps.read()


# ---- the same module

def test_in_a_process_of_its_own(make_broker, connect):
    """The broker doesn't load it, the process does; it has a name, and ends with its instance."""
    broker = start(make_broker)
    first = pid_of(broker)
    assert mapped(first, "probe-apart.so") and not mapped(broker.process.pid, "probe-apart.so")
    with open("/proc/%d/cmdline" % first, "rb") as words:
        assert words.read().split(b"\0")[:3] == [b"gatehoused", b"--isolated", b"who"]
    assert row_of(broker)["module"] == "probe-apart" and row_of(broker)["file"].endswith("/probe-apart.so")
    connect("c", to=broker, username="joe").ping()
    broker.ctl("plugin", "reload", "who")
    eventually(lambda: not alive(first))
    second = pid_of(broker)
    broker.ctl("plugin", "disable", "who")
    eventually(lambda: not alive(second))
    broker.ctl("plugin", "enable", "who")
    third = pid_of(broker)
    connect("d", to=broker, username="joe").ping()
    assert len({first, second, third}) == 3
    broker.stop()
    assert not alive(third)


def test_what_it_sees(make_broker, connect):
    """Facts, identities and messages as in the broker's process; another limits class is another view of the same client."""
    broker = start(make_broker, rule("authenticate", user="kim", principal="kim", group="staff", attribute="a=b", limits_class="slow"),
                   rule("publish", topic="t", new_topic="u", new_payload="edited"), calls=True, events=["connect", "publish"],
                   limits={"classes": {"slow": {}}})
    kim = connect("kim-1", to=broker, username="kim", password=b"secret")
    kim.subscribe("#", qos=1)
    kim.publish("t", "as sent", 1)
    kim.message("u", "edited", qos=1)
    journal = Journal(broker, "who.jsonl")
    connected = journal.wait(what="event", kind="connect")[0]
    assert connected["client"] == "kim-1" and connected["principal"] == "kim"
    published = journal.wait(what="event", kind="publish")[0]
    assert published["topic"] == "u"
    assert [one["hook"] for one in journal.calls(client="kim-1")].count("authorize") >= 2
    assert broker.clients()["kim-1"]["class"] == "slow"


def test_never_asked_about_deliveries(make_broker, connect):
    """What it allows without covering it is an error; what it passes is decided by the others."""
    broker = start(make_broker, rule("authorize", action="subscribe", topic="plain", covers=False))
    joe = connect("joe-1", to=broker, username="joe")
    joe.subscribe("plain", reasons=[0x87])
    joe.subscribe("covered")
    joe.publish("covered", "x")
    joe.message("covered", "x")
    broker.wait_log(r"denied subscribe .*it runs in a process of its own and allows without covering")


def test_metrics_and_log(make_broker, connect):
    """Figures go on after the process has died; its lines bear its name."""
    broker = start(make_broker)
    for i in range(3):
        connect("m%d" % i, to=broker, username="joe").ping()

    def answered():
        return broker.metric("gatehouse_probe_apart_answers_total", instance="who")

    eventually(lambda: answered() >= 3)
    before = answered()
    again(broker, kill(broker))
    connect("m9", to=broker, username="joe").ping()
    eventually(lambda: answered() > before)


# ---- what can't be

@pytest.mark.parametrize("module, section, why", [
    ("probe", {}, "it has hook 'accept'"),
    ("shelf", {"file": "@DIR@/shelf"}, "it has a store"),
    ("probe-bound", {}, "it has flag GH_IN_PROCESS"),
])
def test_bound_to_the_broker(module, section, why):
    code, said = checked({"one": dict({"module": module, "isolate": True}, **section)})
    assert code == 1 and "'isolate: yes' isn't for module '%s': %s" % (module, why) in said
    assert len(said.splitlines()) == 1 and "gatehouse.yaml:" in said


@pytest.mark.parametrize("section, why", [
    ({"module": "prob-apart"}, "there is no module 'prob-apart'"),
    ({"module": "probe-apart", "fil": "x"}, "unknown key 'fil' (did you mean 'file'?)"),
    ({"module": "probe-apart", "fail": "not today"}, "'one': not today"),
    ({"module": "probe-apart", "fail": "dies"}, "'one': its process has ended by signal 6 (Aborted)"),
    ({"module": "probe-apart", "threads": 3}, "'threads' is for modules that block"),
    ({"module": "probe-apart", "isolate": "maybe"}, "isolate"),
])
def test_errors_of_the_start(section, why):
    """As of any module: with its place."""
    code, said = checked({"one": dict({"isolate": True}, **section)})
    assert code == 1 and why in said and "gatehouse.yaml:" in said and len(said.splitlines()) == 1, said


def test_refused_reload(make_broker, connect):
    """What ran goes on, in the same process."""
    broker = start(make_broker)
    before = pid_of(broker)
    broker.write({"plugins": {"who": who(fail="not today")}, "limits": {"failed-login-delay": "0"}}, LISTS)
    done = broker.run_ctl("reload")
    assert done.returncode == 1 and "not today" in done.stderr
    assert pid_of(broker) == before
    connect("c", to=broker, username="joe").ping()


# ---- its death

@pytest.mark.threads
def test_dies(make_broker, connect, dial):
    """What it was asked is refused at once, who is connected stays, and it is started again."""
    observer = {"watch": probe(module="probe", file="@DIR@/watch.jsonl", events=["module"])}
    broker = start(make_broker, rule("authenticate", user="slow", how="never"), rule("authorize", topic="slow", how="never"),
                   limits={"hook-timeout": "5m", "connect-timeout": "5m"}, plugins=observer)
    joe, other = connect("joe-1", to=broker, username="joe"), connect("ann-1", to=broker, username="ann")
    joe.subscribe("a", qos=1)
    waiting = dial(to=broker)
    waiting.send(waiting.connect_packet(username="slow"))
    other.send(other.publish_packet("slow", "x", 1, packet_id=7))
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="who") == 2)
    old = kill(broker)
    refuses(waiting, 0x87)
    other.expect(PUBACK, packet_id=7, reason=0x87)
    broker.wait_log(r"module 'who': its process has ended by signal 9 \(Killed\): it is started again in 100 ms")
    joe.ping()
    again(broker, old)
    broker.wait_log(r"module 'who' has a process again")
    joe.publish("a", "kept", 1)
    joe.message("a", "kept", qos=1)
    connect("joe-2", to=broker, username="joe").ping()
    assert Journal(broker, "watch.jsonl").wait(kind="module", code=4)[0]["module"] == "who"


def test_dies_of_a_question(make_broker, connect, dial):
    """Whoever asks is refused, each time; nobody else is, and the broker serves on."""
    broker = start(make_broker, rule("authenticate", user="mallory", how="dies"), rule("authorize", topic="poison", how="dies"))
    joe = connect("joe-1", to=broker, username="joe")
    for _ in range(2):
        old = pid_of(broker)
        mallory = dial(to=broker)
        mallory.send(mallory.connect_packet(username="mallory"))
        refuses(mallory, 0x87)
        again(broker, old)
    old = pid_of(broker)
    joe.publish("poison", "x", 1, reason=0x87)
    again(broker, old)
    joe.publish("a", "x", 1, reason=None)
    broker.wait_log(r"its process has ended by signal 6 \(Aborted\)")


@pytest.mark.parametrize("delay", ["0", "1ms"], ids=["too long", "of no kind"])
def test_babbles(make_broker, connect, dial, delay):
    """Who says what makes no sense isn't listened to any more."""
    broker = start(make_broker, rule("authenticate", user="mallory", how="babbles", delay=delay))
    joe, old = connect("joe-1", to=broker, username="joe"), pid_of(broker)
    mallory = dial(to=broker)
    mallory.send(mallory.connect_packet(username="mallory"))
    refuses(mallory, 0x87)
    again(broker, old)
    joe.ping()
    connect("joe-2", to=broker, username="joe").ping()


def test_dies_again_and_again(make_broker, dial):
    """Each time it is waited for twice as long; until then it is off, and says why."""
    broker = start(make_broker)
    for wait in (100, 200, 400):
        mark = broker.mark()
        old = kill(broker)
        broker.wait_log(r"started again in %d ms" % wait, after=mark)
        again(broker, old)
    old = kill(broker)
    down = eventually(lambda: row_of(broker)["pid"] == 0 and row_of(broker))
    assert down["state"] == "failed" and down["reason"] == "its process has ended, and is started again"
    client = dial(to=broker)
    client.send(client.connect_packet(username="joe"))
    refuses(client, 0x87)
    again(broker, old)


def test_an_exchange_is_over(make_broker, dial):
    """Its next step isn't for the process that follows."""
    broker = start(make_broker, rule("exchange", "continue", user="begin"), rule("exchange", user="fine", principal="joe"),
                   module="probe-exchange-apart")
    method = {"auth_method": "X"}
    client, old = dial(to=broker), pid_of(broker)
    client.send(client.connect_packet(properties=dict(method, auth_data="begin")))
    client.expect(AUTH, reason=0x18)
    kill(broker)
    again(broker, old)
    client.auth(0x18, dict(method, auth_data="fine"))
    refuses(client, 0x87)
    fresh = dial(to=broker)
    fresh.send(fresh.connect_packet(properties=dict(method, auth_data="begin")))
    fresh.expect(AUTH, reason=0x18)
    fresh.auth(0x18, dict(method, auth_data="fine"))
    fresh.expect(CONNACK, reason=0)


def test_barriers_fail(make_broker, connect):
    """What was to be made safe there isn't acknowledged as if it were."""
    broker = make_broker({"plugins": {"keep": {"module": "keeper", "isolate": True, "hold": "@DIR@/hold"}}})
    client = connect(to=broker)
    client.publish("a", "x", 1, reason=None)
    broker.path("hold", "")
    client.send(client.publish_packet("a", "y", 1, packet_id=9))
    eventually(lambda: broker.metric("gatehouse_plugin_barriers_open", instance="keep") > 0)
    old = kill(broker, "keep")
    assert client.expect(PUBACK, packet_id=9).reason >= 0x80
    os.unlink(broker.path("hold"))
    again(broker, old, "keep")
    client.publish("a", "z", 1, reason=None)


def test_what_it_kept(make_broker):
    """Few bytes in the store: there at the next create, whoever killed it."""
    broker = make_broker({"plugins": {"shelf": {"file": "@DIR@/shelf"}, "memo": {"isolate": True}}})
    assert broker.ctl("memo", "keep", "colour", "green")[0]["rc"] == "0"
    eventually(lambda: broker.metric("gatehouse_plugin_store_calls_total", instance="shelf", call="put") > 0)
    again(broker, kill(broker, "memo"), "memo")
    assert "colour" in str(broker.ctl("memo", "list")) and "green" in str(broker.ctl("memo", "list"))


# ---- one that doesn't answer

def test_stopped(make_broker, connect, dial):
    """A process that hangs is an error after hook-timeout; other clients and lists don't notice, and it goes on when it can."""
    broker = start(make_broker, limits={"hook-timeout": "500ms"})
    joe = connect("joe-1", to=broker, username="joe")
    joe.subscribe("a")
    os.kill(pid_of(broker), signal.SIGSTOP)
    try:
        late = dial(to=broker)
        late.send(late.connect_packet(username="joe"))
        joe.ping()
        refuses(late, 0x87)
    finally:
        os.kill(pid_of(broker), signal.SIGCONT)
    connect("joe-2", to=broker, username="joe").ping()
    assert broker.metric("gatehouse_plugin_timeouts_total", instance="who") == 1


def test_events_that_do_not_fit(make_broker, connect):
    """They are lost, counted, logged, and told; the broker's memory is bounded and its clients aren't held up."""
    broker = make_broker({"plugins": {"who": who(events=["publish", "limit"])}})
    joe = connect("joe-1", to=broker)
    joe.publish("a", "x", 1, reason=None)
    os.kill(pid_of(broker), signal.SIGSTOP)
    try:
        before = broker.memory()
        for _ in range(4 if SANITIZED else 40):
            joe.send(joe.publish_packet("a", b"x" * 8192) * 1000)
        joe.ping()
        assert SANITIZED or broker.memory() - before < 64 << 20
    finally:
        os.kill(pid_of(broker), signal.SIGCONT)
    broker.wait_log(r"module 'who' didn't hear of \d+ events")
    told = Journal(broker, "who.jsonl").wait(kind="limit", text="events")[0]
    assert told["count"] > 1000
    joe.ping()


# ---- ends

def test_the_broker_is_killed():
    """Nobody stays behind, whatever it does."""
    broker = Broker({"plugins": {"one": who(), "two": who(file="@DIR@/two.jsonl")}})
    pids = pid_of(broker, "one"), pid_of(broker, "two")
    os.kill(pids[1], signal.SIGSTOP)
    broker.process.kill()
    broker.process.wait()
    eventually(lambda: not any(alive(pid) for pid in pids))
    broker.remove()


def test_ends_though_it_hangs(make_broker):
    """It is killed when it doesn't end."""
    broker = start(make_broker)
    hung = pid_of(broker)
    os.kill(hung, signal.SIGSTOP)
    began = time.monotonic()
    broker.ctl("plugin", "reload", "who")
    eventually(lambda: not alive(hung))
    assert time.monotonic() - began < DEADLINE
    broker.wait_log(r"module 'who': destroy doesn't return: its process is killed")


def test_signals_are_the_brokers(make_broker, connect):
    """What a terminal or a supervisor sends to all of them ends the broker alone, which ends them in its order."""
    broker = start(make_broker)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid_of(broker), number)
    connect("c", to=broker, username="joe").ping()
    assert row_of(broker)["state"] == "in force"


def test_check_config(make_broker):
    """It is started, asked, and ended."""
    broker = start(make_broker)
    broker.stop()
    done = subprocess.run(broker.command() + ["--check-config"], capture_output=True, text=True)
    assert done.returncode == 0 and "is fine" in done.stdout


def test_events_while_it_is_away(make_broker, connect):
    """They are lost like those that don't fit."""
    broker = make_broker({"plugins": {"who": who(events=["publish", "limit"])}})
    joe = connect("joe-1", to=broker)
    for _ in range(4):  # the last one is away for long enough
        old = kill(broker)
        eventually(lambda: row_of(broker)["pid"] not in (0, old))
    kill(broker)
    eventually(lambda: row_of(broker)["pid"] == 0)
    joe.publish("a", "not told", 1, reason=None)
    broker.wait_log(r"module 'who' didn't hear of 1 events")
    assert Journal(broker, "who.jsonl").wait(kind="limit", text="events")[0]["count"] == 1


def test_into_it_and_out_of_it(make_broker, connect):
    """By a reload, with whoever is connected."""
    broker = start(make_broker)
    joe = connect("joe-1", to=broker, username="joe")
    joe.subscribe("a", qos=1)
    for isolated in (False, True, False):
        broker.write({"plugins": {"who": who(isolate=isolated)}, "limits": {"failed-login-delay": "0"}}, LISTS)
        broker.reload()
        assert ("pid" in row_of(broker)) == isolated
        joe.publish("a", "x", 1)
        joe.message("a", "x", qos=1)
        connect("new-%s" % isolated, to=broker, username="ann").ping()


@pytest.mark.threads
def test_dies_under_load(make_broker, connect):
    """Many ask while it dies: each is answered, by somebody who may or by a refusal, and none waits for hook-timeout."""
    broker = start(make_broker, limits={"hook-timeout": "5m", "connect-timeout": "5m"})
    clients = [connect("l%d" % n, to=broker, username="joe") for n in range(20)]
    for _ in range(3):
        old = pid_of(broker)
        for client in clients:
            client.send(*[client.publish_packet("t", "x", 1, packet_id=n) for n in range(1, 51)])
        os.kill(old, signal.SIGKILL)
        for client in clients:
            assert {client.expect(PUBACK).reason for _ in range(50)} <= {0, 0x10, 0x87}
        again(broker, old)
    assert broker.metric("gatehouse_plugin_pending", instance="who") == 0


def test_an_exchange_that_ends_while_it_is_asked(make_broker, dial):
    """Its client goes away between two steps: the answer that comes then has nobody, and the process serves on."""
    broker = start(make_broker, rule("exchange", "continue", user="begin"),
                   rule("exchange", user="held", principal="joe", how="later", until="go"),
                   rule("exchange", user="fine", principal="joe"), module="probe-exchange-apart")
    method, old = {"auth_method": "X"}, pid_of(broker)
    for _ in range(5):
        client = dial(to=broker)
        client.send(client.connect_packet(properties=dict(method, auth_data="begin")))
        client.expect(AUTH, reason=0x18)
        client.auth(0x18, dict(method, auth_data="held"))
        eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="who") == 1)
        client.reset()
        eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="who") == 0)
    broker.path("go", "")
    last = dial(to=broker)
    last.send(last.connect_packet(properties=dict(method, auth_data="begin")))
    last.expect(AUTH, reason=0x18)
    last.auth(0x18, dict(method, auth_data="fine"))
    last.expect(CONNACK, reason=0)
    assert pid_of(broker) == old
