# SPDX-License-Identifier: Apache-2.0
"""PUBLISH and its acknowledgements, both ways. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import struct

import pytest

from gatehouse import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Client, Will, neighbour, packet, spread, text

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])


@every_version
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.smoke
def test_publish(connect, version, qos, name):
    """[3.1.1 MQTT-4.5.0-1] [MQTT-4.5.0-1] [3.1.1 MQTT-3.3.2-3] [MQTT-3.3.2-3]: a message reaches who subscribed, under its own topic."""
    sub, pub = connect(version=version), connect(version=version)
    sub.subscribe(name + "/+", qos=qos)
    pub.publish(name + "/a", "payload", qos)
    pub.publish(name, "not this", qos)
    sub.message(name + "/a", "payload", qos=qos, dup=False, retain=False)
    assert sub.fence(pub) == []


@since_311
def test_qos_0(connect, version, name):
    """[3.1.1 MQTT-4.3.1-1] [MQTT-4.3.1-1] [MQTT-2.2.1-2] [3.1.1 MQTT-2.3.1-5]: no DUP, no packet id, no answer."""
    client = connect(version=version)
    client.subscribe(name, qos=2)
    client.publish(name, "x")
    props = b"\0" if version == 5 else b""
    assert client.expect(PUBLISH).raw == packet(PUBLISH, text(name) + props + b"x", 0)
    client.quiet()


@since_311
def test_qos_1_from_a_client(connect, version, name):
    """[3.1.1 MQTT-4.3.2-2] [MQTT-4.3.2-4] [MQTT-4.3.2-5] [3.1.1 MQTT-3.3.4-1] [MQTT-3.3.4-1]: PUBACK; the same id again is a new message."""
    client, sub = connect(version=version), connect(version=version)
    sub.subscribe(name)
    for dup in False, True, True:
        client.send(client.publish_packet(name, "x", 1, dup=dup, packet_id=4711))
        client.expect(PUBACK, packet_id=4711, reason=0)
    for _ in range(3):
        sub.message(name, "x", dup=False)
    assert sub.fence(client) == []


@since_311
def test_qos_2_from_a_client(connect, version, name):
    """[3.1.1 MQTT-4.3.3-2] [MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12]: PUBREC and PUBCOMP; delivered once till PUBREL."""
    client, sub = connect(version=version), connect(version=version)
    sub.subscribe(name, qos=2)
    for dup in False, True, True:
        client.send(client.publish_packet(name, "first", 2, dup=dup, packet_id=99))
        client.expect(PUBREC, packet_id=99, reason=0)
    for reason in 0, 0x92:
        client.ack(PUBREL, 99)
        client.expect(PUBCOMP, packet_id=99, reason=reason if version == 5 else 0)
    client.send(client.publish_packet(name, "second", 2, dup=True, packet_id=99))
    client.expect(PUBREC, packet_id=99, reason=0)
    sub.message(name, "first")
    sub.message(name, "second")
    assert sub.fence(client) == []


@since_311
def test_same_packet_id_in_the_acknowledgements(connect, version, name):
    """[3.1.1 MQTT-2.3.1-6] [MQTT-2.2.1-5] [3.1.1 MQTT-2.3.1-7] [MQTT-2.2.1-6]: whichever the client chose."""
    client = connect(version=version)
    client.subscribe("away/" + name, qos=1)
    for packet_id in 1, 255, 256, 32768, 65535:
        client.publish(name, "x", 1, packet_id=packet_id)
        client.publish(name, "x", 2, packet_id=packet_id)
        client.subscribe(name + "/sub", packet_id=packet_id)
        client.unsubscribe(name + "/sub", packet_id=packet_id)


@since_311
@pytest.mark.parametrize("body", [text("t") + b"\0\0", b"\0\0" + text("t") + b"\0"])
def test_packet_id_0(connect, version, body):
    """[3.1.1 MQTT-2.3.1-1] [MQTT-2.2.1-3]: PUBLISH, SUBSCRIBE and UNSUBSCRIBE need a packet id that isn't 0."""
    first = {text("t") + b"\0\0": 0x32, b"\0\0" + text("t") + b"\0": 0x82}[body]
    client = connect(version=version)
    if version == 5:
        body = body + b"\0" if first == 0x32 else b"\0\0\0" + body[2:]
    client.send(bytes([first, len(body)]) + body)
    client.expect_disconnect(0x82)
    other = connect(version=version)
    other.send(bytes([0xa2, 6 if version == 5 else 5]) + b"\0\0" + (b"\0" if version == 5 else b"") + text("t"))
    other.expect_disconnect(0x82)


