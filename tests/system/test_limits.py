# SPDX-License-Identifier: Apache-2.0
"""Every bound of the quickstart configuration bites. Those that are too large for a test are set lower, on top of that file."""
import os
import socket
import time

import pytest

from gatehouse import (CONNACK, CONNECT, DEADLINE, DISCONNECT, PUBACK, PUBLISH, SANITIZED, Broker, Client, Closed, Will, packet,
                       properties, text, varint)
from gatehouse.broker import SOURCES, scalar
from test_config import core_options, options_of


def quickstart(**limits):
    """The shipped file, with another port, a state of its own, and perhaps some limits lowered."""
    with open(os.path.join(SOURCES, "etc/quickstart.yaml")) as file:
        shipped = file.read()
    assert "limits:" not in shipped and shipped.count("127.0.0.1:1883") == 1
    lines = "".join("  %s: %s\n" % (key.replace("_", "-"), scalar(value)) for key, value in limits.items())
    return (shipped.replace("127.0.0.1:1883", "127.0.0.1:@PORT@") + '\nstate-directory: "@DIR@/state"\ncontrol: { socket: "@DIR@/ctl" }\n' +
            ("limits:\n" + lines if lines else ""))


def started(text):
    one = Broker(text, start=False)
    one.socket = one.path("ctl")
    return one.start()


@pytest.fixture(scope="module")
def broker():
    """As shipped, with every default."""
    with started(quickstart()) as one:
        yield one


@pytest.fixture(scope="module")
def small():
    """With the bounds lowered that would take long to reach."""
    with started(quickstart(connect_timeout="1s", queue_messages=5, queue_bytes="20k", retained_messages=3, retained_bytes="40k",
                            retained_size="10k", subscriptions=5, output_bytes="64k", inflight=7, receive_maximum=4, session_expiry_max="2s",
                            topic_alias_max=2, keep_alive_max="10s", client_id_length=23)) as one:
        yield one


# ---- before the login

def test_connack_tells_the_bounds(broker, connect):
    got = connect(properties={"session_expiry": 0xFFFFFFFF}, keep_alive=0).connack.properties
    assert got["receive_maximum"] == 1000 and got["maximum_packet_size"] == 1 << 20 and got["topic_alias_maximum"] == 16
    assert got["session_expiry"] == 7 * 86400 and got["server_keep_alive"] == 3600
    for name in ("maximum_qos", "retain_available", "wildcard_available", "subscription_ids_available", "shared_available"):
        assert got.get(name) is None  # all of it is there


@pytest.mark.smoke
def test_packet_size_before_and_after_the_login(broker, connect, dial):
    """16k before: no more is read of what claims to be longer. 1M after."""
    one = dial()
    one.send(bytes([CONNECT << 4]) + varint(16384))
    one.expect_closed()
    for more, fits in ((0, True), (1, False)):
        one = dial("x" * 200)
        raw = one.connect_packet(username="u", password="p" * (16384 + more - len(one.connect_packet(username="u", password=""))))
        assert len(raw) == 16384 + more
        one.send(raw)
        if fits:
            assert one.expect(CONNACK).reason == 0
        else:
            assert all(got.type == CONNACK and got.reason >= 0x80 for got in one.drain())
    big = connect()
    body = text("big") + properties()
    big.subscribe("big")
    most = (1 << 20) - 4 - len(body)
    big.send(packet(PUBLISH, body + b"x" * most))
    assert len(big.message("big").payload) == most
    big.send(bytes([PUBLISH << 4]) + varint((1 << 20) - 3))
    big.expect_disconnect(0x95)


def test_what_a_length_claims_costs_nothing(broker, dial):
    before = broker.memory()
    claims = []
    for _ in range(100):
        one = dial()
        one.connect()
        one.send(bytes([PUBLISH << 4]) + varint((1 << 20) - 10) + text("t"))
        claims.append(one)
    assert Client(broker).connect().ping()
    assert broker.memory() - before < 20 << 20


def test_connect_timeout_counts_from_accept_whatever_comes(small, dial):
    begin = time.monotonic()
    silent, slow = dial(to=small), dial(to=small)
    raw, n = slow.connect_packet(), 0
    slow.socket.settimeout(0.05)
    try:
        while time.monotonic() - begin < DEADLINE:
            if n < len(raw) - 1:
                slow.send(raw[n:n + 1])
                n += 1
            try:
                if not slow.socket.recv(1):
                    break
            except socket.timeout:
                pass
    except OSError:
        pass
    assert 0.9 < time.monotonic() - begin < DEADLINE / 2
    silent.expect_closed()


