# SPDX-License-Identifier: Apache-2.0
"""Packets that are long, short, in pieces, or not what they claim. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import os
import socket

import pytest

from gatehouse import (AUTH, CONNACK, DEADLINE, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SANITIZED, SUBACK,
                       SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, WORKERS, Broker, Client, has_module, packet, text, varint)

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])
MOST = 268435460


@pytest.fixture(scope="module")
def wide():
    """A broker with the greatest packet size that there is."""
    with Broker({"limits": {"packet-size": "unlimited", "retained-size": "unlimited", "queue-bytes": "256M"}}) as broker:
        yield broker


# ---- the maximum packet size of the client


def test_too_large_for_the_client(connect, broker, name):
    """[MQTT-3.1.2-24] [MQTT-3.1.2-25]: not sent, treated as if it had been; what fits comes."""
    before = broker.metric("gatehouse_dropped_total")
    sub, pub = connect(properties={"maximum_packet_size": 100, "receive_maximum": 2}), connect()
    sub.subscribe(name, qos=1)
    for qos in 0, 1, 2, 1, 1:
        pub.publish(name, b"x" * 100, qos)
    pub.publish(name, "fits", 1)
    sub.message(name, "fits")
    assert sub.fence(pub) == []
    assert broker.metric("gatehouse_dropped_total") == before + 5


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("aliases", [0, 10])
def test_exactly_the_maximum(connect, name, qos, aliases):
    """[MQTT-3.1.2-24]: to the byte, whatever the broker adds."""
    sub, pub = connect(properties={"maximum_packet_size": 200, "topic_alias_maximum": aliases}), connect()
    sub.subscribe(name, qos=1)
    head = 2 + 1 + 2 + len(name) + (2 if qos else 0) + 1
    for _ in range(3):
        for size in range(200 - head - 8, 200 - head + 5):
            pub.publish(name, b"%03d" % size + b"." * (size - 3), qos)
    got = []
    for message in sub.fence(pub):
        assert message.size <= 200
        sub.finish(message)
        got.append(len(message.payload))
    while qos and len(got) < 27:
        got.append(len(sub.message().payload))
    assert sorted(set(got)) == list(range(200 - head - 8, 200 - head + 1)) and got.count(200 - head) >= 1


def test_suback_too_large_for_the_client(connect, name):
    """[MQTT-3.1.2-24]: what can't be answered within the maximum isn't answered beyond it."""
    client = connect(properties={"maximum_packet_size": 30})
    client.send(client.subscribe_packet([("%s/%d" % (name, n), 0) for n in range(100)], 1))
    client.send_packet(PINGREQ)
    assert client.recv().size <= 30


def test_connack_too_large_for_the_client(connect, dial):
    """[MQTT-3.1.2-24]: even CONNACK keeps to the client's maximum."""
    client = dial("x" * 300)
    client.send(client.connect_packet(properties={"maximum_packet_size": 5}))
    got = client.drain()
    assert all(p.type == CONNACK and p.size <= 5 for p in got)


# ---- that of the broker


@every_version
def test_too_large_for_the_broker(connect, version):
    """packet-size (1 MiB): 0x95 as soon as the length is known; up to it, fine."""
    client = connect(version=version)
    fits = (1 << 20) - len(client.publish_packet("t", b""))  # the length field grows by 2
    client.publish("t", bytes(fits - 2))
    client.ping()
    client.send(client.publish_packet("t", b"x" * (1 << 20))[:6])
    client.expect_disconnect(0x95)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.threads
def test_8_mib(wide, version, qos):
    """Through, kept and queued unharmed."""
    payload = os.urandom(1 << 20) * 8
    sub, pub = Client(wide, version=version).connect(), Client(wide, version=version).connect()
    sub.subscribe("big/%d" % qos, qos=2)
    pub.publish("big/%d" % qos, payload, qos)
    assert sub.message(qos=qos).payload == payload
    pub.publish("big/%d" % qos, payload[1:], qos, retain=True)
    assert sub.message(qos=qos).payload == payload[1:]
    pub.ping()
    late = Client(wide, version=version).connect()
    late.subscribe("big/%d" % qos, qos=2)
    assert late.message(retain=True).payload == payload[1:]
    pub.publish("big/%d" % qos, "", 1, retain=True)