@since_311
def test_qos_1_to_a_client(connect, version, name):
    """[3.1.1 MQTT-4.3.2-1] [MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-4.3.2-3] [MQTT-2.2.1-4]: unused packet ids, DUP 0, unacknowledged till PUBACK."""
    sub, pub = connect(name, version, clean=False, properties={"session_expiry": 60}), connect(version=version)
    sub.subscribe(name, qos=1)
    for n in range(50):
        pub.publish(name, str(n), 1)
    got = [sub.expect(PUBLISH, qos=1, dup=False) for _ in range(50)]
    assert len({m.packet_id for m in got}) == 50
    for message in got[::2]:
        sub.ack(PUBACK, message.packet_id)
    sub.ping()
    sub.close()
    again = connect(name, version, clean=False)
    assert [again.expect(PUBLISH, dup=True).payload for _ in got[1::2]] == [m.payload for m in got[1::2]]
    again.quiet()


@since_311
def test_qos_2_to_a_client(connect, version, name):
    """[3.1.1 MQTT-4.3.3-1] [MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4]: PUBLISH without DUP, PUBREL with the same id once PUBREC came."""
    sub, pub = connect(version=version), connect(version=version)
    sub.subscribe(name, qos=2)
    pub.publish(name, "one", 2)
    pub.publish(name, "two", 2)
    one, two = sub.expect(PUBLISH, qos=2, dup=False), sub.expect(PUBLISH, qos=2, dup=False)
    assert one.packet_id != two.packet_id
    sub.quiet()
    for message in two, one:
        sub.ack(PUBREC, message.packet_id)
        sub.expect(PUBREL, packet_id=message.packet_id)
        sub.ack(PUBCOMP, message.packet_id)
    sub.quiet()


@since_311
def test_resend_after_resume(connect, version, name):
    """[3.1.1 MQTT-4.4.0-1] [MQTT-4.4.0-1] [3.1.1 MQTT-3.3.1-1] [MQTT-3.3.1-1] [3.1.1 MQTT-2.3.1-4]: PUBLISH with DUP, and PUBREL, with their ids."""
    sub, pub = connect(name, version, clean=False, properties={"session_expiry": 60}), connect(version=version)
    sub.subscribe(name, qos=2)
    for payload, qos in ("a", 1), ("b", 2), ("c", 2), ("d", 1):
        pub.publish(name, payload, qos)
    a, b, c, d = [sub.expect(PUBLISH) for _ in range(4)]
    sub.ack(PUBREC, b.packet_id)
    sub.expect(PUBREL, packet_id=b.packet_id)
    sub.close()
    again = connect(name, version, clean=False)
    assert again.connack.session_present
    again.expect(PUBREL, packet_id=b.packet_id)
    for message in a, c, d:
        again.expect(PUBLISH, packet_id=message.packet_id, payload=message.payload, qos=message.qos, dup=True)
    again.quiet()


def test_pubrel_is_unacknowledged_till_pubcomp(connect, name):
    """[MQTT-4.3.3-3] [MQTT-4.3.3-5] [MQTT-4.3.3-6]: after PUBREC a resume brings PUBREL, never the PUBLISH again; after PUBCOMP nothing."""
    sub, pub = connect(name, clean=False, properties={"session_expiry": 60}), connect()
    sub.subscribe(name, qos=2)
    pub.publish(name, "x", 2)
    packet_id = sub.expect(PUBLISH).packet_id
    for _ in range(2):
        sub.close()
        sub = connect(name, clean=False, properties={"session_expiry": 60})
        sub.expect(PUBLISH, packet_id=packet_id, dup=True)
    sub.ack(PUBREC, packet_id)
    sub.expect(PUBREL, packet_id=packet_id)
    for _ in range(2):
        sub.close()
        sub = connect(name, clean=False, properties={"session_expiry": 60})
        sub.expect(PUBREL, packet_id=packet_id)
        sub.quiet()
    sub.ack(PUBCOMP, packet_id)
    sub.ping()
    sub.close()
    connect(name, clean=False).quiet()


