# SPDX-License-Identifier: Apache-2.0
"""Modules that block: on threads of their own, in turn by source address, and never beyond their deadline."""
import socket
import threading
import time

import pytest

from gatehouse import CONNACK, PUBACK, PUBREC, Broker, Client, Closed, Will
from gatehouse.probe import eventually, needs_modules

pytestmark = needs_modules


@pytest.fixture(scope="module")
def broker():
    """s has two threads; other and m are other instances of the same module."""
    config = {"plugins": {"s": {"module": "sleeper", "threads": 2}, "other": {"module": "sleeper", "threads": 1, "max-pending": 16},
                          "m": {"module": "sleeper", "threads": 2}},
              "listeners": {"main": {"address": "127.0.0.1:@PORT@", "authenticate": ["s"], "authorize": ["s"]},
                            "other": {"address": "unix:@DIR@/other", "authenticate": ["other"], "authorize": "none"},
                            "messages": {"address": "unix:@DIR@/messages", "anonymous": True, "authorize": "none", "message": ["m"]}},
              "limits": {"hook-timeout": "2s", "failed-login-delay": "0"}}
    with Broker(config) as one:
        yield one


def dialled_from(broker, address):
    """A client whose source is another address of the loopback net."""
    client = Client(broker)
    client.socket.close()
    client.socket = socket.create_connection(("127.0.0.1", broker.port), source_address=(address, 0))
    return client


def right(connect, user="sleep-0", **how):
    return connect(username=user, password="secret", **how)


def row(broker, instance):
    return next(one for one in broker.ctl("plugins") if one["instance"] == instance)


def test_verdicts(broker, connect):
    client = right(connect, "joe", will=Will("a", "gone"))
    connect(username="joe", password="wrong", reason=0x86)
    connect(reason=0x87)
    client.subscribe("a/#", "b")
    client.publish("a/b", "x", 2)
    client.message("a/b", "x")
    assert row(broker, "s")["threads"] == 2 and row(broker, "other")["threads"] == 1


def test_beside_the_workers(broker, connect, name):
    """Both threads sleep; who is connected is served meanwhile."""
    client = right(connect)
    client.subscribe(name)
    waiting = [right(connect) for _ in range(2)]
    for one in waiting:
        one.send(one.publish_packet("sleep/700/" + name, "", 1, packet_id=1))
    eventually(lambda: row(broker, "s")["pending"] == 2)
    began = time.monotonic()
    for _ in range(10):
        client.ping()
    assert time.monotonic() - began < 0.6
    for one in waiting:
        one.expect(PUBACK, packet_id=1)


def test_dropped_unrun(broker, connect, dial):
    """Two sleep beyond their deadline; what has waited behind them as long is never begun."""
    before = row(broker, "s")
    sleepers = [dial() for _ in range(2)]
    for one in sleepers:
        one.send(one.connect_packet(username="sleep-3000", password="secret"))
    eventually(lambda: row(broker, "s")["pending"] == 2 and row(broker, "s")["queued"] == 0)
    behind = [dial() for _ in range(4)]
    for one in behind:
        one.send(one.connect_packet(username="joe", password="secret"))
    eventually(lambda: row(broker, "s")["queued"] == 4)
    mark = broker.mark()
    for one in sleepers + behind:
        one.expect(CONNACK, reason=0x87)
    broker.wait_log("login failed .*module='s' .*in time", after=mark)
    after = row(broker, "s")
    assert after["queued"] == 0 and after["timeouts"] - before["timeouts"] == 6
    right(connect, "after")  # a thread is free again: 1 s later
    assert row(broker, "s")["calls"] - before["calls"] == 7, "six that timed out (no more), and this one"
    assert row(broker, "s")["allow"] - before["allow"] == 1


def test_cut_off_while_it_waits(broker, connect, dial):
    """connect-timeout, takeover and the rest find the job in the queue or at work; it disappears with the client."""
    old = right(connect)
    old.send(old.publish_packet("sleep/1500/x", "lost", 1, packet_id=1))
    eventually(lambda: row(broker, "s")["pending"] == 1)
    broker.run_ctl("disconnect", old.client_id)
    old.expect_disconnect(0x98)
    eventually(lambda: row(broker, "s")["pending"] == 0)
    right(connect)


def test_one_hangs_the_other_does_not(broker, connect, dial):
    """Its threads are its own; its queue is bounded, and no address may fill it: a quarter of max-pending is for one."""
    hung = [dial(to=broker.path("other")) for _ in range(5)]
    hung[0].send(hung[0].connect_packet(username="sleep-1800", password="secret"))
    eventually(lambda: row(broker, "other")["pending"] == 1 and row(broker, "other")["queued"] == 0)
    for one in hung[1:]:
        one.send(one.connect_packet(username="sleep-1800", password="secret"))
    eventually(lambda: row(broker, "other")["queued"] == 4)
    began, mark = time.monotonic(), broker.mark()
    right(connect)
    connect(to=broker.path("other"), username="x", password="secret", reason=0x87)
    assert time.monotonic() - began < 1
    broker.wait_log("login failed .*module='other' reason='its queue is full'", after=mark)
    assert [one.expect(CONNACK).reason for one in hung] == [0] + [0x87] * 4