def test_claims_cost_nothing(wide):
    """Forty packets of 256 MiB that never come need no memory, and a client that has been sending for a while is served on."""
    other = Client(wide).connect()
    other.quiet()
    before = wide.memory("VmSize")
    clients = [Client(wide, version=4 + n % 2).connect() for n in range(40)]
    assert "maximum_packet_size" not in clients[1].connack.properties
    for client in clients:
        client.send(bytes([0x30]) + varint(MOST - 5) + text("t") + b"\0some bytes")
    for client in clients:
        client.send(b"more")
    for _ in range(20):
        other.ping()
    assert wide.memory("VmSize") - before < 64 << 20
    for client in clients:
        client.close()


def test_a_claim_longer_than_mqtt_allows(connect):
    """[MQTT-1.5.5-1] [3.1.1 MQTT-4.8.0-1]: a length of five bytes, or one with needless zeros, is malformed."""
    for version in 4, 5:
        for length in b"\xff\xff\xff\xff\x01", b"\x80\x80\x80\x80\x01", b"\x80\x00", b"\x82\x80\x00":
            client = connect(version=version)
            client.send(b"\xc0" + length)
            client.expect_disconnect(0x81)


@every_version
@pytest.mark.parametrize("payload", [b"", b"\0", b"\0" * 10])
def test_payloads_of_length_zero(connect, version, payload, name):
    """Any bytes, none too."""
    sub, pub = connect(version=version), connect(version=version)
    sub.subscribe(name, qos=2)
    for qos in 0, 1, 2:
        pub.publish(name, payload, qos)
        sub.message(name, payload, qos=qos)


@every_version
def test_byte_by_byte(connect, dial, version, name):
    """[3.1.1 MQTT-7.1.1-1] [MQTT-4.2.0-1]: a stream of bytes has no borders; many packets in one piece, one packet in many."""
    sub = connect(version=version)
    sub.subscribe(name)
    client = dial(version=version)
    stream = client.connect_packet() + b"".join(client.publish_packet(name, "payload %d" % n) for n in range(10))
    for n in range(len(stream)):
        client.send(stream[n:n + 1])
    client.expect(CONNACK)
    client.send(b"".join(client.publish_packet(name, "payload %d" % n) for n in range(10, 2000)))
    for n in range(2000):
        sub.message(name, "payload %d" % n)


# ---- what isn't MQTT


