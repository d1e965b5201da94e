# SPDX-License-Identifier: Apache-2.0
"""Barriers: nothing is acknowledged before modules say that it is safe; deliveries go on; what can't be made safe is refused."""
import os
import signal
import time

import pytest

from gatehouse import CONNACK, PUBACK, PUBCOMP, PUBREC, PUBREL, SUBACK, Closed
from gatehouse.broker import DEADLINE
from gatehouse.probe import eventually, needs_modules

pytestmark = [needs_modules, pytest.mark.threads]
KEEP = {"session_expiry": 300}


def start(make_broker, more=None, limits=None, **how):
    plugins = {"keeper": dict({"hold": "@DIR@/hold"}, **how)}
    plugins.update(more or {})
    return make_broker({"plugins": plugins, "limits": limits or {}})


class Held:
    """While it is, nothing passes."""

    def __init__(self, broker):
        self.path = os.path.join(broker.directory, "hold")

    def __enter__(self):
        open(self.path, "w").close()
        return self

    def __exit__(self, *why):
        os.unlink(self.path)


def pubacks(client, count):
    return [client.expect(PUBACK).packet_id for _ in range(count)]


def test_acknowledgements_wait_and_deliveries_dont(make_broker, connect, name):
    broker = start(make_broker)
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe(name)
    with Held(broker):
        client.send(client.publish_packet(name, "1", 1, packet_id=1), client.publish_packet(name, "2", 2, packet_id=2))
        client.send(client.subscribe_packet([("x", 0)], 3))
        client.quiet()
        other.message(name, "1")
        other.message(name, "2")
    client.expect(PUBACK, packet_id=1)
    client.expect(PUBREC, packet_id=2)
    client.expect(SUBACK, packet_id=3)
    with Held(broker):
        client.ack(PUBREL, 2)
        client.quiet()
    client.expect(PUBCOMP, packet_id=2)
    client.unsubscribe("x")


def test_once_a_turn(make_broker, connect, name):
    """A thousand messages that came together are one barrier, or a few."""
    broker = start(make_broker, delay="5ms")
    client = connect(to=broker)
    before = broker.metric("gatehouse_keeper_raised_total", instance="keeper")
    client.send(*[client.publish_packet(name, "", 1, packet_id=i) for i in range(1, 1001)])
    assert pubacks(client, 1000) == list(range(1, 1001))
    assert 1 <= broker.metric("gatehouse_keeper_raised_total", instance="keeper") - before < 100


def test_released_in_their_order(make_broker, connect, name):
    """Barriers are raised while others wait; a second module lets each go at once."""
    broker = start(make_broker, {"quick": {"module": "keeper", "how": "now"}}, delay="20ms")
    client = connect(to=broker)
    for i in range(1, 51):
        client.send(client.publish_packet(name, "", 1, packet_id=i))
        client.ping()
    client.inbox.extend(client.recv() for _ in range(50 - len(client.inbox)))
    assert pubacks(client, 50) == list(range(1, 51))


def test_connack_comes_first(make_broker, connect, dial, name):
    """What waits for the session goes behind it."""
    broker = start(make_broker)
    connect(name, to=broker, properties=KEEP).subscribe(name, qos=1)
    with Held(broker):
        client = dial(name, to=broker)
        client.send(client.connect_packet(clean=False, properties=KEEP))
        other = dial(to=broker)
        other.send(other.connect_packet())
        eventually(lambda: len(broker.ctl("clients")) == 2)
        with pytest.raises(TimeoutError):
            client.recv(timeout=0.3)
        other.send(other.publish_packet(name, "early", 0))
    assert client.expect(CONNACK, reason=0).session_present
    client.message(name, "early")
    other.expect(CONNACK, reason=0)


@pytest.mark.parametrize("how", ["refuse", "refuse-later"])
def test_refused(make_broker, dial, how):
    """Who connects isn't let in; nobody is told that something is safe which isn't."""
    broker = start(make_broker, how=how)
    client = dial(to=broker)
    client.send(client.connect_packet())
    client.expect_closed()
    broker.wait_log(r"module 'keeper' can't make safe")
    assert broker.alive()


@pytest.mark.parametrize("version", [4, 5])
def test_refused_afterwards(make_broker, connect, version, name):
    """A module that begins to fail: MQTT 5 is told by reason code, older clients lose the connection."""
    broker = start(make_broker)
    clients = [connect(to=broker, version=version) for _ in range(4)]
    broker.write({"plugins": {"keeper": {"how": "refuse"}}})
    broker.reload()
    first = clients[0]
    if version == 5:
        eventually(lambda: first.send(first.publish_packet(name, "", 1, packet_id=1)) or first.expect(PUBACK).reason == 0x83)
        first.send(first.publish_packet(name, "", 2, packet_id=2))
        first.expect(PUBREC, packet_id=2, reason=0x83)
        first.send(first.publish_packet(name, "", 2, packet_id=2))
        first.expect(PUBREC, packet_id=2, reason=0x83)
    else:
        def gone():
            first.send(first.publish_packet(name, "", 1, packet_id=1))
            try:
                first.expect(PUBACK, packet_id=1)
            except Closed:
                return True
        eventually(gone)
    for client, packet in zip(clients[1:], (clients[1].subscribe_packet([("a", 0)], 1), clients[2].publish_packet(name, "", 1, packet_id=1))):
        client.send(packet)
        if version == 5 and client is clients[2]:
            client.expect(PUBACK, reason=0x83)
        else:
            client.expect_disconnect(0x83 if version == 5 else None)


