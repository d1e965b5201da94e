# SPDX-License-Identifier: Apache-2.0
"""Sessions, their expiry, that of messages. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import time

import pytest

from gatehouse import DEADLINE, DISCONNECT, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Client, Will, neighbour

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])
KEEP = {"session_expiry": 60}


def session(connect, name, version=5, clean=False, **how):
    return connect(name, version, clean=clean, properties=dict(KEEP, **how.pop("properties", {})), **how)


@pytest.fixture
def alone(make_broker):
    """A broker without other sessions."""
    return make_broker()


def gone(broker):
    """Waits until no session is left."""
    end = time.monotonic() + DEADLINE
    while broker.ctl("status")["sessions"]:
        assert time.monotonic() < end, "the session lives on"


@every_version
@pytest.mark.smoke
def test_resume(connect, version, name):
    """[3.1.1 MQTT-3.1.2-4] [MQTT-3.1.2-5] [3.1.1 MQTT-3.1.2-5] [MQTT-3.1.2-23] [MQTT-3.2.2-3]: subscriptions and messages wait for who returns."""
    sub, pub = session(connect, name, version), connect()
    assert not sub.connack.session_present
    sub.subscribe(name, qos=2)
    sub.disconnect()
    for n in range(10):
        pub.publish(name, str(n), 1 + n % 2)
    again = session(connect, name, version)
    assert again.connack.session_present == (version != 3)
    for n in range(10):
        again.message(name, str(n), qos=1 + n % 2)
    pub.publish(name, "live", 1)
    again.message(name, "live")


@since_311
def test_session_present(connect, version, name):
    """[3.1.1 MQTT-3.2.2-1] [3.1.1 MQTT-3.2.2-2] [3.1.1 MQTT-3.2.2-3] [MQTT-3.2.2-2] [MQTT-3.2.2-3]: 1 exactly if there was one to take up."""
    assert not session(connect, name, version).connack.session_present
    assert session(connect, name, version).connack.session_present
    assert not session(connect, name, version, clean=True).connack.session_present


@since_311
def test_clean_start(connect, broker, version, name):
    """[3.1.1 MQTT-3.1.2-6] [MQTT-3.1.2-4] [3.1.1 MQTT-3.1.4-3] [MQTT-3.1.4-4]: nothing of the old session is left."""
    sub, pub = session(connect, name, version), connect()
    sub.subscribe(name, qos=2)
    pub.publish(name, "unacknowledged", 2)
    sub.expect(PUBLISH)
    sub.send(sub.publish_packet("x", "open", 2, packet_id=9))
    sub.expect(PUBREC, packet_id=9)
    sub.close()
    pub.publish(name, "queued", 2)
    new = connect(name, version, clean=True)
    assert not new.connack.session_present
    pub.publish(name, "x", 2)
    assert new.fence(pub) == []
    assert broker.clients()[name]["queued"] == 0


@since_311
def test_new_session(connect, version, name):
    """[3.1.1 MQTT-3.1.2-4] [MQTT-3.1.2-6]: clean start 0 without a session makes one."""
    sub = session(connect, name, version)
    assert not sub.connack.session_present
    sub.subscribe(name)
    sub.close()
    again = session(connect, name, version)
    assert again.connack.session_present
    again.publish(name, "x")
    again.message(name, "x")


@since_311
def test_session_ends_with_its_connection(connect, alone, version, name):
    """[3.1.1 MQTT-3.1.2-6] [MQTT-4.1.0-2]: clean session; session expiry 0 or none."""
    sub = connect(name, version, to=alone, clean=True)
    sub.subscribe(name, qos=1)
    sub.disconnect()
    gone(alone)
    if version == 5:
        connect(name, version, to=alone, clean=False).close()
        gone(alone)
    assert not session(connect, name, version, to=alone).connack.session_present


@since_311
def test_session_lives_while_connected(connect, version, name):
    """[3.1.1 MQTT-4.1.0-1] [3.1.1 MQTT-4.1.0-2] [MQTT-4.1.0-1]: subscriptions and QoS state, all the time."""
    client = connect(name, version, properties={"session_expiry": 1})
    client.subscribe(name, qos=2)
    client.send(client.publish_packet(name, "once", 2, packet_id=3))
    client.wait_for(PUBREC, packet_id=3)
    message = client.wait_for(PUBLISH)
    begin = time.monotonic()
    while time.monotonic() - begin < 1.3:
        client.ping()
    client.send(client.publish_packet(name, "once", 2, dup=True, packet_id=3))
    client.expect(PUBREC, packet_id=3)
    client.ack(PUBREC, message.packet_id)
    client.expect(PUBREL, packet_id=message.packet_id)
    client.quiet()


def test_session_expiry(connect, alone, name):
    """[MQTT-4.1.0-2] [MQTT-3.1.2-23]: kept for so many seconds, not longer."""
    connect(name, to=alone, properties={"session_expiry": 1}).close()
    again = connect(name, to=alone, clean=False, properties={"session_expiry": 1})
    assert again.connack.session_present
    again.close()
    gone(alone)
    assert not connect(name, to=alone, clean=False).connack.session_present


def test_session_expiry_in_disconnect(connect, alone, name):
    """DISCONNECT may change it: to 0, to more; but not from 0."""
    session(connect, name, to=alone).disconnect(0, {"session_expiry": 0})
    gone(alone)
    connect(name, properties={"session_expiry": 1}).disconnect(0, {"session_expiry": 100})
    time.sleep(1.2)  # beyond the old expiry: that nothing happens can't be waited for
    assert connect(name, clean=False).connack.session_present
    client = connect(name)
    client.send_packet(DISCONNECT, b"\0\5\x11\0\0\0\5")
    client.expect_disconnect(0x82)


def test_offline_qos_0_is_not_kept(connect, broker, name):
    """QoS 0 is for who is there."""
    sub, pub = session(connect, name), connect()
    sub.subscribe(name, qos=2)
    beside = neighbour(broker, name)
    sub.disconnect()
    pub.publish(name, "0", 0)
    pub.publish(name, "1", 1)
    assert beside.fence(pub) == []
    again = session(connect, name)
    again.message(name, "1")
    assert again.fence(pub) == []


@since_311
def test_qos_2_of_the_client_over_a_resume(connect, version, name):
    """[3.1.1 MQTT-4.3.3-2] [MQTT-4.3.3-10]: an id that is open stays open, so a PUBLISH sent again isn't delivered again."""
    watcher = connect()
    watcher.subscribe(name, qos=2)
    client = session(connect, name, version)
    client.send(client.publish_packet(name, "once", 2, packet_id=50))
    client.expect(PUBREC, packet_id=50)
    client.close()
    again = session(connect, name, version)
    again.send(again.publish_packet(name, "once", 2, dup=True, packet_id=50))
    again.expect(PUBREC, packet_id=50, reason=0)
    again.ack(PUBREL, 50)
    assert again.expect(PUBCOMP, packet_id=50).reason == 0
    watcher.message(name, "once")
    assert watcher.fence(again) == []


