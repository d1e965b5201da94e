# SPDX-License-Identifier: Apache-2.0
"""CONNECT and CONNACK. In docstrings, [MQTT-...] is a statement of MQTT 5.0, [3.1.1 MQTT-...] one of 3.1.1."""
import struct

import pytest

from gatehouse import (AUTH, CONNACK, CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBSCRIBE,
                       UNSUBSCRIBE, Client, Closed, Will, packet, properties, text)

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])


def head(version, flags, keep_alive=60, name=None, level=None, props=b"\0"):
    """The variable header of a CONNECT."""
    name = name if name is not None else "MQIsdp" if version == 3 else "MQTT"
    out = text(name) + struct.pack(">BBH", version if level is None else level, flags, keep_alive)
    return out + (props if version == 5 else b"")


def refused(client, body, *reasons):
    """CONNECT with this body ends in nothing but, at most, a CONNACK of MQTT 5 with one of the reasons."""
    client.send_packet(CONNECT, body)
    if client.version == 5:
        connack = client.expect(CONNACK, session_present=False)
        assert connack.reason in reasons, connack
    client.expect_closed()


@every_version
@pytest.mark.smoke
def test_connect(connect, version):
    """[3.1.1 MQTT-3.1.4-4] [3.1.1 MQTT-3.2.0-1] [MQTT-3.1.4-5] [MQTT-3.2.0-1]: CONNECT is answered with CONNACK 0, first."""
    client = connect(version=version)
    assert client.connack.reason == 0
    client.quiet()


@pytest.mark.parametrize("kind", [PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT, AUTH])
def test_first_packet_must_be_connect(dial, kind):
    """[3.1.1 MQTT-3.1.0-1] [MQTT-3.1.0-1] [MQTT-3.14.0-1]: without CONNECT a connection ends, and no DISCONNECT is sent."""
    bodies = {PUBLISH: text("a") + b"x", SUBSCRIBE: b"\0\1" + text("a") + b"\0", UNSUBSCRIBE: b"\0\1" + text("a"),
              PINGREQ: b"", DISCONNECT: b"", AUTH: b""}
    client = dial(version=4)
    client.send_packet(kind, bodies.get(kind, b"\0\1"))
    client.expect_closed()


@every_version
def test_second_connect(connect, version):
    """[3.1.1 MQTT-3.1.0-2] [MQTT-3.1.0-2] [MQTT-3.2.0-2]: a second CONNECT ends the connection and gets no CONNACK."""
    client = connect(version=version)
    client.send(client.connect_packet())
    client.expect_disconnect(0x82)


def test_unknown_protocol_name(dial):
    """[3.1.1 MQTT-3.1.2-1] [MQTT-3.1.2-1]: it isn't MQTT, so the connection ends."""
    for name in ("MQTTX", "mqtt", "MQIsd", ""):
        client = dial(version=4)
        client.send_packet(CONNECT, head(4, 2, name=name) + text("x"))
        client.expect_closed()


@pytest.mark.parametrize("level, version, answer", [(0, 4, 1), (2, 4, 1), (3, 4, 1), (0x84, 4, 1), (6, 5, 0x84), (127, 5, 0x84)])
def test_unknown_level(dial, level, version, answer):
    """[3.1.1 MQTT-3.1.2-2] [MQTT-3.1.2-2]: told in the nearest version's own words, then closed."""
    client = dial(version=version)
    client.send_packet(CONNECT, head(version, 2, level=level) + text("x"))
    client.expect(CONNACK, reason=answer, session_present=False)
    client.expect_closed()


@since_311
def test_reserved_flag(dial, version):
    """[3.1.1 MQTT-3.1.2-3] [MQTT-3.1.2-3]: the reserved flag of CONNECT must be 0."""
    refused(dial(version=version), head(version, 3) + text("x"), 0x81)


@since_311
@pytest.mark.parametrize("flags", [0x08, 0x10, 0x18])
def test_will_qos_without_will(dial, version, flags):
    """[3.1.1 MQTT-3.1.2-11] [3.1.1 MQTT-3.1.2-13] [MQTT-3.1.2-11]: without a will there is no will QoS."""
    refused(dial(version=version), head(version, 2 | flags) + text("x"), 0x81, 0x82)


@since_311
def test_will_retain_without_will(dial, version):
    """[3.1.1 MQTT-3.1.2-15] [MQTT-3.1.2-13]: without a will there is no will retain."""
    refused(dial(version=version), head(version, 0x22) + text("x"), 0x81, 0x82)


@every_version
def test_will_qos_3(dial, version):
    """[3.1.1 MQTT-3.1.2-14] [MQTT-3.1.2-12]: a will has no QoS 3."""
    will = (b"\0" if version == 5 else b"") + text("t") + text("p")
    refused(dial(version=version), head(version, 2 | 4 | 0x18) + text("x") + will, 0x81)