def test_nothing_is_resent_without_a_new_connection(connect, name):
    """[MQTT-4.4.0-1]: only a resume resends."""
    sub, pub = connect(), connect()
    sub.subscribe(name, qos=2)
    pub.publish(name, "x", 1)
    pub.publish(name, "y", 2)
    sub.expect(PUBLISH)
    sub.expect(PUBLISH)
    for _ in range(10):
        assert sub.fence(pub) == []


@pytest.mark.parametrize("qos, kind", [(1, PUBACK), (2, PUBREC)])
def test_refused_by_the_client(connect, name, qos, kind):
    """[MQTT-4.4.0-2]: a PUBACK or PUBREC of 0x80 and above ends the message: no PUBREL, nothing to resend."""
    sub, pub = connect(name, clean=False, properties={"session_expiry": 60}), connect()
    sub.subscribe(name, qos=2)
    pub.publish(name, "x", qos)
    message = sub.expect(PUBLISH)
    sub.ack(kind, message.packet_id, 0x83)
    sub.quiet()
    sub.close()
    connect(name, clean=False).quiet()


def test_refused_pubrec_makes_room(connect, name):
    """[MQTT-3.3.4-9]: a PUBREC with an error counts as an acknowledgement in the receive maximum."""
    sub, pub = connect(properties={"receive_maximum": 1}), connect()
    sub.subscribe(name, qos=2)
    for payload in "a", "b":
        pub.publish(name, payload, 2)
    first = sub.expect(PUBLISH, payload=b"a")
    assert sub.fence(pub) == []
    sub.ack(PUBREC, first.packet_id, 0x97)
    sub.expect(PUBLISH, payload=b"b")


def test_qos_2_refused_by_the_broker_is_over(make_broker):
    """[MQTT-4.3.3-9]: after a PUBREC with an error, the same packet id is a new message."""
    broker = make_broker(listener={"check-payload-format": True})
    client, sub = Client(broker).connect(), Client(broker).connect()
    sub.subscribe("t", qos=2)
    client.publish("t", b"\xff", 2, reason=0x99, packet_id=5, properties={"payload_format": 1})
    client.publish("t", b"fine", 2, packet_id=5, properties={"payload_format": 1})
    sub.message("t", b"fine")


@since_311
def test_dup_isnt_passed_on(connect, version, name):
    """[3.1.1 MQTT-3.3.1-3] [MQTT-3.3.1-3]: DUP to a subscriber says that this very packet is sent again, nothing else."""
    sub, pub = connect(version=version), connect(version=version)
    sub.subscribe(name, qos=2)
    for qos in 1, 2:
        pub.publish(name, "x", qos, dup=True)
        sub.message(name, "x", qos=qos, dup=False)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("flags, qos", [(0x08, 0), (0x09, 0)])
def test_dup_with_qos_0(connect, version, flags, qos):
    """[3.1.1 MQTT-3.3.1-2] [MQTT-3.3.1-2]: malformed."""
    client = connect(version=version)
    client.send_packet(PUBLISH, text("t") + (b"\0" if version == 5 else b""), flags)
    client.expect_disconnect(0x81)


@every_version
@pytest.mark.parametrize("flags", [6, 7, 14, 15])
def test_qos_3(connect, version, flags):
    """[3.1.1 MQTT-3.3.1-4] [MQTT-3.3.1-4]: malformed."""
    client = connect(version=version)
    client.send_packet(PUBLISH, text("t") + b"\0\1" + (b"\0" if version == 5 else b""), flags)
    client.expect_disconnect(0x81)


@every_version
@pytest.mark.parametrize("topic", [b"a/+", b"#", b"a+b", b"+/b", b"a/#/b"])
def test_wildcard_in_a_topic(connect, version, topic):
    """[3.1.1 MQTT-3.3.2-2] [MQTT-3.3.2-2] [3.1.1 MQTT-4.7.1-1] [MQTT-4.7.0-1]: none in a topic to publish to."""
    client = connect(version=version)
    client.send(client.publish_packet(topic, "x"))
    client.expect_disconnect(0x90)


