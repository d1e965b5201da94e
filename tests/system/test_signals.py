# SPDX-License-Identifier: Apache-2.0
"""SIGHUP, SIGTERM, SIGINT, SIGUSR1: what they do to those who are connected."""
import os
import signal
import socket
import threading
import time

import pytest

from gatehouse import DEADLINE, DISCONNECT, PUBLISH, PUBREC, PUBREL, Broker, Client, Will, has_module
from gatehouse.broker import free_port
from gatehouse.probe import Journal, eventually, needs_modules

needs_acl = pytest.mark.skipif(not has_module("acl"), reason="without the module acl")
ACL = {"plugins": {"acl": {"file": "acl"}}}
OPEN = "* # publish/subscribe allow\n"


def ruled(rules=OPEN, **more):
    """A broker whose anonymous clients have these rights."""
    broker = Broker(start=False)
    broker.path("acl", rules)
    broker.config = dict(ACL, **more)
    broker.write(broker.config, {"authorize": ["acl"]})
    return broker.start()


@pytest.fixture
def rules():
    """rules(text): writes them and waits until a reload has brought them into force; `rules.broker`."""
    broker = ruled()

    def change(text):
        broker.path("acl", text)
        broker.reload()

    change.broker = broker
    with broker:
        yield change


@pytest.fixture
def of(rules, connect):
    """of(client_id, ...): connected to that broker."""
    return lambda *args, **how: connect(*args, to=rules.broker, **how)


def denied(broker, action):
    return broker.metric("gatehouse_denied_total", action=action)


# ---- SIGHUP: a transaction

@pytest.mark.smoke
def test_hangup_with_a_mistake_changes_nothing_and_kicks_nobody(make_broker):
    broker = make_broker()
    one = Client(broker).connect()
    one.subscribe("a")
    before = broker.ctl("status")["generation"]
    broker.write("listeners:\n  test:\n    adress: x\n")
    mark = broker.mark()
    broker.signal(signal.SIGHUP)
    broker.wait_log(r"error reload refused, the old configuration stays: .*gatehouse\.yaml:3:5: unknown key .*adress", after=mark)
    done = broker.run_ctl("reload")
    assert done.returncode == 1 and "gatehouse.yaml:3:5: " in done.stderr and done.stdout == ""
    assert broker.ctl("status")["generation"] == before
    Client(broker).connect().publish("a", "still")
    one.message("a", "still")


def test_what_only_a_restart_can_change_is_refused_by_name(make_broker):
    broker = make_broker()
    base = broker.defaults()
    for key, value in (("workers", base["workers"] % 4 + 1), ("state-directory", broker.path("other")),
                       ("control", {"socket": broker.path("other.sock")})):
        broker.write({key: value})
        done = broker.run_ctl("reload")
        assert done.returncode == 1 and key in done.stderr and "restart" in done.stderr
    broker.write({"listeners": {"x": {"address": "192.0.2.1:1", "anonymous": True}}})  # nobody's address here
    done = broker.run_ctl("reload")
    assert done.returncode == 1 and "192.0.2.1" in done.stderr
    Client(broker).connect()


def test_limits_of_a_reload_hold_for_those_who_come(make_broker):
    broker = make_broker()
    one = Client(broker).connect()
    broker.write({"limits": {"receive-maximum": 7}})
    mark = broker.mark()
    broker.signal(signal.SIGHUP)
    broker.wait_log("configuration reloaded", after=mark)
    assert Client(broker).connect().connack.properties["receive_maximum"] == 7
    one.ping()


def listening(*pairs):
    return {"listeners": {n: {"address": "127.0.0.1:%d" % p, "anonymous": True} for n, p in pairs}}


def test_listeners_are_added_removed_and_kept(make_broker):
    ports = free_port(), free_port(), free_port()
    broker = make_broker(listening(("one", ports[0]), ("two", ports[1])))
    one, two = Client(ports[0]).connect(), Client(ports[1]).connect()
    broker.write(listening(("one", ports[0]), ("three", ports[2])))
    broker.reload()
    one.ping()
    two.expect_disconnect(0x98)
    Client(ports[0]).connect().disconnect()
    Client(ports[2]).connect().disconnect()
    with pytest.raises(OSError):
        Client(ports[1])
    broker.write(listening(("one", ports[2]), ("four", ports[1])))  # an address under another name, another one again
    broker.reload()
    Client(ports[1]).connect()
    Client(ports[2]).connect()
    one.ping()


