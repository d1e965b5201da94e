# SPDX-License-Identifier: Apache-2.0
"""What an open question does to its connection and to those beside it; whose answer it is when the connection is gone."""
import time

import pytest

from gatehouse import CONNACK, PINGREQ, PINGRESP, PUBACK, PUBLISH, SUBACK, Broker, Will
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = needs_modules
TIMEOUT = 3


@pytest.fixture(scope="module")
def broker():
    slow = [rule("authorize", topic="wait/%d" % i, action=action, how="later", delay="%dms" % (i * 100))
            for i in range(1, 11) for action in ("publish", "subscribe")]
    answers = slow + login("joe") + login("ann") + [
        rule("authorize", topic="wait/never", how="never"), rule("authorize", topic="wait/long", how="later", delay="2s"),
        rule("authenticate", user="slow", principal="joe", how="later", delay="500ms"),
        rule("authenticate", user="slower", principal="joe", how="later", delay="1s"),
        rule("authenticate", user="never", how="never"), rule("authorize")]
    config = {"plugins": {"probe": probe(*answers, file="probe.jsonl", calls=True, events=["connect"])},
              "limits": {"hook-timeout": "%ds" % TIMEOUT, "failed-login-delay": "0"}}
    with Broker(config, listener={"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]}) as one:
        yield one


@pytest.fixture
def joe(connect):
    def make(client_id=None, **how):
        return connect(client_id, username="joe", **how)
    return make


def pending(broker):
    return broker.metric("gatehouse_plugin_pending", instance="probe")


def test_not_read_but_written(broker, joe, name):
    """What was sent behind waits, in its order; what others send it arrives."""
    client, other = joe(), joe()
    client.subscribe(name)
    client.send(client.publish_packet("wait/10", "first", 1, packet_id=1), client.publish_packet(name + "/b", "", 1, packet_id=2))
    client.send_packet(PINGREQ)
    Journal(broker).wait(what="call", topic="wait/10", client=client.client_id)
    other.publish(name, "meanwhile")
    assert client.expect(PUBLISH).payload == b"meanwhile"
    assert pending(broker) == 1 and not Journal(broker).calls(topic=name + "/b")
    client.expect(PUBACK, packet_id=1, reason=0x10)
    client.expect(PUBACK, packet_id=2)
    client.expect(PINGRESP)


def test_acknowledgements_wait(broker, joe, name):
    """A PUBACK behind an open question is read after it: the window is full until then."""
    client, other = joe(properties={"receive_maximum": 1}), joe()
    client.subscribe(name, qos=1)
    other.publish(name, "one", 1)
    one = client.expect(PUBLISH)
    client.send(client.publish_packet("wait/10", "", 1, packet_id=1))
    client.finish(one)
    other.publish(name, "two", 1)
    client.expect(PUBACK, packet_id=1)
    client.message(name, "two")


def test_keep_alive_stands_still(broker, joe):
    """1 s of keep-alive allows 1.5 s of silence; the open question lasts 2 s, and then the clock begins anew."""
    client = joe(keep_alive=1)
    client.send(client.publish_packet("wait/long", "", 1, packet_id=1))
    client.expect(PUBACK, packet_id=1)
    asked = time.monotonic()
    client.expect_disconnect(0x8D)
    assert time.monotonic() - asked > 0.9


def test_filters_are_asked_together(broker, joe):
    """Ten filters that take 100 ms to 1 s each; verdicts in the order of the packet. One that is denied stands alone."""
    client = joe()
    began = time.monotonic()
    client.subscribe(*["wait/%d" % i for i in range(10, 0, -1)])
    assert time.monotonic() - began < 4, "5.5 s one after the other"
    client.send(client.subscribe_packet([("wait/1", 1), ("wait/never", 0), ("fine", 2)], 77))
    client.expect(SUBACK, timeout=TIMEOUT + 15, packet_id=77, reasons=[1, 0x87, 2])
    calls = [one["topic"] for one in Journal(broker).calls(hook="authorize", client=client.client_id)]
    assert calls == ["wait/%d" % i for i in range(10, 0, -1)] + ["wait/1", "wait/never", "fine"]


def test_deadline_is_told(broker, joe):
    client, mark = joe(), broker.mark()
    began = time.monotonic()
    client.publish("wait/never", "", 1, reason=0x87)
    assert time.monotonic() - began > TIMEOUT - 0.2
    broker.wait_log(r"denied publish .*client='%s' .*topic='wait/never' .*module='probe' .*in time" % client.client_id, after=mark)


def test_two_of_one_id_wait(broker, dial, name):
    """Both are let in, in the order of their verdicts: the one that is answered last has the session."""
    late, early = dial(name), dial(name)
    late.send(late.connect_packet(username="slower"))
    Journal(broker).wait(what="call", client=name, user="slower")
    early.send(early.connect_packet(username="slow"))
    early.expect(CONNACK, reason=0)
    late.expect(CONNACK, reason=0)
    early.expect_disconnect(0x8E)
    late.quiet()
    assert list(broker.clients()).count(name) == 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_client_goes_meanwhile(broker, joe, end, name):
    """What it sent before it closed counts, as it would without a question; then it is gone."""
    watcher = joe()
    watcher.subscribe("wait/5", name)
    client = joe(will=Will(name, "gone"))
    client.send(client.publish_packet("wait/5", "said", 1, packet_id=1))
    Journal(broker).wait(what="call", topic="wait/5", client=client.client_id)
    getattr(client, end)()
    watcher.message("wait/5", "said")
    watcher.message(name, "gone")
    eventually(lambda: client.client_id not in broker.clients())
    assert pending(broker) == 0


def test_answer_after_disconnect(broker, joe):
    """Of a connection that the broker has ended the packet is dropped; the answer that comes later finds nobody."""
    watcher = joe()
    watcher.subscribe("wait/5")
    client = joe()
    client.send(client.publish_packet("wait/5", "lost", 1, packet_id=1))
    Journal(broker).wait(what="call", topic="wait/5", client=client.client_id)
    broker.run_ctl("disconnect", client.client_id)
    client.expect_disconnect(0x98)
    assert pending(broker) == 0
    other = joe()
    other.publish("wait/5", "kept", 1)  # the answer to the first comes before this one's
    watcher.message("wait/5", "kept")
    assert watcher.fence(other) == []


def test_answer_after_takeover(broker, joe, name):
    """The old connection's packet is gone with it, the new one's own question is answered as its own."""
    watcher = joe()
    watcher.subscribe("wait/5")
    old = joe(name)
    old.send(old.publish_packet("wait/5", "old", 1, packet_id=1))
    Journal(broker).wait(what="call", topic="wait/5", client=name)
    new = joe(name)
    old.expect_disconnect(0x8E)
    new.publish("wait/5", "new", 1)
    watcher.message("wait/5", "new")
    assert watcher.fence(joe()) == []


def test_login_takes_too_long(make_broker, connect, name):
    """connect-timeout ends a login that waits: no session, no will; what is answered later finds nobody."""
    broker = make_broker({"plugins": {"probe": probe(rule("authenticate", user="slow", principal="joe", how="later", delay="1s"),
                                                     *login("joe"))},
                          "limits": {"connect-timeout": "500ms", "failed-login-delay": "0"}},
                         listener={"anonymous": False, "authenticate": ["probe"]})
    watcher = connect(to=broker, username="joe")
    watcher.subscribe(name)
    connect(name, to=broker, username="slow", will=Will(name, "gone"), reason=0x88)
    assert pending(broker) == 0
    connect("x", to=broker, username="slow", reason=0x88)
    connect("x", to=broker, username="slow", reason=0x88)  # by now the first answer has come
    assert watcher.fence(connect(to=broker, username="joe")) == []
    assert not connect(name, to=broker, username="joe", clean=False).connack.session_present


def test_others_are_served(broker, joe, name):
    """Questions that wait hold up nobody else, on any worker."""
    waiting = [joe() for _ in range(16)]
    for one in waiting:
        one.send(one.publish_packet("wait/never", "", 1, packet_id=1))
    eventually(lambda: pending(broker) == 16)
    for _ in range(8):
        client = joe()
        client.subscribe(name)
        client.publish(name, "x")
        client.message(name, "x")
    for one in waiting:
        one.expect(PUBACK, packet_id=1, reason=0x87)


def test_at_most_so_many(make_broker, connect):
    """max-pending: the next isn't asked, and denied at once."""
    broker = make_broker({"plugins": {"probe": probe(rule("authorize", topic="x", how="never"), rule("authorize"), max_pending=3)},
                          "limits": {"hook-timeout": "1500ms"}},
                         listener={"authorize": ["probe"]})
    clients = [connect(to=broker) for _ in range(4)]
    for one in clients[:3]:
        one.send(one.publish_packet("x", "", 1, packet_id=1))
    eventually(lambda: pending(broker) == 3)
    mark = broker.mark()
    clients[3].publish("x", "", 1, reason=0x87)
    broker.wait_log(r"denied publish .*module='probe' .*3 answers open", after=mark)
    clients[3].publish("x", "", 1, reason=0x87)
    for one in clients:
        one.close()
    eventually(lambda: pending(broker) == 0)


@pytest.mark.parametrize("what", ["login", "publish", "subscribe", "exchange"])
def test_open_at_the_end(make_broker, connect, dial, what):
    """The broker ends without waiting for whoever doesn't answer."""
    broker = make_broker({"plugins": {"probe": probe(*[rule(hook, how="never") for hook in ("authenticate", "authorize")]), "challenge": {}},
                          "limits": {"hook-timeout": "5m", "connect-timeout": "5m"}, "shutdown-timeout": "5s"},
                         listener={"authenticate": ["probe", "challenge"], "authorize": ["probe"]})
    client = dial(to=broker)
    if what == "login":
        client.send(client.connect_packet(username="x"))
    elif what == "exchange":
        client.send(client.connect_packet(properties={"auth_method": "CHALLENGE", "auth_data": "never"}))
        data = client.recv().properties["auth_data"]
        client.auth(0x18, {"auth_method": "CHALLENGE", "auth_data": data + b":secret"})
    else:
        client.connect()
        client.send(client.publish_packet("x", "", 1) if what == "publish" else client.subscribe_packet([("x", 0), ("y", 0)], 1))
    eventually(lambda: sum(row["pending"] for row in broker.ctl("plugins")) > 0)
    began = time.monotonic()
    broker.stop()
    assert time.monotonic() - began < 5


def test_policy_changes_before_each_answer(make_broker, connect):
    """A PUBLISH doesn't wait for ever: it is refused when two hook-timeouts are over."""
    rules = [rule("authorize", topic="slow", how="later", delay="300ms"), rule("authorize")]
    broker = make_broker({"plugins": {"probe": probe(*rules), "actor": {"module": "actor", "file": "@DIR@/actor.jsonl"}},
                          "limits": {"hook-timeout": "400ms"},
                          "listeners": {"test": {"address": "127.0.0.1:@PORT@", "anonymous": True, "authorize": ["probe"]},
                                        "open": {"address": "unix:@DIR@/open", "anonymous": True, "authorize": "none"}}})
    client, boss = connect(to=broker), connect(to=broker.path("open"))
    client.send(client.publish_packet("slow", "", 1, packet_id=1))
    end, got = time.monotonic() + TIMEOUT * 5, None
    while not got and time.monotonic() < end:
        boss.publish("act/hook", "recheck everyone x 1", 1)
        try:
            got = client.recv(0.1)
        except TimeoutError:
            continue
    assert got and (got.type, got.reason) == (PUBACK, 0x87)
    client.publish("other", "", 1)