@every_version
@pytest.mark.parametrize("topic", [b"\xff", b"a/\xed\xa0\x80", b"a\xf8\x88\x80\x80\x80", b"a\xc0\xaf"])
def test_topic_is_utf8(connect, version, topic):
    """[3.1.1 MQTT-3.3.2-1] [MQTT-3.3.2-1] [MQTT-1.5.4-1]: ill-formed UTF-8 ends the connection."""
    client = connect(version=version)
    client.send(client.publish_packet(topic, "x"))
    client.expect_disconnect(0x81)


@every_version
def test_topic_is_cut_short(connect, version):
    """[3.1.1 MQTT-3.3.2-1] [MQTT-3.3.2-1]: the topic is first and has to be there."""
    for body in b"", b"\0", b"\0\5abc":
        client = connect(version=version)
        client.send_packet(PUBLISH, body)
        client.expect_disconnect(0x81)


@every_version
def test_empty_topic(connect, version):
    """[3.1.1 MQTT-4.7.3-1] [MQTT-4.7.3-1]: a topic has one character at least (or in MQTT 5 an alias)."""
    client = connect(version=version)
    client.send(client.publish_packet("", "x"))
    client.expect_disconnect((0x82, 0x90))


def test_subscription_id_from_a_client(connect):
    """[MQTT-3.3.4-6]: a client's PUBLISH has none."""
    client = connect()
    client.send(client.publish_packet("t", "x", properties={"subscription_id": [1]}))
    client.expect_disconnect(0x82)


def test_nobody_subscribed(connect, name):
    """[MQTT-3.4.2-1] [MQTT-3.5.2-1]: QoS 1 and 2 to nobody is told (0x10), to somebody is 0."""
    client = connect()
    client.publish(name, "x", 1, reason=0x10)
    client.publish(name, "x", 2, reason=0x10)
    client.subscribe(name)
    client.publish(name, "x", 1, reason=0)
    client.publish(name, "x", 2, reason=0)


@pytest.mark.parametrize("kind, reason", [(PUBACK, 0x92), (PUBACK, 0x01), (PUBREC, 0x92), (PUBREL, 0x10), (PUBREL, 0x80),
                                          (PUBCOMP, 0x87), (PUBCOMP, 0xff)])
def test_reason_codes_of_a_clients_acknowledgements(connect, kind, reason):
    """[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]: others than the packet's own are a protocol error."""
    client = connect()
    client.ack(kind, 1, reason)
    client.expect_disconnect(0x82)


def test_acknowledgements_of_nothing(connect):
    """[MQTT-3.6.2-1] [MQTT-3.7.2-1]: an unknown packet id is told by PUBREL and PUBCOMP 0x92, and ends nothing."""
    client = connect()
    client.ack(PUBACK, 77)
    client.ack(PUBCOMP, 77)
    client.ack(PUBREL, 77)
    client.expect(PUBCOMP, packet_id=77, reason=0x92)
    client.ack(PUBREC, 77)
    client.expect(PUBREL, packet_id=77, reason=0x92)
    client.quiet()


@pytest.mark.parametrize("version", [3, 4])
def test_acknowledgements_of_nothing_before_5(connect, version):
    """Older clients get plain answers."""
    client = connect(version=version)
    client.ack(PUBREL, 77)
    assert client.expect(PUBCOMP, packet_id=77).raw == b"\x70\2\0\x4d"
    client.ack(PUBREC, 77)
    assert client.expect(PUBREL, packet_id=77).raw == b"\x62\2\0\x4d"


@since_311
@pytest.mark.parametrize("flags", [0, 1, 3, 6, 10, 15])
def test_flags_of_pubrel(connect, version, flags):
    """[3.1.1 MQTT-3.6.1-1] [MQTT-3.6.1-1]: 0010 and nothing else."""
    client = connect(version=version)
    client.send_packet(PUBREL, b"\0\1", flags)
    client.expect_disconnect(0x81)