def test_takeover_of_a_session_in_flight(connect, name):
    """[MQTT-3.1.4-3] [MQTT-4.4.0-1]: the new connection gets at once what the old one hadn't acknowledged."""
    pub, sub = connect(), session(connect, name)
    sub.subscribe(name, qos=1)
    for n in range(5):
        pub.publish(name, str(n), 1)
    ids = [sub.expect(PUBLISH).packet_id for _ in range(5)]
    sub.ack(PUBACK, ids[0])
    sub.ping()
    again = session(connect, name)
    sub.expect_disconnect(0x8e)
    assert [again.expect(PUBLISH, dup=True).packet_id for _ in range(4)] == ids[1:]


@pytest.mark.parametrize("old, new", [(5, 4), (4, 5), (3, 5), (5, 3)])
def test_session_changes_its_version(connect, old, new, name):
    """[3.1.1 MQTT-3.1.3-2] [MQTT-3.1.3-2]: the client id is the session's name, whichever version returns."""
    pub, sub = connect(), session(connect, name, old)
    sub.subscribe(name, qos=1)
    sub.disconnect()
    pub.publish(name, "x", 1, properties={"user_property": [("a", "b")]})
    again = session(connect, name, new)
    got = again.message(name, "x")
    assert got.properties == ({"user_property": [("a", "b")]} if new == 5 else {})


def test_client_ids_are_bytes(connect, broker):
    """[MQTT-3.1.3-2] [3.1.1 MQTT-3.1.3-2]: case, length and normal form matter."""
    ids = ["id", "ID", "id ", "i\u0307d", "\ufeffid"]
    clients = [connect(i) for i in ids]
    for client in clients:
        client.quiet()
    assert set(ids) <= set(broker.clients())