def bodies(version):
    """Packets of a connected client that are malformed or against the protocol, and the reasons that may be given."""
    props = b"\0" if version == 5 else b""
    yield "reserved type 0", b"\0\0", (0x81, 0x82)
    for kind in CONNACK, SUBACK, UNSUBACK, PINGRESP:
        yield "a server's packet %d" % kind, packet(kind, b"\0\0" if kind != PINGRESP else b""), (0x81, 0x82)
    if version < 5:
        yield "AUTH", packet(AUTH, b""), (0x82,)
    yield "PINGREQ with a body", packet(PINGREQ, b"x"), (0x81,)
    yield "PUBLISH without packet id", packet(PUBLISH, text("t"), 2), (0x81,)
    for kind in PUBACK, PUBREC, PUBREL, PUBCOMP:
        yield "%d cut" % kind, packet(kind, b"\0"), (0x81,)
        yield "%d of id 0" % kind, packet(kind, b"\0\0"), (0x82,)
        if version == 5:
            yield "%d with cut properties" % kind, packet(kind, b"\0\1\0\5"), (0x81,)
            yield "%d with a property of another packet" % kind, packet(kind, b"\0\1\0\5\x11\0\0\0\1"), (0x81,)
            yield "%d with bytes left over" % kind, packet(kind, b"\0\1\0\0x"), (0x81,)
        else:
            yield "%d with bytes left over" % kind, packet(kind, b"\0\1x"), (0x81,)
    yield "SUBSCRIBE cut in its id", packet(SUBSCRIBE, b"\0"), (0x81,)
    yield "SUBSCRIBE cut in its filter", packet(SUBSCRIBE, b"\0\1" + props + b"\0\5ab"), (0x81,)
    yield "SUBSCRIBE without options", packet(SUBSCRIBE, b"\0\1" + props + text("a")), (0x81,)
    yield "SUBSCRIBE with bytes left over", packet(SUBSCRIBE, b"\0\1" + props + text("a") + b"\0\0"), (0x81,)
    yield "UNSUBSCRIBE cut", packet(UNSUBSCRIBE, b"\0\1" + props + b"\0\5ab"), (0x81,)
    yield "UNSUBSCRIBE with bytes left over", packet(UNSUBSCRIBE, b"\0\1" + props + text("a") + b"\0"), (0x81,)
    if version == 5:
        yield "DISCONNECT with cut properties", packet(DISCONNECT, b"\0\5\x11"), (0x81,)
        yield "DISCONNECT with bytes left over", packet(DISCONNECT, b"\0\0x"), (0x81,)
        yield "SUBSCRIBE with cut properties", packet(SUBSCRIBE, b"\0\1\x7f" + text("a") + b"\0"), (0x81,)
    else:
        yield "DISCONNECT with a body", packet(DISCONNECT, b"\0"), (0x81,)
    for kind, good in (PUBACK, 0), (PUBREC, 0), (PUBCOMP, 0), (PINGREQ, 0), (DISCONNECT, 0), (PUBREL, 2), (SUBSCRIBE, 2), (UNSUBSCRIBE, 2):
        for flags in 1, 4, 5, 13:
            yield "%d with flags %d" % (kind, flags), packet(kind, b"\0\1" + props + text("a") + b"\0", flags), (0x81,)


@every_version
def test_malformed(connect, broker, version):
    """[3.1.1 MQTT-4.8.0-1] [3.1.1 MQTT-2.2.2-2] [MQTT-2.1.3-1] [MQTT-4.13.1-1]: the connection ends, in MQTT 5 with the reason; nobody else notices."""
    other, before, count = connect(), broker.metric("gatehouse_protocol_errors_total"), 0
    for what, raw, reasons in bodies(version):
        client = connect(version=version)
        client.send(raw)
        try:
            client.expect_disconnect(reasons)
        except AssertionError as wrong:
            raise AssertionError("%s: %s" % (what, wrong)) from None
        client.close()
        count += 1
    other.quiet()
    assert broker.metric("gatehouse_protocol_errors_total") >= before + count


def test_noise(broker, connect):
    """Random bytes before and after CONNECT end the connection at most."""
    random = __import__("random").Random(1)
    for n in range(150):
        client = Client(broker, version=(3, 4, 5)[n % 3])
        if n % 2:
            client.connect()
        try:
            client.send(bytes(random.randrange(256) for _ in range(random.randrange(1, 200))))
        except OSError:
            pass
        client.close()
    connect().quiet()


def test_a_reader_that_sleeps(make_broker):
    """Who doesn't read gets what fits into output-bytes; QoS 0 beyond is dropped and counted, nobody else waits, memory is bounded."""
    broker = make_broker({"limits": {"output-bytes": "256k"}})
    sleeper, reader, pub = Client(broker).connect(), Client(broker).connect(), Client(broker).connect()
    for sub in sleeper, reader:
        sub.subscribe("t")
    before = broker.memory()
    for n in range(3000):
        pub.publish("t", b"%d " % n + b"x" * 10000)
        assert reader.message("t").payload.startswith(b"%d " % n)
    assert broker.metric("gatehouse_dropped_total") > 0
    assert SANITIZED or broker.memory() - before < 24 << 20  # sanitizers keep what is freed
    numbers = [int(m.payload.split()[0]) for m in sleeper.fence(pub)]
    assert numbers and numbers == sorted(numbers)