# ---- SIGHUP: rights that are gone

@needs_acl
def test_a_subscription_that_is_no_longer_allowed_ends(rules, of):
    sub, pub = of(), of()
    sub.subscribe("a/b", "c/#", qos=1)
    rules("* c/# publish/subscribe allow\n* # publish allow\n* fence/# subscribe allow\n")
    pub.publish("a/b", "x", qos=1)
    pub.publish("c/d", "y", qos=1)
    sub.message("c/d", "y")
    assert sub.fence(pub) == []
    assert rules.broker.ctl("status")["subscriptions"] == 1
    rules(OPEN)  # an ended subscription doesn't come back by itself
    pub.publish("a/b", "x", qos=1)
    assert sub.fence(pub) == []


@needs_acl
def test_who_keeps_rights_does_not_notice(rules, of):
    subs = [of("keeper%d" % i) for i in range(8)]
    for sub in subs:
        sub.subscribe("k/#", qos=1)
    for text in ("* k/# publish/subscribe allow\n", "* k/1 publish/subscribe allow\n" + OPEN, OPEN):
        rules(text)
    pub = of()
    pub.publish("k/1", "x", qos=1)
    for sub in subs:
        assert sub.expect(PUBLISH).payload == b"x"


@needs_acl
def test_rights_reach_what_is_queued_in_the_window_and_half_way(rules, of):
    """Queued offline, behind a full window, in flight and to be re-sent, QoS 2 between PUBREC and PUBREL."""
    keep = {"session_expiry": 300}
    away = of("away", properties=keep)
    away.subscribe("q/#", qos=1)
    away.disconnect()
    behind = of("behind", properties=dict(keep, receive_maximum=1))
    behind.subscribe("q/#", qos=1)
    half = of("half", properties=keep)
    half.subscribe("q/#", qos=2)
    pub = of()
    for n in range(3):
        pub.publish("q/gone", str(n), qos=2)
    pub.publish("q/stays", "x", qos=2)
    first = behind.expect(PUBLISH, payload=b"0")
    got = half.expect(PUBLISH, payload=b"0", qos=2)
    half.ack(PUBREC, got.packet_id)
    half.wait_for(PUBREL, packet_id=got.packet_id)
    half.close()
    rules("* q/gone publish allow\n* q/gone receive deny\n" + OPEN)
    of("away", clean=False, properties=keep).message("q/stays")
    behind.finish(first)
    behind.message("q/stays")
    again = of("half", clean=False, properties=keep)
    assert again.connack.session_present
    assert again.expect(PUBREL).packet_id == got.packet_id  # that one was received already: its handshake ends
    assert again.expect(PUBLISH).topic == "q/stays"
    assert denied(rules.broker, "receive") == 7


@needs_acl
def test_a_retained_message_and_its_author(rules, of):
    """One whose reader or whose author has lost the right isn't delivered any more."""
    of().publish("r/read", "x", retain=True, qos=1)
    of().publish("r/write", "x", retain=True, qos=1)
    of().publish("r/ok", "x", retain=True, qos=1)
    rules("* r/read receive deny\n* r/write publish deny\n" + OPEN)
    sub = of()
    sub.subscribe("r/#")
    sub.message("r/ok")
    assert sub.fence(of()) == []
    rules(OPEN)
    late = of()
    late.subscribe("r/read")
    late.message("r/read")


@needs_acl
def test_a_will_and_a_retained_will_of_who_lost_the_right(rules, of):
    watch = of()
    watch.subscribe("w/#", qos=1)
    dead = of("dead", will=Will("w/dead", "x", qos=1))
    kept = of("kept", will=Will("w/kept", "x", qos=1, retain=True))
    late = of("late", will=Will("w/late", "x", qos=1, properties={"will_delay": 1}), properties={"session_expiry": 60})
    fine = of("fine", will=Will("w/fine", "x", qos=1))
    late.close()
    rules("".join("* w/%s publish deny\n" % n for n in ("dead", "kept", "late")) + OPEN)
    for client in (dead, kept, fine):
        client.close()
    watch.message("w/fine")
    for topic in ("dead", "kept", "late"):
        rules.broker.wait_log("denied will .*topic='w/%s'" % topic)
    assert watch.fence(of()) == []
    new = of()
    new.subscribe("w/#")
    assert new.fence(of()) == []
    assert denied(rules.broker, "publish") == 3