def test_subscribing_again_after_a_resume(connect, name):
    """[MQTT-3.3.1-10]: retain handling 1 knows the subscriptions of the session."""
    connect().publish(name, "kept", 1, retain=True)
    sub = session(connect, name)
    sub.subscribe(name, retain_handling=1)
    sub.message(name, "kept")
    sub.close()
    again = session(connect, name)
    again.subscribe(name, retain_handling=1)
    assert again.fence(connect()) == []


# ---- message expiry


def test_remaining_expiry_is_passed_on(connect, name):
    """[MQTT-3.3.2-6]: the seconds that are left, to who is there and to who comes later."""
    sub, pub = session(connect, name), connect()
    sub.subscribe(name, qos=1)
    pub.publish(name, "x", 1, properties={"message_expiry": 100})
    assert 99 <= sub.message(name, "x").properties["message_expiry"] <= 100
    sub.disconnect()
    pub.publish(name, "y", 1, properties={"message_expiry": 100})
    pub.publish(name + "/r", "r", 1, retain=True, properties={"message_expiry": 100})
    time.sleep(2.1)  # the time that passes is what is tested
    assert 90 <= session(connect, name).message(name, "y").properties["message_expiry"] <= 98
    late = connect()
    late.subscribe(name + "/r")
    assert 90 <= late.message(name + "/r", "r").properties["message_expiry"] <= 98


def test_expired_messages_arent_delivered(connect, broker, name):
    """[MQTT-3.3.2-5]: neither queued, nor behind a full window, nor retained ones."""
    away, busy, pub = session(connect, name + "-away"), connect(properties={"receive_maximum": 1}), connect()
    for sub in away, busy:
        sub.subscribe(name, qos=1)
    away.disconnect()
    pub.publish(name, "stays", 1)
    pub.publish(name, "expires", 1, properties={"message_expiry": 1})
    pub.publish(name, "expires at once", 1, properties={"message_expiry": 0})
    pub.publish(name, "stays too", 1, properties={"message_expiry": 100})
    pub.publish(name + "/r", "expires", 1, retain=True, properties={"message_expiry": 1})
    first = busy.expect(PUBLISH, payload=b"stays")
    busy.subscribe(name + "/r", qos=1)
    time.sleep(1.2)  # the time that passes is what is tested
    busy.ack(PUBACK, first.packet_id)
    busy.message(name, "stays too")
    assert busy.fence(pub) == []
    back = session(connect, name + "-away")
    back.message(name, "stays")
    back.message(name, "stays too")
    assert back.fence(pub) == []
    late = connect()
    late.subscribe(name + "/r")
    assert late.fence(pub) == []


def test_what_was_sent_doesnt_expire(connect, name):
    """[MQTT-4.3.3-7] [MQTT-4.3.3-13]: QoS 1 and 2 that were sent once are sent again after a resume, expired or not."""
    sub, pub = session(connect, name), connect()
    sub.subscribe(name, qos=2)
    for qos in 1, 2:
        pub.publish(name, str(qos), qos, properties={"message_expiry": 1})
        sub.expect(PUBLISH, qos=qos)
    sub.close()
    time.sleep(1.2)  # the time that passes is what is tested
    again = session(connect, name)
    for qos in 1, 2:
        again.finish(again.expect(PUBLISH, qos=qos, dup=True))


def test_pubrel_of_an_expired_message(connect, name):
    """[MQTT-4.3.3-13]: the exchange of QoS 2 goes on to its end when the message has expired meanwhile."""
    sub, pub = session(connect, name), connect()
    sub.subscribe(name, qos=2)
    packet_id = pub.next_id()
    pub.send(pub.publish_packet(name, "x", 2, packet_id=packet_id, properties={"message_expiry": 1}))
    pub.expect(PUBREC, packet_id=packet_id)
    message = sub.expect(PUBLISH)
    sub.ack(PUBREC, message.packet_id)
    sub.expect(PUBREL, packet_id=message.packet_id)
    sub.close()
    time.sleep(1.2)  # the time that passes is what is tested
    session(connect, name).expect(PUBREL, packet_id=message.packet_id)
    pub.ack(PUBREL, packet_id)
    assert pub.expect(PUBCOMP, packet_id=packet_id).reason == 0


# ---- keep alive