@since_311
@pytest.mark.threads
def test_order(connect, broker, version, name):
    """[3.1.1 MQTT-4.6.0-5] [3.1.1 MQTT-4.6.0-6] [MQTT-4.6.0-5] [MQTT-4.6.0-6]: of each publisher and QoS, to subscribers on every worker."""
    subs = spread(broker, connect, name, 6, version)
    for sub in subs:
        sub.subscribe(name, qos=2)
    pubs = [connect(version=version) for _ in range(3)]
    for start in range(0, 60, 10):
        for who, pub in enumerate(pubs):
            pub.send(*[pub.publish_packet(name, "%d %d" % (who, n), n % 3) for n in range(start, start + 10)])
    for pub in pubs:
        for _ in range(40):
            answer = pub.recv()
            if answer.type == PUBREC:
                pub.ack(PUBREL, answer.packet_id)
    for sub in subs:
        got = [sub.message(name) for _ in range(180)]
        for who in range(3):
            for qos in range(3):
                seen = [int(m.payload.split()[1]) for m in got if m.qos == qos and m.payload.split()[0] == b"%d" % who]
                assert seen == list(range(qos, 60, 3))


def test_order_of_what_is_resent(connect, name):
    """[3.1.1 MQTT-4.6.0-1]: as it was sent at first, before anything new."""
    sub, pub = connect(name, 4, clean=False), connect()
    sub.subscribe(name, qos=2)
    for n in range(30):
        pub.publish(name, str(n), 1 + n % 2)
    for n in range(30):
        sub.expect(PUBLISH, payload=b"%d" % n)
    sub.close()
    pub.publish(name, "new", 1)
    again = connect(name, 4, clean=False)
    for n in range(30):
        again.expect(PUBLISH, payload=b"%d" % n, dup=True)
    again.expect(PUBLISH, payload=b"new", dup=False)


def stream(pub, sub, topic, total, held=None):
    """The packet ids of that many messages of QoS 1, all acknowledged but the one of the id held."""
    seen = []
    for start in range(0, total, 500):
        count = min(500, total - start)
        pub.send(*[pub.publish_packet(topic, b"", 1) for _ in range(count)])
        for _ in range(count):
            seen.append(sub.expect(PUBLISH).packet_id)
            if seen[-1] != held:
                sub.ack(PUBACK, seen[-1])
        for _ in range(count):
            pub.expect(PUBACK)
    return seen


def test_all_packet_ids(connect, name):
    """[MQTT-2.2.1-4] [3.1.1 MQTT-2.3.1-4]: each of the 65,535 once, then anew; one that isn't acknowledged is never taken again."""
    sub, pub = connect(), connect()
    sub.subscribe(name, qos=1)
    assert sorted(stream(pub, sub, name, 65535)) == list(range(1, 65536))
    held = stream(pub, sub, name, 1, held=1)
    assert held == [1]
    assert 1 not in stream(pub, sub, name, 65535)


@pytest.mark.parametrize("version", [4, 5])
def test_all_packet_ids_of_a_client(connect, version, name):
    """Each of the 65,535 can be used for QoS 2; a 3.1.1 client may have all of them open at once."""
    client, sub = connect(version=version), connect()
    sub.subscribe(name)
    count = 65535 if version == 4 else 1000
    for start in range(1, count + 1, 1000):
        ids = range(start, min(start + 1000, count + 1))
        client.send(*[client.publish_packet(name, b"", 2, packet_id=i) for i in ids])
        for i in ids:
            client.expect(PUBREC, packet_id=i)
    for start in range(1, count + 1, 1000):
        ids = range(start, min(start + 1000, count + 1))
        client.send(*[packet(PUBREL, struct.pack(">H", i)) for i in ids])
        for i in ids:
            client.expect(PUBCOMP, packet_id=i, reason=0)


# ---- flow control


def test_receive_maximum_of_the_client(connect, name):
    """[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2]: never more QoS 1 and 2 than it said; QoS 0 doesn't count."""
    sub, pub = connect(properties={"receive_maximum": 3}), connect()
    sub.subscribe(name, name + "/0", qos=2)
    for n in range(10):
        pub.publish(name, str(n), 1 + n % 2)
    got = [sub.expect(PUBLISH, payload=b"%d" % n) for n in range(3)]
    pub.publish(name + "/0", "qos 0")
    rest = sub.fence(pub)
    assert [m.payload for m in rest] == [b"qos 0"]
    for n in range(3, 10):
        message = got[n - 3]
        if message.qos == 1:
            sub.ack(PUBACK, message.packet_id)
        else:
            sub.ack(PUBREC, message.packet_id)
            sub.expect(PUBREL)
            sub.quiet()  # PUBREC alone makes no room
            sub.ack(PUBCOMP, message.packet_id)
        got.append(sub.expect(PUBLISH, payload=b"%d" % n))
        sub.quiet()