def test_answers_that_nobody_reads(make_broker):
    """Who asks and doesn't read the answers isn't read either beyond output-bytes; nothing is lost once it reads."""
    broker = make_broker({"limits": {"output-bytes": "64k"}})
    deaf, asked, most = Client(broker).connect(), 0, 32 << 20
    deaf.socket.settimeout(2)
    before = broker.memory()
    try:
        while asked < most:
            asked += deaf.socket.send(packet(PINGREQ) * 65536)
    except (socket.timeout, TimeoutError):
        pass
    assert asked < most, "all of it was read"
    assert SANITIZED or broker.memory() - before < 8 << 20
    deaf.socket.settimeout(DEADLINE)
    answered = 0
    while answered < asked // 2 * 2:
        got = deaf.socket.recv(1 << 18)
        assert got == (packet(PINGRESP) * (1 << 17 | 1))[answered % 2:][:len(got)]
        answered += len(got)


@pytest.mark.skipif(WORKERS == 1, reason="there is no other worker")
@pytest.mark.skipif(not has_module("probe"), reason="no test modules in this build")
def test_a_publisher_waits_for_crowded_workers(make_broker):
    """Who publishes faster than other workers deliver is held back: what waits for them is bounded, and goes on by itself."""
    rules = [{"hook": "authorize", "topic": "never/%d" % n, "answer": "deny"} for n in range(2500)] + [{"hook": "authorize", "answer": "allow"}]
    broker = make_broker({"plugins": {"probe": {"answers": rules}}}, listener={"authorize": ["probe"], "anonymous": True})
    pub = Client(broker).connect()
    subs = [Client(broker).connect() for _ in range(40)]
    workers = {name: row["worker"] for name, row in broker.clients().items()}
    for sub in subs:
        if workers[sub.client_id] != workers[pub.client_id]:
            sub.subscribe("never/will/this/be/a/rule")
    before = broker.memory()
    for _ in range(8):
        pub.send(pub.publish_packet("never/will/this/be/a/rule", b"x" * 8192) * 1000)
    pub.ping()
    assert broker.metric("gatehouse_publishers_held_total") > 0
    assert SANITIZED or broker.memory() - before < 64 << 20
    for client in subs + [pub]:
        client.close()


@pytest.mark.skipif(WORKERS == 1, reason="there is no other worker")
@pytest.mark.skipif(not has_module("probe"), reason="no test modules in this build")
def test_a_publisher_waits_for_crowded_members_of_shared_groups(make_broker):
    """It feels them through the groups, which are dealt out on workers that are neither its own nor theirs."""
    rules = [{"hook": "authorize", "client": "pub", "answer": "allow"}]
    rules += [{"hook": "authorize", "topic": "never/%d" % n, "answer": "deny"} for n in range(2500)]
    broker = make_broker({"plugins": {"probe": {"answers": rules + [{"hook": "authorize", "answer": "allow"}]}}},
                         listener={"authorize": ["probe"], "anonymous": True})
    pub = Client(broker, "pub").connect()
    subs = [Client(broker).connect() for _ in range(40)]
    workers = {name: row["worker"] for name, row in broker.clients().items()}
    elsewhere = {workers[sub.client_id]: sub for sub in subs if workers[sub.client_id] != workers["pub"]}
    before = broker.memory()
    for sub in elsewhere.values():
        sub.subscribe("$share/group/never/will/this/be/a/rule")
        for _ in range(50):
            pub.send(pub.publish_packet("never/will/this/be/a/rule", b"x" * 8192) * 1000)
        pub.ping()
        sub.unsubscribe("$share/group/never/will/this/be/a/rule")
    assert SANITIZED or broker.memory("VmHWM") - before < 64 << 20
    for client in subs + [pub]:
        client.close()