def test_connections(make_broker):
    broker = started(quickstart(connections=5))
    with broker:
        held = [Client(broker).connect() for _ in range(5)]
        for _ in range(3):
            with pytest.raises((Closed, OSError)):
                Client(broker).connect()
        broker.wait_log("warning")
        held[0].disconnect()
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                held.append(Client(broker).connect())
                break
            except (Closed, OSError):
                assert time.monotonic() < deadline
        held[1].ping()
        assert broker.ctl("status")["connections"] == 5


@pytest.mark.parametrize("length, version, reason", [(256, 5, 0), (257, 5, 0x85), (256, 4, 0), (257, 4, 2), (65535 - 49200, 5, None)])
def test_client_id_length(broker, dial, length, version, reason):
    one = dial("x" * length, version)
    one.send(one.connect_packet())
    if reason is None:
        one.drain()  # longer than packet-size-before-login, whatever it is
        return
    assert one.expect(CONNACK).reason == reason


def test_will_size(broker, connect, dial):
    connect(will=Will("w", b"x" * 8192))
    connect(will=Will("w", b"x" * 8193), reason=0x95)
    one = dial(version=4)
    one.send(one.connect_packet(will=Will("w", b"x" * 8193)))
    assert all(got.type == CONNACK and got.reason for got in one.drain())


# ---- what a client sends

def test_receive_maximum_of_the_broker(small, connect):
    """QoS 2 that isn't released counts; one more than was told ends the connection."""
    one = connect(to=small)
    assert one.connack.properties["receive_maximum"] == 4
    for n in range(1, 6):
        one.send(one.publish_packet("r", "x", 2, packet_id=n))
    got = one.drain()
    assert got[-1].type == DISCONNECT and got[-1].reason == 0x93


def test_topics(broker, connect):
    """128 levels, 4096 bytes, of topics and filters."""
    one = connect()
    for topic, reason in (("/" * 127, 0), ("/" * 128, 0x90), ("x" * 4096, 0), ("x" * 4097, 0x90), ("x" * 65000, 0x90)):
        one.publish(topic, "x", qos=1, reason=reason or None)
        one.subscribe(topic, reasons=[0x8F if reason else 0])
    one.ping()
    old = connect(version=4)
    old.subscribe("x" * 4097, "/" * 128, "ok", reasons=[0x80, 0x80, 0])


def test_topic_aliases(small, connect):
    one = connect(to=small)
    one.publish("a", "x", properties={"topic_alias": 2})
    one.ping()
    one.publish("a", "x", properties={"topic_alias": 3})
    one.expect_disconnect(0x94)


def test_user_properties(broker, connect):
    one = connect()
    one.publish("u", "x", qos=1, properties={"user_property": [("k", "v")] * 64})
    one.publish("u", "x", qos=1, properties={"user_property": [("k", "v")] * 65}, reason=0x97)
    one.ping()


def test_subscriptions(small, connect):
    one, old = connect(to=small), connect(to=small, version=4)
    for n in range(5):
        one.subscribe("s/%d" % n)
        old.subscribe("s/%d" % n)
    one.subscribe("s/5", reasons=[0x97])
    old.subscribe("s/5", reasons=[0x80])
    one.subscribe("s/0")  # not one more
    one.unsubscribe("s/0")
    one.subscribe("s/5")
    many = connect(to=small)
    many.send(many.subscribe_packet([("m/%d" % n, 0) for n in range(6)], 1))
    got = many.drain() if many.version == 4 else [many.recv()]
    assert got[0].type == DISCONNECT or 0x97 in got[0].reasons


def test_keep_alive(small, connect):
    """MQTT 5 clients are told a shorter one, and held to it."""
    one = connect(to=small, keep_alive=600)
    assert one.connack.properties["server_keep_alive"] == 10
    assert "server_keep_alive" not in connect(to=small, keep_alive=9).connack.properties
    short = connect(to=small, keep_alive=1)
    begin = time.monotonic()
    short.expect_disconnect(0x8D)
    assert time.monotonic() - begin > 1.2