def test_full_window_delays_nothing_else(connect, name):
    """[MQTT-3.3.4-10] [MQTT-4.9.0-3]: acknowledgements, SUBACK, PINGRESP and QoS 0 go on."""
    sub, pub = connect(properties={"receive_maximum": 1}), connect()
    sub.subscribe(name, qos=1)
    pub.publish(name, "1", 1)
    pub.publish(name, "2", 1)
    first = sub.expect(PUBLISH, payload=b"1")
    sub.ping()
    sub.subscribe(name + "/other", qos=1)
    sub.publish(name + "/x", "x", 1)
    sub.publish(name + "/x", "x", 2)
    sub.unsubscribe(name + "/other")
    sub.ack(PUBACK, first.packet_id)
    sub.expect(PUBLISH, payload=b"2")


def test_receive_maximum_of_the_broker(make_broker):
    """[MQTT-3.3.4-7] [MQTT-4.13.1-1]: told in CONNACK; one message more is 0x93 and the end."""
    broker = make_broker({"limits": {"receive-maximum": 5}})
    client = Client(broker).connect()
    assert client.connack.properties["receive_maximum"] == 5
    for n in range(1, 6):
        client.send(client.publish_packet("t", "x", 2, packet_id=n))
        client.expect(PUBREC)
    client.send(client.publish_packet("t", "again", 2, dup=True, packet_id=5))
    client.expect(PUBREC, packet_id=5)
    client.ack(PUBREL, 1)
    client.expect(PUBCOMP)
    client.send(client.publish_packet("t", "x", 2, packet_id=6))
    client.expect(PUBREC, packet_id=6)
    client.send(client.publish_packet("t", "x", 2, packet_id=7))
    client.expect_disconnect(0x93)


def test_inflight_of_older_clients(make_broker):
    """inflight: what an older client, that can't say a receive maximum, gets at once."""
    broker = make_broker({"limits": {"inflight": 4}})
    sub, pub = Client(broker, version=4).connect(), Client(broker).connect()
    sub.subscribe("t", qos=1)
    for n in range(10):
        pub.publish("t", str(n), 1)
    got = [sub.expect(PUBLISH) for _ in range(4)]
    assert sub.fence(pub) == []
    for n in range(6):
        sub.ack(PUBACK, got[n].packet_id)
        got.append(sub.expect(PUBLISH))
    assert [m.payload for m in got] == [b"%d" % n for n in range(10)]


@pytest.mark.parametrize("policy, kept", [("drop-newest", range(10)), ("drop-oldest", range(20, 30))])
def test_queue_bounds(make_broker, policy, kept):
    """queue-messages and queue-policy: which messages a client that is away finds."""
    broker = make_broker({"limits": {"queue-messages": 10, "queue-policy": policy}})
    sub, pub = Client(broker, "s").connect(clean=False, properties={"session_expiry": 60}), Client(broker).connect()
    sub.subscribe("t", qos=1)
    beside = neighbour(broker, "s")
    sub.disconnect()
    for n in range(30):
        pub.publish("t", str(n), 1)
    assert beside.fence(pub) == []
    again = Client(broker, "s").connect(clean=False)
    for n in kept:
        again.message("t", str(n))
    assert again.fence(pub) == []
    assert broker.metric("gatehouse_dropped_total") == 20


def test_user_properties_and_response_data_are_passed_on(connect, name):
    """[MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]: unaltered, user properties in their order."""
    sub, pub = connect(), connect()
    sub.subscribe(name, qos=2)
    users = [("z", "1"), ("a", "2"), ("z", "1"), ("", ""), ("ä", "\U0001f600")]
    sent = [("user_property", users[0]), ("response_topic", "to/me"), ("user_property", users[1]), ("correlation_data", b"\0\xff"),
            ("user_property", users[2]), ("content_type", "text/x"), ("user_property", users[3]), ("user_property", users[4])]
    for qos in 0, 1, 2:
        pub.publish(name, "x", qos, properties=sent)
        got = sub.message(name, "x").properties
        assert got == {"user_property": users, "response_topic": "to/me", "correlation_data": b"\0\xff", "content_type": "text/x"}