@since_311
def test_will_must_be_present(dial, version):
    """[3.1.1 MQTT-3.1.2-9] [MQTT-3.1.2-9]: with the will flag, topic and payload (5.0: properties too) must be there."""
    props = b"\0" if version == 5 else b""
    for rest in (b"", props, props + text("topic")):
        refused(dial(version=version), head(version, 6) + text("x") + rest, 0x81)


@since_311
@pytest.mark.parametrize("flags, rest", [(0x00, text("user")), (0x80, b""), (0x80, text("user") + text("secret")),
                                         (0xc0, text("user"))])
def test_credentials_as_the_flags_say(dial, version, flags, rest):
    """[3.1.1 MQTT-3.1.2-18] [3.1.1 MQTT-3.1.2-19] [3.1.1 MQTT-3.1.2-20] [3.1.1 MQTT-3.1.2-21]: nothing more, nothing less."""
    refused(dial(version=version), head(version, 2 | flags) + text("x") + rest, 0x81)


@pytest.mark.parametrize("flags, rest", [(0x00, text("user")), (0x80, b""), (0x80, text("user") + text("secret")),
                                         (0xc0, text("user")), (0x40, b"")])
def test_credentials_as_the_flags_say_5(dial, flags, rest):
    """[MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18] [MQTT-3.1.2-19]: nothing more, nothing less."""
    refused(dial(version=5), head(5, 2 | flags) + text("x") + rest, 0x81)


def test_password_without_user_name(dial, connect):
    """[3.1.1 MQTT-3.1.2-22]: not in 3.1.1; MQTT 5 allows it."""
    refused(dial(version=4), head(4, 0x42) + text("x") + text("secret"))
    connect(version=5, password="secret")


@since_311
def test_order_of_the_fields(connect, version, name):
    """[3.1.1 MQTT-3.1.3-1] [3.1.1 MQTT-3.1.3-3] [MQTT-3.1.3-1] [MQTT-3.1.3-3]: client id, will, user name, password."""
    watcher = connect(version=version)
    watcher.subscribe(name)
    client = connect(name + "-id", version, username="the user", password="the password", will=Will(name, "the will"))
    client.close()
    watcher.message(name, "the will")


@every_version
@pytest.mark.parametrize("bad", [b"\xff", b"a\xc0\x80", b"\xed\xa0\x80", b"a\0b", b"\xf4\x90\x80\x80", b"\xc3"])
def test_client_id_is_utf8(dial, version, bad):
    """[3.1.1 MQTT-3.1.3-4] [MQTT-3.1.3-4] [3.1.1 MQTT-1.5.3-1] [3.1.1 MQTT-1.5.3-2]: well-formed and without U+0000."""
    refused(dial(version=version), head(version, 2) + text(bad), 0x81)


@every_version
def test_user_name_is_utf8(dial, version):
    """[3.1.1 MQTT-3.1.3-11] [MQTT-3.1.3-12]: a user name that isn't UTF-8 ends the connection."""
    refused(dial(version=version), head(version, 0x82) + text("x") + text(b"us\xed\xbf\xbfer"), 0x81)


@every_version
def test_will_topic_is_utf8(dial, version):
    """[3.1.1 MQTT-3.1.3-10] [MQTT-3.1.3-11]: a will topic that isn't UTF-8 ends the connection."""
    props = b"\0" if version == 5 else b""
    refused(dial(version=version), head(version, 6) + text("x") + props + text(b"a\xc1b") + text("p"), 0x81)


@every_version
def test_client_ids_of_23_letters(connect, version):
    """[3.1.1 MQTT-3.1.3-5] [MQTT-3.1.3-5]: 1 to 23 letters and digits are always good."""
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for n in range(0, len(letters), 23):
        assert connect(letters[n:n + 23], version).connack.reason == 0
    assert connect("Z", version).connack.reason == 0


def test_longer_client_ids(connect, dial):
    """Up to client-id-length (256), but not in MQTT 3.1."""
    connect("x" * 256, 4)
    connect("ä" * 128, 5)
    connect("x" * 257, 4, reason=2).expect_closed()
    connect("x" * 257, 5, reason=0x85).expect_closed()
    connect("x" * 24, 3, reason=2).expect_closed()


def test_client_id_is_assigned(connect, broker):
    """[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]: an empty client id is replaced by a new one, told in CONNACK, that holds."""
    clients = [connect("", 5, clean=False, properties={"session_expiry": 100}) for _ in range(20)]
    ids = [c.connack.properties["assigned_client_id"] for c in clients]
    assert len(set(ids)) == 20 and all(len(i) >= 16 for i in ids)
    assert set(ids) <= set(broker.clients())
    clients[0].close()
    again = connect(ids[0], 5, clean=False)
    assert again.connack.session_present and "assigned_client_id" not in again.connack.properties


