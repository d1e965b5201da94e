# SPDX-License-Identifier: Apache-2.0
"""Wills. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import time

import pytest

from gatehouse import CONNACK, DISCONNECT, SUBSCRIBE, Client, Will, packet

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])


def watch(connect, topic, **how):
    client = connect()
    client.subscribe(topic, qos=2, **how)
    return client


@every_version
@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.smoke
def test_will_is_published(connect, version, end, name):
    """[3.1.1 MQTT-3.1.2-8] [MQTT-3.1.2-7] [MQTT-3.1.2-8]: when the connection ends without DISCONNECT; not before."""
    watcher = watch(connect, name)
    client = connect(version=version, will=Will(name, "gone", 1))
    assert watcher.fence(client) == []
    getattr(client, end)()
    watcher.message(name, "gone", qos=1, retain=False)


@every_version
def test_disconnect_removes_the_will(connect, version, name):
    """[3.1.1 MQTT-3.14.4-3] [MQTT-3.14.4-3] [3.1.1 MQTT-3.1.2-10] [MQTT-3.1.2-10]: after DISCONNECT there is none, nor in the next session."""
    watcher, other = watch(connect, name), connect()
    for _ in range(2):
        connect(name, version, clean=False, will=Will(name, "never"), properties={"session_expiry": 60}).disconnect()
        connect(name, version, clean=False, properties={"session_expiry": 60}).close()
    connect(name, version).disconnect()
    assert watcher.fence(other) == []


@since_311
def test_published_once(connect, version, name):
    """[3.1.1 MQTT-3.1.2-10] [MQTT-3.1.2-10] [3.1.1 MQTT-3.1.2-12]: once it was published it is gone; a connection without one has none."""
    watcher, other = watch(connect, name), connect()
    connect(name, version, clean=False, will=Will(name, "gone"), properties={"session_expiry": 60}).close()
    watcher.message(name, "gone")
    again = connect(name, version, clean=False, properties={"session_expiry": 60})
    again.close()
    connect(name, version).disconnect()
    assert watcher.fence(other) == []


@pytest.mark.parametrize("reason", [0x04, 0x80, 0x81, 0x97])
def test_disconnect_with_will(connect, reason, name):
    """[MQTT-3.1.2-8]: any DISCONNECT but 0x00 publishes the will."""
    watcher = watch(connect, name)
    client = connect(will=Will(name, "gone"))
    if reason == 0x80:
        client.send_packet(DISCONNECT, bytes([reason]))
        client.close()
    else:
        client.disconnect(reason)
    watcher.message(name, "gone")


@every_version
def test_will_after_a_protocol_error(connect, version, name):
    """[3.1.1 MQTT-3.1.2-8] [MQTT-3.1.2-8]: the broker's closing is no DISCONNECT of the client."""
    watcher = watch(connect, name)
    client = connect(version=version, will=Will(name, "gone"))
    client.send(packet(SUBSCRIBE, b"\0\0", 2))
    client.drain()
    watcher.message(name, "gone")


@every_version
def test_will_after_takeover(connect, version, name):
    """[3.1.1 MQTT-3.1.2-8] [MQTT-3.1.2-8]: the connection that was taken over has ended."""
    watcher = watch(connect, name)
    connect(name + "-id", version, will=Will(name, "first"))
    connect(name + "-id", version, will=Will(name, "second"))
    watcher.message(name, "first")
    assert watcher.fence(connect()) == []


@every_version
@pytest.mark.parametrize("retain", [False, True])
def test_will_retain(connect, version, retain, name):
    """[3.1.1 MQTT-3.1.2-16] [3.1.1 MQTT-3.1.2-17] [MQTT-3.1.2-14] [MQTT-3.1.2-15]: kept or not, as it says."""
    watcher = watch(connect, name, retain_as_published=True)
    connect(version=version, will=Will(name, "gone", 1, retain)).close()
    watcher.message(name, "gone", retain=retain)
    late = watch(connect, name)
    if retain:
        late.message(name, "gone", qos=1, retain=True)
    assert late.fence(connect()) == []


@every_version
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_will_qos(connect, version, qos, name):
    """[3.1.1 MQTT-3.1.2-9] [MQTT-3.1.2-9]: that of the flags; payloads are bytes, of length zero too."""
    watcher = watch(connect, name)
    for payload in b"\0\xff\r\n", b"":
        connect(version=version, will=Will(name, payload, qos)).close()
        watcher.message(name, payload, qos=qos)


def test_will_properties(connect, name):
    """[MQTT-3.1.3-10] [MQTT-3.3.2-17] [MQTT-3.3.2-18]: published with it, user properties in their order; the delay is not."""
    watcher = watch(connect, name)
    props = [("user_property", ("z", "1")), ("content_type", "c"), ("user_property", ("a", "2")), ("payload_format", 1),
             ("response_topic", "r"), ("correlation_data", b"\0"), ("user_property", ("z", "0")), ("will_delay", 0)]
    connect(will=Will(name, "gone", properties=props)).close()
    assert watcher.message(name, "gone").properties == {
        "user_property": [("z", "1"), ("a", "2"), ("z", "0")], "content_type": "c", "payload_format": 1, "response_topic": "r",
        "correlation_data": b"\0"}