@needs_acl
def test_a_topic_alias_gives_no_right_that_is_gone(rules, of):
    sub, pub = of(), of()
    sub.subscribe("t/a")
    pub.publish("t/a", "1", qos=1, properties={"topic_alias": 1})
    sub.message("t/a", "1")
    rules("* t/a publish deny\n" + OPEN)
    pub.publish("", "2", qos=1, properties={"topic_alias": 1}, reason=0x87)
    assert sub.fence(of()) == []


@needs_acl
@pytest.mark.threads
def test_reloads_under_load_lose_nothing(rules, of):
    """Both configurations allow it: every message of QoS 1 comes once and in order, whoever is asked about it."""
    subs, failed, reloads = [of("load%d" % i) for i in range(4)], [], 0
    counts, enough = [0, 0], threading.Event()
    for sub in subs:
        sub.subscribe("load/#", qos=1)

    def publish(n):
        try:
            client = Client(rules.broker, "loader%d" % n).connect()
            while counts[n] < 150 or not enough.is_set():
                client.publish("load/%d" % n, str(counts[n]), qos=1)
                counts[n] += 1
            client.publish("load/%d" % n, "end", qos=1)
            client.disconnect()
        except BaseException as error:  # shown by the assertion below
            failed.append(error)

    def read(sub, got):
        try:
            ends = 0
            while ends < 2:
                message = sub.message()
                if message.payload == b"end":
                    ends += 1
                else:
                    got.append((message.topic, int(message.payload)))
        except BaseException as error:
            failed.append(error)

    lists = [[] for _ in subs]
    threads = [threading.Thread(target=publish, args=(n,)) for n in range(2)]
    threads += [threading.Thread(target=read, args=pair) for pair in zip(subs, lists)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        rules(("* load/+ publish/subscribe allow\n" if reloads % 2 else "") + OPEN)
        reloads += 1
        if reloads == 3:
            enough.set()
    for thread in threads:
        thread.join()
    assert not failed, failed
    for got in lists:
        assert sorted(set(got)) == sorted(got)
        for n in range(2):
            assert [i for topic, i in got if topic == "load/%d" % n] == list(range(counts[n]))
    assert [row["state"] for row in rules.broker.ctl("plugins") if row["state"] == "in force"] == ["in force"]


# ---- what comes during the start

@pytest.fixture
def starting():
    """A broker whose module is in create for as long as the file `hold` is there."""
    broker = Broker({"plugins": {"life": {"file": "life.jsonl", "create-while": "hold"}}}, listener={"authorize": ["life"]}, start=False)
    with broker:
        broker.path("hold", "")
        broker.launch()
        eventually(lambda: "create" in lived(broker))
        yield broker


def lived(broker):
    return [one["what"] for one in Journal(broker, "life.jsonl").lines() if one["what"].startswith(("create", "destroy"))]


@needs_modules
def test_hangup_during_the_start_is_a_reload_afterwards(starting):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
        starting.signal(number)
    os.unlink(starting.path("hold"))
    starting.wait_log("configuration reloaded")
    Client(starting).connect().disconnect()
    assert starting.ctl("status")["generation"] == 2
    starting.stop()


def hang_up(broker, until):
    """SIGHUP over and over until the log has that line."""
    end = time.monotonic() + DEADLINE
    while not any(until in line for line in broker.log()):
        assert broker.alive() and time.monotonic() < end, broker.tail()
        broker.signal(signal.SIGHUP)


@needs_modules
def test_hangup_at_any_moment_of_the_start(starting):
    os.unlink(starting.path("hold"))
    hang_up(starting, "configuration reloaded")
    Client(starting).connect().disconnect()
    starting.stop()


@needs_modules
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_terminate_during_the_start_ends_it_in_order(starting, number):
    starting.signal(number)
    os.unlink(starting.path("hold"))
    starting.wait_log("shutting down")
    assert starting.wait() == 0
    assert lived(starting) == ["create", "created", "destroy"] and not os.path.exists(starting.socket)


@needs_modules
def test_a_second_terminate_during_the_start_ends_at_once(starting):
    starting.signal(signal.SIGTERM)
    eventually(lambda: caught(starting, signal.SIGTERM) == 0)
    starting.signal(signal.SIGTERM)
    assert starting.wait() == 0 and lived(starting) == ["create"]


def caught(broker, number):
    """1: the signal is on its way still."""
    with open("/proc/%d/status" % broker.pid) as status:
        pending = [int(line.split()[1], 16) for line in status if line.startswith(("SigPnd:", "ShdPnd:"))]
    return sum(mask >> (number - 1) & 1 for mask in pending)


# ---- the end

@pytest.mark.smoke
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_terminate_says_good_bye_and_ends_with_0(make_broker, number):
    broker = make_broker(start=False)
    pid = broker.path("pid")
    broker.args = ["--pid-file", pid]
    broker.start(ready="listening")
    new, old = Client(broker).connect(), Client(broker, version=4).connect()
    watch = Client(broker).connect(will=Will("w", "x"))
    watch.subscribe("#")
    with open(pid) as file:
        assert int(file.read()) == broker.pid
    broker.signal(number)
    new.expect_disconnect(0x8B)
    old.expect_closed()
    watch.expect_disconnect(0x8B)
    assert broker.wait() == 0
    assert not os.path.exists(broker.socket) and not os.path.exists(pid)


def stuffed(broker, size=12, window=None):
    """A client that doesn't read, with more than the sockets take before it."""
    reader = Client(broker, "stuffed")
    if window:
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    reader.connect()
    reader.subscribe("s", qos=1)
    pub = Client(broker).connect()
    for _ in range(size):
        pub.publish("s", b"x" * 900000, qos=1)
    return reader


@pytest.mark.smoke
def test_the_end_flushes_what_is_owed_to_a_slow_reader(make_broker):
    """Longer than a connection lingers otherwise, within shutdown-timeout."""
    broker = make_broker({"shutdown-timeout": "1m"})
    reader = stuffed(broker, window=32768)
    sent = broker.clients()["stuffed"]["sent"]
    broker.signal(signal.SIGTERM)
    broker.wait_log("shutting down")
    begin = time.monotonic()
    while time.monotonic() - begin < 3:
        reader.buffer += reader.socket.recv(16384)
        time.sleep(0.05)
    got = reader.drain()
    assert broker.wait() == 0
    assert [one.type for one in got] == [PUBLISH] * sent + [DISCONNECT] and got[-1].reason == 0x8B


def test_the_end_waits_no_longer_than_shutdown_timeout(make_broker):
    broker = make_broker({"shutdown-timeout": "1s"})
    reader = stuffed(broker, window=4096)
    begin = time.monotonic()
    broker.signal(signal.SIGTERM)
    assert broker.wait() == 0
    assert time.monotonic() - begin >= 0.9
    reader.reset()


def test_a_second_signal_ends_at_once(make_broker):
    broker = make_broker({"shutdown-timeout": "10m"})
    reader = stuffed(broker, window=4096)
    broker.signal(signal.SIGTERM)
    broker.wait_log("shutting down")
    with pytest.raises(OSError):
        Client(broker)  # nobody new
    broker.signal(signal.SIGTERM)
    assert broker.wait() == 0
    reader.reset()


# ---- SIGUSR1

def test_reopen_of_the_log(make_broker):
    broker = make_broker({"log": {"target": "file", "file": "broker.log"}}, start=False)
    broker.wait_log = lambda *_, **__: None
    broker.start()
    log, old = broker.path("broker.log"), broker.path("broker.log.1")

    def logged(path, words):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if os.path.exists(path) and words in open(path).read():
                return True
            time.sleep(0.02)
        return False

    assert logged(log, "listening")
    Client(broker, "before").connect().disconnect()
    assert logged(log, "client='before'")
    os.rename(log, old)
    Client(broker, "between").connect().disconnect()
    assert logged(old, "client='between'") and not os.path.exists(log)
    broker.signal(signal.SIGUSR1)
    assert logged(log, "") or pytest.fail("no new file")
    Client(broker, "after").connect().disconnect()
    assert logged(log, "client='after'")
    assert "client='after'" not in open(old).read()
    assert os.stat(log).st_mode & 0o777 == 0o640 & ~UMASK


UMASK = os.umask(0)
os.umask(UMASK)