# ---- messages

@pytest.fixture
def pair(broker, connect, name):
    """Who publishes to `name` where messages are asked about, and who listens there."""
    reader, writer = [connect(to=broker.path("messages")) for _ in range(2)]
    reader.subscribe("#", qos=1)
    return reader, writer


def test_message_verdicts(broker, pair, name):
    """None objects; one does; one can't say; one says something else."""
    reader, writer = pair
    before = row(broker, "m")
    writer.publish(name, "as it is", 1)
    reader.message(name, "as it is", qos=1)
    for topic in ("no/" + name, "broken/" + name):
        writer.publish(topic, "x", 1, reason=0x87)
        writer.send(writer.publish_packet(topic, "x", 2, packet_id=9))
        writer.expect(PUBREC, packet_id=9, reason=0x87)
        writer.send(writer.publish_packet(topic, "x", 0))
    writer.publish("edit/" + name, "x", 1)
    reader.message(name, "slept over", qos=1)
    assert reader.fence(writer) == []
    after = row(broker, "m")
    assert after["calls"] - before["calls"] == 9, "eight, and the fence"


def test_messages_keep_their_order(broker, pair, name):
    """The slow one first; whoever else is connected is served meanwhile."""
    reader, writer = pair
    writer.send(writer.publish_packet("nap/300/" + name, "first", 1, packet_id=1),
                writer.publish_packet(name, "second", 1, packet_id=2), writer.publish_packet("edit/" + name, "third", 1, packet_id=3))
    eventually(lambda: row(broker, "m")["pending"] > 0)
    reader.ping()
    assert [writer.expect(PUBACK, reason=0).packet_id for _ in range(3)] == [1, 2, 3]
    reader.message("nap/300/" + name, "first")
    reader.message(name, "second")
    reader.message(name, "slept over")


def test_message_that_takes_too_long(broker, pair, name):
    """Refused at its deadline; what the module says then is too late."""
    reader, writer = pair
    before = row(broker, "m")
    writer.send(writer.publish_packet("nap/2600/" + name, "x", 1, packet_id=1))
    writer.expect(PUBACK, packet_id=1, reason=0x87)
    assert row(broker, "m")["timeouts"] - before["timeouts"] == 1
    eventually(lambda: row(broker, "m")["running"] == 0)
    writer.publish(name, "x", 1)
    reader.message(name, "x")
    assert reader.fence(writer) == []


class Guesser(threading.Thread):
    """One address that tries 200 wrong passwords a second; each attempt takes the module 20 ms: four times what it has."""

    def __init__(self, broker, seconds):
        super().__init__()
        self.broker, self.seconds, self.open, self.tried = broker, seconds, [], 0

    def run(self):
        began = time.monotonic()
        while time.monotonic() - began < self.seconds:
            due = int((time.monotonic() - began) * 200)
            while self.tried < due:
                self.tried += 1
                try:
                    one = Client(self.broker)
                    one.send(one.connect_packet(username="sleep-20", password="wrong"))
                    self.open.append(one)
                except (OSError, Closed):
                    pass
            time.sleep(0.005)


def test_fair_by_address(make_broker):
    """... while one instance hangs too: a right login from elsewhere takes under a second."""
    config = {"plugins": {"s": {"module": "sleeper", "threads": 1}, "hung": {"module": "sleeper", "threads": 1}},
              "listeners": {"main": {"address": "127.0.0.1:@PORT@", "authenticate": ["s"], "authorize": "none"},
                            "hung": {"address": "unix:@DIR@/hung", "authenticate": ["hung"], "authorize": "none"}},
              "limits": {"hook-timeout": "4s"}}
    broker = make_broker(config)
    hung = Client(broker.path("hung"))
    hung.send(hung.connect_packet(username="sleep-4500", password="secret"))
    guesser = Guesser(broker, 3)
    guesser.start()
    times = []
    try:
        eventually(lambda: row(broker, "s")["queued"] > 20)
        while guesser.is_alive() and len(times) < 10:
            began = time.monotonic()
            one = dialled_from(broker, "127.0.0.2")
            one.connect(username="right", password="secret")
            times.append(time.monotonic() - began)
            one.close()
    finally:
        guesser.join()
    hung.close()
    assert guesser.tried > 300 and len(times) >= 5, (guesser.tried, times)
    assert max(times) < 1, times