def test_client_id_is_assigned_to_older_ones(connect, broker):
    """[3.1.1 MQTT-3.1.3-6] [3.1.1 MQTT-3.1.3-7]: with clean session an empty client id is fine, and each client has its own."""
    before = set(broker.clients())
    a, b = connect("", 4), connect("", 4)
    a.quiet()
    b.quiet()
    assert len(set(broker.clients()) - before) == 2


def test_empty_client_id_without_clean_session(connect):
    """[3.1.1 MQTT-3.1.3-8] [3.1.1 MQTT-3.1.3-9] [3.1.1 MQTT-3.2.2-4] [3.1.1 MQTT-3.2.2-5]: 0x02, and the end."""
    client = connect("", 4, clean=False, reason=2)
    assert not client.connack.session_present
    client.expect_closed()


def test_empty_client_id_of_31(connect):
    """MQTT 3.1 has no assigned client ids."""
    connect("", 3, reason=2).expect_closed()


def test_rejected_client_id_of_5(connect):
    """[MQTT-3.1.3-8] [MQTT-3.2.2-6] [MQTT-3.2.2-7] [MQTT-4.13.2-1]: 0x85, no session present, and the end."""
    client = connect("x" * 1000, 5, reason=0x85)
    assert not client.connack.session_present
    client.expect_closed()


@since_311
@pytest.mark.parametrize("what", ["trailing", "no client id", "cut", "no keep alive", "empty"])
def test_malformed_connect(dial, version, what):
    """[3.1.1 MQTT-3.1.4-1] [MQTT-3.1.4-1]: closed; 3.1.1 without a CONNACK, 5.0 with its reason if the version was known."""
    client = dial(version=version)
    body = {"trailing": head(version, 2) + text("x") + b"?", "no client id": head(version, 2), "cut": head(version, 2) + b"\0\5abc",
            "no keep alive": text("MQTT") + bytes([version, 2, 0]), "empty": b""}[what]
    if what == "empty":
        client.send_packet(CONNECT, body)
        client.expect_closed()
    else:
        refused(client, body, 0x81)


@pytest.mark.parametrize("props, reason", [
    (properties([("session_expiry", 1), ("session_expiry", 1)]), 0x82), (properties({"receive_maximum": 0}), 0x82),
    (properties({"maximum_packet_size": 0}), 0x82), (properties({"request_problem_info": 2}), 0x82),
    (properties({"request_response_info": 2}), 0x82), (properties({"auth_data": b"x"}), 0x82),
    (properties({"topic_alias": 1}), 0x81), (properties({"server_keep_alive": 1}), 0x81), (properties(b"\x7f"), 0x81),
    (properties(b"\x11\0\0"), 0x81), (b"\x80", 0x81), (b"\x7f", 0x81), (properties({"user_property": [("a\0", "b")]}), 0x81),
])
def test_properties_of_connect(dial, props, reason):
    """[MQTT-1.5.7-1] [MQTT-3.2.2-8]: each once, known, in range, both strings of a pair UTF-8; the answer says what is wrong."""
    refused(dial(version=5), head(5, 2, props=props) + text("x"), reason)


def test_user_property_pairs_are_utf8(dial):
    """[MQTT-1.5.7-1]: the name and the value."""
    for pair in (b"\xff", "v"), ("k", b"\xff"):
        refused(dial(version=5), head(5, 2, props=properties({"user_property": [pair]})) + text("x"), 0x81)


@since_311
def test_refused_connect_is_not_processed_further(broker, connect, dial, version, name):
    """[3.1.1 MQTT-3.1.4-5] [MQTT-3.1.4-6]: what follows a CONNECT that is refused isn't looked at."""
    watcher = connect()
    watcher.subscribe(name)
    client = dial("x" * 300, version)
    client.send(client.connect_packet(), client.publish_packet(name, "never"))
    client.expect(CONNACK)
    client.expect_closed()
    assert watcher.fence(connect()) == []


@every_version
def test_packets_right_behind_connect(connect, dial, version, name):
    """A client needn't wait for CONNACK; what it sends is taken in order, across the move to its session's worker."""
    for n in range(8):
        client = dial("%s-%d" % (name, n), version)
        topic = "%s/%d" % (name, n)
        client.send(client.connect_packet(), client.subscribe_packet([(topic, 1)], 7),
                    *[client.publish_packet(topic, b"%d" % i) for i in range(20)], client.publish_packet(topic, b"20", 1, packet_id=8))
        client.expect(CONNACK)
        for i in range(21):
            client.message(topic, b"%d" % i)