def test_who_does_not_wait_is_not_read(make_broker, connect, name):
    """More unacknowledged than receive-maximum allows: the rest stays in the socket until some have passed."""
    broker = start(make_broker, limits={"receive-maximum": 5})
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe(name)
    with Held(broker):
        for i in range(1, 21):
            client.send(client.publish_packet(name, str(i), 1, packet_id=i))
        for i in range(1, 7):
            other.message(name, str(i))
        other.quiet()
    assert pubacks(client, 20) == list(range(1, 21))
    for i in range(7, 21):
        other.message(name, str(i))


def test_a_reload_while_they_wait(make_broker, connect, name):
    """The old instance ends what it was asked; those behind wait for it."""
    broker = start(make_broker)
    client = connect(to=broker)
    with Held(broker):
        client.send(client.publish_packet(name, "", 1, packet_id=1))
        client.quiet()
        broker.write({"plugins": {"keeper": {"how": "now"}}})
        broker.reload()
        eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force", "draining"])
        client.send(client.publish_packet(name, "", 1, packet_id=2))
        client.quiet()
    assert pubacks(client, 2) == [1, 2]
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force"])
    broker.write({})
    broker.reload()
    client.publish(name, "", 1)


def test_clients_go_meanwhile(make_broker, connect, dial, name):
    broker = start(make_broker)
    clients = [connect(to=broker) for _ in range(5)]
    with Held(broker):
        for client in clients:
            client.send(client.publish_packet(name, "", 1, packet_id=1), client.subscribe_packet([("a", 0)], 2))
            client.ping()
            client.drop()
        half = dial(to=broker)
        half.send(half.connect_packet())
        eventually(lambda: half.client_id in [row["client"] for row in broker.ctl("clients")])
        half.drop()
    connect(to=broker).publish(name, "", 1)


def test_a_hung_one_is_told(make_broker, connect, name):
    broker = start(make_broker)
    client = connect(to=broker)
    with Held(broker):
        client.send(client.publish_packet(name, "", 1, packet_id=1))
        broker.wait_log(r"warning acknowledgements wait for module 'keeper' since \d+ s")
    client.expect(PUBACK, packet_id=1)


# ---- the end of what they wait for

def test_disabled_while_they_wait(make_broker, connect, name):
    """What was raised before comes to its end; from then on nothing can be made safe, and that is told."""
    broker = start(make_broker)
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe(name)
    with Held(broker):
        client.send(client.publish_packet(name, "", 1, packet_id=1))
        client.quiet()
        broker.ctl("plugin", "disable", "keeper")
        eventually(lambda: "draining" in [row["state"] for row in broker.ctl("plugins")])
        client.send(client.publish_packet(name, "", 1, packet_id=2))
        client.quiet()
    client.expect(PUBACK, packet_id=1, reason=0)
    client.expect(PUBACK, packet_id=2, reason=0x83)
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["disabled"])
    client.send(client.publish_packet(name, "", 2, packet_id=3))
    client.expect(PUBREC, packet_id=3, reason=0x83)
    broker.ctl("plugin", "enable", "keeper")
    connect(to=broker).publish(name, "", 1)


@pytest.mark.parametrize("version", [4, 5])
def test_the_end_while_they_wait(make_broker, connect, dial, version, name):
    """Nothing that may not be safe is acknowledged; the broker ends in time, let the module hang as it may."""
    broker = start(make_broker)
    client = connect(to=broker, version=version)
    with Held(broker):
        client.send(client.publish_packet(name, "", 1, packet_id=1), client.publish_packet(name, "", 2, packet_id=2))
        client.quiet()
        half = dial(to=broker)
        half.send(half.connect_packet())
        eventually(lambda: half.client_id in broker.clients())
        began, mark = time.monotonic(), broker.mark()
        broker.signal(signal.SIGTERM)
        client.expect_disconnect(0x8B if version == 5 else None)
        half.expect_closed()
        assert not client.inbox and not half.inbox
        assert broker.wait() == 0 and time.monotonic() - began < DEADLINE
    told = [line for line in broker.log()[mark:] if "acknowledgements that wait for module 'keeper' aren't sent: the broker ends first" in line]
    assert told and all(" warning " in line for line in told)


def test_the_end_when_nobody_waits(make_broker, connect, name):
    broker = start(make_broker)
    connect(to=broker).publish(name, "", 1)
    broker.stop()
    assert not [line for line in broker.log() if "aren't sent" in line]


def test_taken_again(make_broker, connect, name):
    """QoS 2: what can't be made safe when its connection has gone already isn't taken for known when it comes again."""
    broker = start(make_broker, fail="@DIR@/fail")
    fail = os.path.join(broker.directory, "fail")
    reader, client = connect(to=broker), connect(name, to=broker, clean=False, properties=KEEP)
    reader.subscribe(name)
    with Held(broker):
        client.send(client.publish_packet(name, "x", 2, packet_id=7))
        reader.message(name, "x")
        client.drop()
        eventually(lambda: name not in broker.clients())
        open(fail, "w").close()
    broker.wait_log("can't make safe")
    os.unlink(fail)
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.send(client.publish_packet(name, "x", 2, packet_id=7, dup=True))
    client.expect(PUBREC, packet_id=7)
    reader.message(name, "x")
    client.send(client.publish_packet(name, "x", 2, packet_id=7, dup=True))
    client.expect(PUBREC, packet_id=7)
    reader.quiet()


@pytest.mark.parametrize("act", ["disable", "reload"])
def test_who_is_not_in_force_any_more(make_broker, connect, name, act):
    """Has as long as a hook may take to end what is open; then it is refused."""
    broker = start(make_broker, limits={"hook-timeout": "300ms"})
    client = connect(to=broker)
    with Held(broker):
        client.send(client.publish_packet(name, "", 1, packet_id=1))
        client.ping()
        broker.run_ctl("plugin", act, "keeper")
        client.expect(PUBACK, packet_id=1, reason=0x83)