@every_version
def test_keep_alive(connect, version):
    """[3.1.1 MQTT-3.1.2-24] [MQTT-3.1.2-22] [MQTT-3.2.2-22]: one and a half of it without a packet ends the connection; any packet counts."""
    client = connect(version=version, keep_alive=1)
    assert "server_keep_alive" not in client.connack.properties
    begin = time.monotonic()
    while time.monotonic() - begin < 2.5:
        time.sleep(0.5)  # a client that speaks now and then
        client.ping()
    last = time.monotonic()
    client.expect_disconnect(0x8d)
    assert time.monotonic() - last > 1.2


@every_version
def test_no_keep_alive(make_broker, version):
    """[3.1.1 MQTT-3.1.2-24] [MQTT-3.1.2-22]: 0 means never; where the broker says otherwise to MQTT 5 it holds to that."""
    broker = make_broker({"limits": {"keep-alive-max": "1s"}})
    client = Client(broker, version=version).connect(keep_alive=0)
    if version == 5:
        assert client.connack.properties["server_keep_alive"] == 1
        client.expect_disconnect(0x8d)
        return
    other = Client(broker).connect(keep_alive=0)
    other.expect_disconnect(0x8d)
    client.quiet()


@since_311
def test_pingresp(connect, version):
    """[3.1.1 MQTT-3.12.4-1] [MQTT-3.12.4-1]: PINGREQ is answered by PINGRESP."""
    client = connect(version=version)
    client.send(b"\xc0\0" * 100)
    for _ in range(100):
        assert client.expect(PINGRESP).raw == b"\xd0\0"


# ---- the end


@every_version
def test_after_disconnect_nothing_is_read(connect, version, name):
    """[3.1.1 MQTT-3.14.4-2] [MQTT-3.14.4-1] [MQTT-3.14.4-2]: DISCONNECT ends it, whatever stands behind it."""
    watcher, client = connect(), connect(version=version)
    watcher.subscribe(name)
    client.send(b"\xe0\0", client.publish_packet(name, "never"))
    client.expect_closed()
    assert watcher.fence(connect()) == []


@since_311
@pytest.mark.parametrize("flags", [1, 2, 8, 15])
def test_reserved_flags_of_disconnect(connect, version, flags, name):
    """[3.1.1 MQTT-3.14.1-1] [MQTT-3.14.1-1]: malformed, so the will is published."""
    watcher = connect()
    watcher.subscribe(name)
    client = connect(version=version, will=Will(name, "gone"))
    client.send_packet(DISCONNECT, b"", flags)
    client.expect_disconnect(0x81)
    watcher.message(name, "gone")


@pytest.mark.parametrize("reason", [0x01, 0x10, 0x8b, 0x8e, 0x87, 0xff])
def test_reasons_of_a_clients_disconnect(connect, reason):
    """[MQTT-3.14.2-1]: those that a client may use."""
    client = connect()
    client.send_packet(DISCONNECT, bytes([reason]))
    client.expect_disconnect(0x82)


def test_disconnect_of_the_broker(connect, broker, name):
    """[MQTT-3.14.2-1] [MQTT-3.14.2-2] [MQTT-3.14.2-3] [MQTT-3.1.2-29]: a reason, a text unless it isn't wanted or doesn't fit, never a session expiry."""
    for props, told in ({}, True), ({"request_problem_info": 0}, None), ({"maximum_packet_size": 20}, False):
        client = connect(name, properties=dict(props, **KEEP))
        broker.ctl("disconnect", name)
        end = client.expect_disconnect(0x98)
        assert set(end.properties) <= {"reason_string"}
        assert told is None or ("reason_string" in end.properties) == told


def test_shutdown(make_broker):
    """SIGTERM: MQTT 5 clients get 0x8B, older ones the end; what was acknowledged before has been delivered."""
    broker = make_broker()
    subs = [Client(broker, version=v).connect() for v in (4, 5)]
    pub = Client(broker).connect()
    for sub in subs:
        sub.subscribe("t", qos=1)
    for n in range(20):
        pub.publish("t", str(n), 1)
    broker.signal(15)
    for sub in subs:
        got = sub.drain()
        assert [m.payload for m in got if m.type == PUBLISH] == [b"%d" % n for n in range(20)]
        if sub.version == 5:
            assert got[-1].type == DISCONNECT and got[-1].reason == 0x8b
        sub.close()
    pub.expect_disconnect(0x8b)
    pub.close()
    assert broker.wait() == 0