@every_version
def test_takeover(connect, version, name):
    """[3.1.1 MQTT-3.1.4-2] [MQTT-3.1.4-3]: the older connection of a client id ends, in MQTT 5 with 0x8E."""
    first = connect(name, version)
    second = connect(name, version)
    first.expect_disconnect(0x8e)
    second.quiet()


@pytest.mark.smoke
@pytest.mark.threads
def test_takeover_again_and_again(connect, broker, name):
    """However fast they come, exactly one stays."""
    clients = [connect(name, 5, clean=False, properties={"session_expiry": 60}) for _ in range(40)]
    for client in clients[:-1]:
        client.expect_disconnect(0x8e)
    clients[-1].quiet()
    assert broker.clients()[name]["port"] == clients[-1].socket.getsockname()[1]


def test_what_connack_says(connect):
    """Nothing is said that is the default."""
    connack = connect(version=5, keep_alive=60).connack
    assert connack.properties == {"receive_maximum": 1000, "maximum_packet_size": 1 << 20, "topic_alias_maximum": 16}


def test_server_keep_alive(connect):
    """MQTT 5 clients are told the longest keep-alive; older ones, that can't be, connect all the same."""
    assert connect(version=5, keep_alive=0).connack.properties["server_keep_alive"] == 3600
    assert connect(version=5, keep_alive=7200).connack.properties["server_keep_alive"] == 3600
    assert "server_keep_alive" not in connect(version=5, keep_alive=3600).connack.properties
    connect(version=4, keep_alive=0)
    connect(version=4, keep_alive=65535)


def test_session_expiry_is_bounded(connect):
    """session-expiry-max (7 days) is told when more was asked for."""
    assert connect(properties={"session_expiry": 0xffffffff}).connack.properties["session_expiry"] == 7 * 86400
    assert "session_expiry" not in connect(properties={"session_expiry": 7 * 86400}).connack.properties


def test_response_information(connect):
    """[MQTT-3.1.2-28]: none unless asked for."""
    for props in None, {"request_response_info": 0}:
        assert "response_info" not in connect(properties=props).connack.properties


@since_311
def test_reserved_bits_of_connack(connect, version, name):
    """[MQTT-3.2.2-1] [3.1.1 MQTT-2.2.2-1] [MQTT-2.1.3-1]: zero, with a session and without."""
    assert connect(name, version, clean=False, properties={"session_expiry": 60}).connack.raw[2] == 0
    again = connect(name, version, clean=False)
    assert again.connack.raw[0] == 0x20 and again.connack.raw[2] == 1


def test_before_the_login_packets_are_short(dial):
    """packet-size-before-login: 16 KiB, whatever packet-size is."""
    client = dial(version=4)
    client.send(packet(CONNECT, head(4, 2) + text("x") + b"." * 20000)[:5])
    client.expect_closed()


def test_connect_in_time(make_broker):
    """Who sends no CONNECT, or only a part of one, is closed after connect-timeout."""
    broker = make_broker({"limits": {"connect-timeout": "1s"}})
    silent, slow = Client(broker), Client(broker)
    slow.send(slow.connect_packet()[:9])
    silent.expect_closed()
    slow.expect_closed()


def test_a_refused_connect_leaves_nothing(make_broker):
    """[MQTT-3.1.4-2]: no session, no takeover, no will, for a CONNECT that doesn't end in CONNACK 0."""
    broker = make_broker({"limits": {"failed-login-delay": "0"}}, listener={"client-id": "c-{username}", "anonymous": True})
    watcher = Client(broker, "c-anonymous").connect()
    watcher.subscribe("will")
    other = Client(broker, "other").connect(reason=0x85, clean=False, will=Will("will", "w", retain=True))
    other.expect_closed()
    assert broker.ctl("status")["sessions"] == 1
    assert watcher.fence(watcher) == []
    watcher.subscribe("#")
    assert watcher.fence(watcher) == []


def test_connections_that_are_given_up(broker, connect):
    """Many that end at every stage leave the broker as it was."""
    before = broker.ctl("status")
    for n in range(60):
        client = Client(broker)
        client.send(client.connect_packet()[:n % 30])
        (client.reset if n % 2 else client.close)()
    connect().quiet()
    status = broker.ctl("status")
    assert status["sessions"] <= before["sessions"] + 1


def test_one_more_than_connections(make_broker):
    """connections: one more is closed at once; when one ends there is room again."""
    broker = make_broker({"limits": {"connections": 3}})
    clients = [Client(broker).connect() for _ in range(3)]
    over = Client(broker)
    over.expect_closed()
    clients.pop().disconnect()
    for _ in range(100):
        try:
            return Client(broker).connect().quiet()
        except (Closed, OSError):
            broker.ctl("status")
    pytest.fail("no connection is let in although one has ended")