def test_retained(small, connect):
    one = connect(to=small)
    one.publish("k/big", b"x" * 10240, qos=1, retain=True)
    one.publish("k/big", b"x" * 10241, qos=1, retain=True, reason=0x97)
    one.publish("k/2", "x", qos=1, retain=True)
    one.publish("k/3", "x", qos=1, retain=True)
    watch = connect(to=small)
    watch.subscribe("k/4")
    one.publish("k/4", "x", qos=1, retain=True, reason=0x97)
    assert watch.fence(one) == []  # neither kept nor delivered
    one.publish("k/4", "x", qos=1)
    one.publish("k/2", "y", qos=1, retain=True)
    one.publish("k/2", "", qos=1, retain=True)
    one.publish("k/4", "x", qos=1, retain=True)
    for n in ("big", "3", "4"):
        one.publish("k/" + n, "", qos=1, retain=True)
    assert small.ctl("status")["retained"] == 0


def test_retained_bytes(small, connect):
    one, kept = connect(to=small), 0
    for n in range(3):
        reason = one.publish("kb/%d" % n + "/" + "x" * 4000, b"x" * 10000, qos=1, retain=True, reason=None if n < 2 else Either()).reason
        kept += reason < 0x80
    assert kept == 2
    for n in range(3):
        one.publish("kb/%d" % n + "/" + "x" * 4000, "", qos=1, retain=True)


class Either:
    def __eq__(self, other):
        return other in (0, 0x10, 0x97)


# ---- what waits for a client

def test_inflight(small, connect):
    sub, pub = connect(to=small), connect(to=small)
    sub.subscribe("i", qos=1)
    for n in range(9):
        pub.publish("i", str(n), qos=1)
    got = [sub.expect(PUBLISH, qos=1) for _ in range(7)]
    sub.quiet()
    sub.ack(PUBACK, got[0].packet_id)
    assert sub.expect(PUBLISH).payload == b"7"
    less = connect(to=small, properties={"receive_maximum": 2})
    less.subscribe("j", qos=1)
    for n in range(3):
        pub.publish("j", str(n), qos=1)
    less.expect(PUBLISH), less.expect(PUBLISH)
    less.quiet()


def away(connect, small, name, filter):
    one = connect(name, to=small, properties={"session_expiry": 600})
    one.subscribe(filter, qos=1)
    assert one.connack.properties["session_expiry"] == 2
    one.disconnect()


def test_queue_messages_and_bytes(small, connect, name):
    """The newest are dropped, and counted; a session's expiry is bounded too."""
    pub = connect(to=small)
    for what, size, fits in (("messages", 1, 5), ("bytes", 6000, 3)):
        before = small.metric("gatehouse_dropped_total", reason="queue full")
        away(connect, small, name + what, what)
        for n in range(8):
            pub.publish(what, b"%d" % n + b"x" * size, qos=1)
        back = connect(name + what, to=small, clean=False)
        assert [back.message(what).payload[:1] for _ in range(fits)] == [b"%d" % n for n in range(fits)]
        assert back.fence(pub) == []
        assert small.metric("gatehouse_dropped_total", reason="queue full") == before + 8 - fits
    away(connect, small, name, "z")
    deadline = time.monotonic() + DEADLINE
    while small.ctl("status")["sessions"] > small.ctl("status")["clients"]:
        assert time.monotonic() < deadline
    assert not connect(name, to=small, clean=False).connack.session_present


def test_output_bytes_of_a_slow_reader(small, connect, dial):
    """QoS 0 is dropped and counted, memory stays flat, and others go on."""
    slow = dial("slow", to=small)
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect()
    slow.subscribe("f")
    pub, fine = connect(to=small), connect(to=small)
    fine.subscribe("g")
    before, memory = small.metric("gatehouse_dropped_total", reason="slow reader"), small.memory()
    for _ in range(200):
        pub.publish("f", b"x" * 100000)
    pub.ping()
    pub.publish("g", "x")
    fine.message("g")
    assert small.metric("gatehouse_dropped_total", reason="slow reader") > before
    assert SANITIZED or small.memory() - memory < 12 << 20
    slow.reset()


def test_none_is_unlimited_unless_that_word_is_written():
    tables = core_options()[0]
    limits = tables[tables.index("\nlimits\n"):]
    assert len(options_of(limits)) >= 27
    assert not [name for name, default in options_of(limits) if default == "unlimited"]