def test_will_expiry_counts_from_its_publication(connect, name):
    """[MQTT-3.3.2-6]: not from CONNECT."""
    watcher, other = watch(connect, name), connect()
    client = connect(will=Will(name, "gone", properties={"message_expiry": 1000, "will_delay": 1}), properties={"session_expiry": 60})
    client.close()
    assert watcher.message(name, "gone").properties["message_expiry"] in (999, 1000)
    assert watcher.fence(other) == []


def test_will_delay(connect, name):
    """[MQTT-3.1.2-8]: so many seconds after the end of the connection."""
    watcher = watch(connect, name)
    connect(will=Will(name, "gone", properties={"will_delay": 2}), properties={"session_expiry": 60}).close()
    begin = time.monotonic()
    watcher.message(name, "gone")
    assert time.monotonic() - begin > 1.5


def test_will_delay_and_a_new_connection(connect, name):
    """[MQTT-3.1.3-9] [MQTT-3.1.2-8]: who returns in time isn't gone, with or without the old session state."""
    watcher, other = watch(connect, name), connect()
    delayed = Will(name, "never", properties={"will_delay": 1})
    connect(name, will=delayed, properties={"session_expiry": 60}).close()
    again = connect(name, clean=False, properties={"session_expiry": 60})
    assert again.connack.session_present
    sentinel = connect(will=Will(name, "later", properties={"will_delay": 2}), properties={"session_expiry": 60})
    sentinel.close()
    watcher.message(name, "later")
    assert watcher.fence(other) == []


def test_will_delay_and_the_end_of_the_session(connect, name):
    """[MQTT-3.1.2-8]: the will is published when the session ends, if that is earlier: at once, by expiry, by clean start."""
    watcher = watch(connect, name)
    long_delay = Will(name, "gone", properties={"will_delay": 1000})
    connect(will=long_delay).close()
    watcher.message(name, "gone")
    connect(will=long_delay, properties={"session_expiry": 1}).close()
    watcher.message(name, "gone")
    connect(name, will=long_delay, properties={"session_expiry": 60}).close()
    connect(name)
    watcher.message(name, "gone")
    client = connect(will=long_delay, properties={"session_expiry": 60})
    client.disconnect(4, {"session_expiry": 0})
    watcher.message(name, "gone")


@every_version
def test_no_will_after_a_refused_connect(dial, connect, version, name):
    """[MQTT-3.1.4-2] [3.1.1 MQTT-3.1.2-8]: only an accepted CONNECT stores one."""
    watcher = watch(connect, name)
    client = dial("x" * 300, version)
    client.send(client.connect_packet(will=Will(name, "never", retain=True)))
    client.expect(CONNACK)
    client.expect_closed()
    late = watch(connect, name)
    assert watcher.fence(connect()) == [] and late.fence(connect()) == []


@pytest.mark.parametrize("topic, reasons", [("a/#", (0x90,)), ("+", (0x90,)), ("", (0x90,))])
def test_will_topic_rules(connect, topic, reasons):
    """[MQTT-4.7.0-1] [MQTT-4.7.3-1]: those of any topic."""
    client = connect(will=Will(topic, "x"), reason=None)
    assert client.connack.reason in reasons
    client.expect_closed()


def test_will_rights(connect, name):
    """A will to a $-topic isn't allowed where everything else is: no login."""
    connect(will=Will("$own/" + name, "x"), reason=0x87).expect_closed()
    connect(version=4, will=Will("$own/" + name, "x"), reason=5).expect_closed()


def test_will_size(connect, dial):
    """[3.1.1 MQTT-3.2.2-6]: will-size (8 KiB); 3.1.1 has no code to tell it, so it is closed without a CONNACK."""
    older = dial(version=4)
    older.send(older.connect_packet(will=Will("t", b"x" * 8193)))
    older.expect_closed()
    connect(will=Will("t", b"x" * 8192)).disconnect()
    connect(will=Will("t", b"x" * 8193), reason=0x95).expect_closed()


def test_will_by_keep_alive(connect, name):
    """[3.1.1 MQTT-3.1.2-24] [MQTT-3.1.2-22]: a client that is silent for one and a half keep-alives is gone, its will is published."""
    watcher = watch(connect, name)
    old, new = connect(version=4, keep_alive=1, will=Will(name, "old")), connect(keep_alive=1, will=Will(name, "new"))
    begin = time.monotonic()
    assert {watcher.message(name).payload for _ in range(2)} == {b"old", b"new"}
    assert time.monotonic() - begin > 1.0
    old.expect_closed()
    new.expect_disconnect(0x8d)


def test_no_wills_at_shutdown(make_broker):
    """[MQTT-3.14.4-2]: clients are told 0x8B and nothing of each other's wills."""
    broker = make_broker()
    watcher = watch(lambda: Client(broker).connect(), "w")
    others = [Client(broker, version=v).connect(will=Will("w", "x")) for v in (4, 5)]
    broker.signal(15)
    others[0].expect_closed()
    others[1].expect_disconnect(0x8b)
    watcher.expect_disconnect(0x8b)
    for client in others + [watcher]:
        client.close()