@pytest.mark.parametrize("value", [0, 1])
def test_payload_format_is_passed_on(connect, name, value):
    """[MQTT-3.3.2-4]: unaltered; what the payload is isn't looked at unless asked for."""
    sub, pub = connect(), connect()
    sub.subscribe(name)
    pub.publish(name, b"\xff\xfe", properties={"payload_format": value})
    assert sub.message(name, b"\xff\xfe").properties == {"payload_format": value}


def test_payload_format_is_checked_when_asked(make_broker):
    """check-payload-format: 0x99; in a will, no login."""
    broker = make_broker(listener={"check-payload-format": True})
    client, sub = Client(broker).connect(), Client(broker).connect()
    sub.subscribe("#")
    text_only = {"payload_format": 1}
    client.publish("t", b"\xff", 1, reason=0x99, properties=text_only)
    client.publish("t", b"\xff", 0, properties=text_only)
    client.publish("t", b"\xff", 0, properties={"payload_format": 0})
    client.publish("t", "ä", 0, properties=text_only)
    sub.message("t", b"\xff")
    sub.message("t", "ä")
    Client(broker).connect(reason=0x99, will=Will("t", b"\xff", properties=text_only)).expect_closed()


@pytest.mark.parametrize("props, reason", [
    ({"payload_format": 2}, 0x82), ([("payload_format", 0), ("payload_format", 0)], 0x82), ([("message_expiry", 1)] * 2, 0x82),
    ([("topic_alias", 1)] * 2, 0x82), ([("content_type", "a")] * 2, 0x82), ([("response_topic", "a")] * 2, 0x82),
    ([("correlation_data", b"a")] * 2, 0x82), ({"session_expiry": 1}, 0x81), ({"reason_string": "x"}, 0x81), (b"\x00", 0x81),
    (b"\x02\0\0", 0x81), ({"content_type": b"\xff"}, 0x81), ({"will_delay": 1}, 0x81)])
def test_properties_of_publish(connect, props, reason):
    """[MQTT-4.13.1-1] [MQTT-3.3.2-19]: each once, known, in range, text where it is text."""
    client = connect()
    client.send(client.publish_packet("t", "x", properties=props))
    client.expect_disconnect(reason)


@pytest.mark.parametrize("topic, reason", [(b"a/#", (0x82, 0x90)), (b"+", (0x82, 0x90)), (b"\xff", (0x81,))])
def test_response_topic(connect, topic, reason):
    """[MQTT-3.3.2-13] [MQTT-3.3.2-14]: UTF-8, and no wildcard."""
    client = connect()
    client.send(client.publish_packet("t", "x", properties={"response_topic": topic}))
    client.expect_disconnect(reason)


def test_properties_length(connect):
    """[MQTT-1.5.5-1]: longer than the packet, or not in its shortest form, is malformed."""
    for length in b"\x05", b"\x80\x00", b"\xff\xff\xff\xff\x01", b"":
        client = connect()
        client.send_packet(PUBLISH, text("t") + length)
        client.expect_disconnect(0x81)


def test_too_many_user_properties(connect, name):
    """user-properties (64): 65 are refused, 64 come through."""
    client = connect()
    client.subscribe(name)
    client.publish(name, "x", 1, reason=0x97, properties={"user_property": [("k", str(n)) for n in range(65)]})
    client.publish(name, "x", 1, reason=0, properties={"user_property": [("k", str(n)) for n in range(64)]})
    assert len(client.message(name).properties["user_property"]) == 64


def test_reason_strings_only_when_wanted(connect):
    """[MQTT-3.1.2-29]: request problem information 0 keeps reason strings off acknowledgements."""
    many = {"user_property": [("k", "v")] * 65}
    told = connect().publish("t", "x", 1, reason=0x97, properties=many)
    assert told.properties["reason_string"]
    for qos in 1, 2:
        silent = connect(properties={"request_problem_info": 0}).publish("t", "x", qos, reason=0x97, properties=many)
        assert silent.properties == {}


@pytest.mark.parametrize("qos", [1, 2])
def test_reason_string_doesnt_exceed_the_maximum_packet_size(connect, qos):
    """[MQTT-3.4.2-2] [MQTT-3.5.2-2]: it is left out where it would."""
    many = {"user_property": [("k", "v")] * 65}
    answer = connect(properties={"maximum_packet_size": 20}).publish("t", "x", qos, reason=0x97, properties=many)
    assert answer.properties == {} and answer.size <= 20
