# SPDX-License-Identifier: Apache-2.0
"""SUBSCRIBE, UNSUBSCRIBE, filters. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import itertools
import time

import pytest

from gatehouse import DEADLINE, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, Client, has_module, spread, text

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])


@every_version
@pytest.mark.smoke
def test_suback(connect, version, name):
    """[3.1.1 MQTT-3.8.4-1] [MQTT-3.8.4-1] [3.1.1 MQTT-3.8.4-2] [MQTT-3.8.4-2] [MQTT-2.2.2-1]: SUBSCRIBE is answered, with its packet id."""
    client = connect(version=version)
    client.send(client.subscribe_packet([(name, 1)], 0x1234))
    answer = client.expect(SUBACK, packet_id=0x1234, reasons=[1])
    assert answer.raw == (b"\x90\4\x12\x34\0\1" if version == 5 else b"\x90\3\x12\x34\1")


@since_311
def test_several_filters(connect, version, name):
    """[3.1.1 MQTT-3.8.4-4] [MQTT-3.8.4-5] [3.1.1 MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7]: as if each came alone, one SUBACK, a code each."""
    client, pub = connect(version=version), connect()
    pairs = [("%s/%d" % (name, n), n % 3) for n in range(9)]
    client.send(client.subscribe_packet(pairs, 9))
    client.expect(SUBACK, packet_id=9, reasons=[0, 1, 2] * 3)
    for topic, qos in pairs:
        pub.publish(topic, "x", 2)
        client.message(topic, "x", qos=qos)


@since_311
def test_order_of_the_codes(make_broker, version):
    """[3.1.1 MQTT-3.9.3-1] [3.1.1 MQTT-3.9.3-2] [MQTT-3.9.3-1] [MQTT-3.9.3-2]: that of the filters, each 0 to 2 or a failure of its version."""
    broker = make_broker({"limits": {"topic-levels": 3}})
    client = Client(broker, version=version).connect()
    failed = 0x8f if version == 5 else 0x80
    client.subscribe(("a/b/c", 2), ("a/b/c/d", 2), ("a", 0), ("a/b/c/#", 1), ("b/#", 1), reasons=[2, failed, 0, failed, 1])


@since_311
@pytest.mark.parametrize("flags", [0, 1, 3, 6, 10, 15])
def test_flags(connect, version, flags):
    """[3.1.1 MQTT-3.8.1-1] [MQTT-3.8.1-1] [3.1.1 MQTT-3.10.1-1] [MQTT-3.10.1-1] [3.1.1 MQTT-2.2.2-2]: 0010 and nothing else."""
    props = b"\0" if version == 5 else b""
    client = connect(version=version)
    client.send_packet(SUBSCRIBE, b"\0\1" + props + text("a") + b"\0", flags)
    client.expect_disconnect(0x81)
    client = connect(version=version)
    client.send_packet(UNSUBSCRIBE, b"\0\1" + props + text("a"), flags)
    client.expect_disconnect(0x81)


@every_version
@pytest.mark.parametrize("bad", [b"\xff", b"a/\xed\xbf\xbf", b"\xc0\x80", b"a\0"])
def test_filters_are_utf8(connect, version, bad):
    """[3.1.1 MQTT-3.8.3-1] [MQTT-3.8.3-1] [3.1.1 MQTT-3.10.3-1] [MQTT-3.10.3-1]: in SUBSCRIBE and in UNSUBSCRIBE."""
    client = connect(version=version)
    client.send(client.subscribe_packet([(bad, 0)], 1))
    client.expect_disconnect(0x81)
    client = connect(version=version)
    client.send_packet(UNSUBSCRIBE, b"\0\1" + (b"\0" if version == 5 else b"") + text(bad))
    client.expect_disconnect(0x81)


@every_version
def test_no_filter(connect, version):
    """[3.1.1 MQTT-3.8.3-3] [MQTT-3.8.3-2] [3.1.1 MQTT-3.10.3-2] [MQTT-3.10.3-2]: one at least."""
    for kind in SUBSCRIBE, UNSUBSCRIBE:
        client = connect(version=version)
        client.send_packet(kind, b"\0\1" + (b"\0" if version == 5 else b""))
        client.expect_disconnect(0x82)


@every_version
@pytest.mark.parametrize("options", [3, 0x40, 0x80, 0xc1])
def test_reserved_options(connect, version, options):
    """[3.1.1 MQTT-3.8.3-4] [MQTT-3.8.3-5]: reserved bits and QoS 3 are malformed."""
    client = connect(version=version)
    client.send(client.subscribe_packet([("a", options)], 1))
    client.expect_disconnect(0x81)


@pytest.mark.parametrize("options", [4, 8, 16, 32])
def test_options_before_5(connect, options):
    """[3.1.1 MQTT-3.8.3-4]: what MQTT 5 has made of reserved bits is malformed in 3.1.1."""
    client = connect(version=4)
    client.send(client.subscribe_packet([("a", options)], 1))
    client.expect_closed()


def test_retain_handling_3(connect):
    """[MQTT-4.13.1-1]: a protocol error."""
    client = connect()
    client.send(client.subscribe_packet([("a", 0x30)], 1))
    client.expect_disconnect(0x82)


@every_version
@pytest.mark.parametrize("bad", ["a#", "#/a", "a/#/b", "a/b#", "##"])
def test_multi_level_wildcard(connect, version, bad):
    """[3.1.1 MQTT-4.7.1-2] [MQTT-4.7.1-1]: alone in the last level."""
    client = connect(version=version)
    client.send(client.subscribe_packet([(bad, 0)], 1))
    client.expect_disconnect(0x8f)


@every_version
@pytest.mark.parametrize("bad", ["a+", "+a", "a/+b", "a/b+/c", "++"])
def test_single_level_wildcard(connect, version, bad):
    """[3.1.1 MQTT-4.7.1-3] [MQTT-4.7.1-2]: alone in its level, whichever that is."""
    client = connect(version=version)
    client.send(client.subscribe_packet([(bad, 0)], 1))
    client.expect_disconnect(0x8f)


@every_version
def test_empty_filter(connect, version):
    """[3.1.1 MQTT-4.7.3-1] [MQTT-4.7.3-1]: a filter has one character at least."""
    client = connect(version=version)
    client.send(client.subscribe_packet([("", 0)], 1))
    client.expect_disconnect((0x81, 0x82, 0x8f))


MATCHES = [
    ("#", "a/b", True), ("+", "a", True), ("+", "a/b", False), ("+/+", "/x", True), ("/+", "/x", True), ("+", "/x", False),
    ("a/#", "a", True), ("a/#", "a/b/c", True), ("a/#", "ab", False), ("a/+", "a", False), ("a/+", "a/", True), ("a/+/c", "a//c", True),
    ("a/+/+", "a//", True), ("+/b/#", "a/b", True), ("a//b", "a//b", True), ("a//b", "a/b", False), ("/", "/", True), ("//", "/", False),
    ("/#", "/", True), ("/#", "x", False), ("a/b", "A/b", False), ("a", "a/", False), ("a/", "a", False), ("+/+", "a", False),
    ("a/+/#", "a/b", True), ("a/+/#", "a", False),
]


@every_version
def test_matching(connect, version, name):
    """[3.1.1 MQTT-4.7.1-3] [MQTT-4.7.1-2]: wildcards at every level, and levels of length zero."""
    pub = connect(version=version)
    for pattern, topic, matches in MATCHES:
        sub = connect(version=version)
        sub.subscribe(name + "/" + pattern)
        pub.publish(name + "/" + topic, "x")
        got = sub.fence(pub)
        assert [m.topic for m in got] == ([name + "/" + topic] if matches else []), (pattern, topic)
        sub.disconnect()


@pytest.mark.skipif(not has_module("probe"), reason="no test modules in this build")
@since_311
def test_wildcards_and_dollar(make_broker, version):
    """[3.1.1 MQTT-4.7.2-1] [MQTT-4.7.2-1]: a filter that begins with a wildcard doesn't match a topic that begins with $."""
    broker = make_broker({"plugins": {"probe": {"answers": [{"answer": "allow"}]}}}, listener={"authorize": ["probe"]})
    client = Client(broker, version=version).connect()
    client.subscribe("#", "+/x", "+/#")
    client.publish("$own/x", "hidden")
    assert client.fence(client) == []
    client.subscribe("$own/#")
    client.publish("$own/x", "seen")
    client.message("$own/x", "seen")


@every_version
def test_dollar_topics_without_rules(connect, version):
    """authorize: none gives everything but $-topics."""
    client = connect(version=version)
    client.subscribe("$SYS/#", reasons=[{3: 0x80, 4: 0x80, 5: 0x87}[version]])
    client.publish("$own/x", "x", 1, reason=0x87 if version == 5 else 0)


@since_311
def test_nothing_is_normalized(connect, version, name):
    """[3.1.1 MQTT-4.7.3-4] [MQTT-4.7.3-4] [3.1.1 MQTT-1.5.3-3] [MQTT-1.5.4-3]: composed and decomposed differ, U+FEFF stays, so do case and blanks."""
    topics = ["\u00e9", "e\u0301", "\ufeff\u00e9", "\u00e9\ufeff", "\u00c9", " \u00e9", "\u00e9 ", "%c3%a9", "\uffff", "\x01"]
    sub, pub = connect(version=version), connect(version=version)
    for topic in topics:
        sub.subscribe("%s/%s" % (name, topic))
    for topic in topics:
        pub.publish("%s/%s" % (name, topic), topic)
        sub.message("%s/%s" % (name, topic), topic)
    assert sub.fence(pub) == []


@since_311
def test_nul_in_topics(connect, version):
    """[3.1.1 MQTT-4.7.3-2] [MQTT-4.7.3-2] [MQTT-1.5.4-2]: neither in a topic nor in a filter."""
    client = connect(version=version)
    client.send(client.publish_packet("a\0b", "x"))
    client.expect_disconnect(0x81)
    client = connect(version=version)
    client.send(client.subscribe_packet([("a\0b", 0)], 1))
    client.expect_disconnect(0x81)


@pytest.mark.parametrize("version", [4, 5])
def test_long_topics(make_broker, version):
    """[3.1.1 MQTT-4.7.3-3] [MQTT-4.7.3-3]: 65,535 bytes work where topic-length lets them."""
    broker = make_broker({"limits": {"topic-length": 65535, "topic-levels": 65535}})
    sub, pub = Client(broker, version=version).connect(), Client(broker, version=version).connect()
    for topic in "x" * 65535, "/" * 65534, "ä" * 32767:
        sub.subscribe(topic, qos=1)
        pub.publish(topic, "x", 1)
        sub.message(topic, "x")
    sub.subscribe("+/" * 32767 + "+", qos=1)
    pub.publish("a/" * 32767 + "b", "x", 1)
    sub.message("a/" * 32767 + "b", "x")


def test_longer_topics_than_allowed(connect):
    """topic-length and topic-levels: refused, and the connection goes on."""
    client = connect()
    client.publish("x" * 4097, "x", 1, reason=0x90)
    client.publish("/" * 128, "x", 1, reason=0x90)
    client.subscribe("x" * 4097, "/" * 128, reasons=[0x8f, 0x8f])
    client.subscribe("x" * 4096, "/" * 127)
    client.publish("/" * 127, "x", 1, reason=0)


@since_311
def test_identical_filter_replaces(connect, version, name):
    """[3.1.1 MQTT-3.8.4-3] [MQTT-3.8.4-3] [MQTT-3.8.4-4]: one subscription, the new QoS, retained sent again, no message lost or doubled."""
    sub, pub = connect(version=version), connect()
    pub.publish(name, "kept", 1, retain=True)
    for qos in 0, 2, 1:
        sub.subscribe(name, qos=qos)
        sub.message(name, "kept", qos=min(qos, 1), retain=True)
        pub.publish(name, "new", 2)
        sub.message(name, "new", qos=qos)
    assert sub.fence(pub) == []
    assert sub.unsubscribe(name).reasons in ([], [0])
    pub.publish(name, "x", 2)
    assert sub.fence(pub) == []


@since_311
@pytest.mark.parametrize("published", [0, 1, 2])
@pytest.mark.parametrize("granted", [0, 1, 2])
def test_qos_is_the_lesser_one(connect, version, published, granted, name):
    """[3.1.1 MQTT-3.8.4-6] [MQTT-3.8.4-8]: of what was published and what was granted."""
    sub, pub = connect(version=version), connect()
    sub.subscribe(name, qos=granted)
    pub.publish(name, "x", published)
    sub.message(name, "x", qos=min(published, granted))


@since_311
@pytest.mark.smoke
def test_overlap(connect, version, name):
    """[3.1.1 MQTT-3.3.5-1] [MQTT-3.3.4-2]: matched by several filters, delivered once, with the highest QoS."""
    pub = connect()
    for n, granted in enumerate(itertools.permutations((0, 1, 2))):
        sub, topic = connect(version=version), "%s/%d" % (name, n)
        sub.subscribe(*zip((topic + "/#", topic + "/+", topic + "/a"), granted), (topic + "/b", 2))
        pub.publish(topic + "/a", "x", 2)
        sub.message(topic + "/a", "x", qos=2)
        assert sub.fence(pub) == []


def test_subscription_ids(connect, name):
    """[MQTT-3.3.4-3] [MQTT-3.3.4-4]: all of those that match, none else; changed with the subscription."""
    sub, pub = connect(), connect()
    sub.subscribe(name + "/#", properties={"subscription_id": 1})
    sub.subscribe(name + "/+", qos=1, properties={"subscription_id": 268435455})
    sub.subscribe(name + "/a")
    sub.subscribe(name + "/a/b", properties={"subscription_id": 200})
    for qos in 0, 1:
        pub.publish(name + "/a", "x", qos)
        assert sorted(sub.message(name + "/a").properties["subscription_id"]) == [1, 268435455]
    pub.publish(name + "/a/b", "x")
    assert sorted(sub.message(name + "/a/b").properties["subscription_id"]) == [1, 200]
    sub.subscribe(name + "/#", properties={"subscription_id": 7})
    sub.subscribe(name + "/a/b")
    pub.publish(name + "/a/b", "x")
    assert sub.message(name + "/a/b").properties["subscription_id"] == [7]
    assert sub.fence(pub) == []


def test_subscription_id_of_retained_and_resent(connect, name):
    """[MQTT-3.3.4-3]: that of the subscription which asked for it; after a resume too."""
    sub, pub = connect(name, clean=False, properties={"session_expiry": 60}), connect()
    pub.publish(name + "/r", "kept", 1, retain=True)
    sub.subscribe(name + "/#", qos=1, properties={"subscription_id": 11})
    assert sub.expect(PUBLISH, retain=True).properties["subscription_id"] == [11]
    sub.close()
    pub.publish(name + "/q", "queued", 1)
    again = connect(name, clean=False)
    assert again.expect(PUBLISH, dup=True).properties["subscription_id"] == [11]
    assert again.expect(PUBLISH, payload=b"queued").properties["subscription_id"] == [11]


@pytest.mark.parametrize("value, reason", [(b"\x0b\0", 0x82), (b"\x0b\1\x0b\1", 0x82), (b"\x0b\xff\xff\xff\xff\1", 0x81)])
def test_bad_subscription_id(connect, value, reason):
    """[MQTT-4.13.1-1]: 0, two of them, or one of five bytes."""
    client = connect()
    client.send(client.subscribe_packet([("a", 0)], 1, value))
    client.expect_disconnect(reason)


def test_no_local(connect, name):
    """[MQTT-3.8.3-3]: not to the client that published it, as long as it says so, on whichever connection."""
    one, other = connect(name, clean=False, properties={"session_expiry": 60}), connect()
    one.subscribe(name, qos=1, no_local=True)
    one.publish(name, "mine", 1)
    other.publish(name, "other's", 1)
    one.message(name, "other's")
    assert one.fence(other) == []
    one.close()
    one = connect(name, clean=False)
    one.publish(name, "mine again", 1)
    assert one.fence(one) == []
    one.subscribe(name, qos=1)
    one.publish(name, "x", 1)
    one.message(name, "x")


def test_no_local_and_retained(connect, name):
    """[MQTT-3.8.3-3]: what the client itself had retained isn't sent to it either."""
    one, other = connect(), connect()
    one.publish(name + "/mine", "mine", 1, retain=True)
    other.publish(name + "/theirs", "theirs", 1, retain=True)
    one.subscribe(name + "/+", qos=1, no_local=True)
    one.message(name + "/theirs", "theirs", retain=True)
    assert one.fence(other) == []
    one.subscribe(name + "/mine", qos=1)
    one.message(name + "/mine", "mine", retain=True)


def test_no_local_overlap(connect, name):
    """[MQTT-3.8.3-3]: another subscription of the same client without the option still gets it."""
    client = connect()
    client.subscribe(name, qos=2, no_local=True, properties={"subscription_id": 1})
    client.subscribe(name + "/#", qos=1, properties={"subscription_id": 2})
    client.publish(name, "x", 2)
    assert client.message(name, "x", qos=1).properties["subscription_id"] == [2]


@since_311
def test_unsubscribe(connect, version, name):
    """[3.1.1 MQTT-3.10.4-1] [MQTT-3.10.4-1] [3.1.1 MQTT-3.10.4-2] [MQTT-3.10.4-2]: exactly that filter, and nothing new comes by it."""
    sub, pub = connect(version=version), connect()
    sub.subscribe(name + "/+", name + "/#", name + "/a", qos=1)
    for gone in name + "/+", name + "/a":
        sub.unsubscribe(gone)
        pub.publish(name + "/a", "x", 1)
        sub.message(name + "/a", "x")
    sub.unsubscribe(name + "/A", name, name + "/+", name + "/+/")
    pub.publish(name + "/a", "still", 1)
    sub.message(name + "/a", "still")
    sub.unsubscribe(name + "/#")
    pub.publish(name + "/a", "x", 1)
    assert sub.fence(pub) == []


@since_311
def test_unsuback(connect, version, name):
    """[3.1.1 MQTT-3.10.4-4] [MQTT-3.10.4-4] [3.1.1 MQTT-3.10.4-5] [MQTT-3.10.4-5]: always answered, with its packet id."""
    client = connect(version=version)
    client.subscribe(name)
    answer = client.unsubscribe(name, packet_id=0xabcd)
    assert answer.raw == (b"\xb0\4\xab\xcd\0\0" if version == 5 else b"\xb0\2\xab\xcd")
    answer = client.unsubscribe(name, packet_id=0xabce)
    assert answer.raw == (b"\xb0\4\xab\xce\0\x11" if version == 5 else b"\xb0\2\xab\xce")


@since_311
def test_unsubscribe_several(connect, version, name):
    """[3.1.1 MQTT-3.10.4-6] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2]: as if each came alone, one UNSUBACK, codes in order."""
    sub, pub = connect(version=version), connect()
    sub.subscribe(name + "/a", name + "/b", name + "/c")
    answer = sub.unsubscribe(name + "/a", name + "/x", name + "/c", name + "/a")
    assert answer.reasons == ([0, 0x11, 0, 0x11] if version == 5 else [])
    for topic in "abc":
        pub.publish(name + "/" + topic, topic)
    sub.message(name + "/b", "b")
    assert sub.fence(pub) == []


@since_311
def test_unsubscribe_finishes_what_was_begun(connect, version, name):
    """[3.1.1 MQTT-3.10.4-3] [MQTT-3.10.4-3]: QoS 1 and 2 that were sent are finished, after a resume too."""
    sub, pub = connect(name, version, clean=False, properties={"session_expiry": 60}), connect()
    sub.subscribe(name, qos=2)
    pub.publish(name, "one", 1)
    pub.publish(name, "two", 2)
    one, two = sub.expect(PUBLISH), sub.expect(PUBLISH)
    sub.unsubscribe(name)
    sub.ack(PUBREC, two.packet_id)
    sub.expect(PUBREL, packet_id=two.packet_id)
    sub.close()
    again = connect(name, version, clean=False)
    again.expect(PUBREL, packet_id=two.packet_id)
    again.expect(PUBLISH, packet_id=one.packet_id, dup=True)
    again.ack(PUBCOMP, two.packet_id)
    again.ack(PUBACK, one.packet_id)
    again.quiet()


def test_subscriptions_are_bounded(make_broker):
    """subscriptions: one more is refused; a replacement isn't one more; more filters in a packet end the connection."""
    broker = make_broker({"limits": {"subscriptions": 3}})
    for version, failed in (5, 0x97), (4, 0x80):
        client = Client(broker, version=version).connect()
        client.subscribe("a", "b", "c")
        client.subscribe("d", reasons=[failed])
        client.subscribe("a", qos=1)
        client.unsubscribe("b")
        client.subscribe("d")
        client.send(client.subscribe_packet([("x%d" % n, 0) for n in range(4)], 5))
        client.expect_disconnect(0x97)


def test_many_filters_in_one_packet(connect, name):
    """A thousand at once."""
    client = connect()
    client.subscribe(*["%s/%d" % (name, n) for n in range(1000)])
    client.publish(name + "/999", "x")
    client.message(name + "/999", "x")


def test_properties_of_subscribe(connect):
    """[MQTT-4.13.1-1]: none that belong to another packet."""
    for props in {"session_expiry": 1}, {"subscription_ids_available": 1}, {"reason_string": "x"}:
        client = connect()
        client.send(client.subscribe_packet([("a", 0)], 1, props))
        client.expect_disconnect(0x81)
    client = connect()
    client.send_packet(UNSUBSCRIBE, b"\0\1\2\x0b\1" + text("a"))
    client.expect_disconnect(0x81)
    client = connect()
    client.subscribe("a", properties={"user_property": [("a", "b"), ("a", "b")]})
    client.unsubscribe("a", properties={"user_property": [("a", "b"), ("a", "b")]})


# ---- shared subscriptions


def members(connect, name, count, version=5, **how):
    return [connect("%s-m%d" % (name, n), version, **how) for n in range(count)]


def all_of(clients, publisher):
    """What each has got, acknowledged: payloads."""
    got = []
    for client in clients:
        messages = client.fence(publisher)
        for message in messages:
            client.finish(message)
        got.append([m.payload for m in messages])
    return got


@every_version
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.smoke
@pytest.mark.threads
def test_shared(connect, broker, version, qos, name):
    """[MQTT-4.8.2-3]: each message to one member, every member gets some, with the QoS granted; older versions have groups too."""
    group, pub = spread(broker, connect, name, 5, version), connect()
    for member in group:
        member.subscribe("$share/g/%s/+" % name, qos=qos)
    other = connect()
    other.subscribe("$share/other/%s/#" % name, qos=2)
    plain = connect()
    plain.subscribe(name + "/#")
    payloads = [b"%d" % n for n in range(50)]
    for payload in payloads:
        pub.publish(name + "/t", payload, 2)
    for payload in payloads:
        plain.message(name + "/t", payload)
        other.message(name + "/t", payload, qos=2)
    seen = []
    for member in group:
        mine = member.fence(pub)
        assert mine and {m.qos for m in mine} == {qos}
        seen += [m.payload for m in mine]
    assert sorted(seen) == sorted(payloads)


@pytest.mark.parametrize("bad", ["$share/", "$share//a", "$share/g", "$share/g/", "$share/+/a", "$share/#/a", "$share/g#/a",
                                 "$share/a+b/c", "$share/g/a/#/b", "$share/g/a+"])
def test_share_rules(connect, bad):
    """[MQTT-4.8.2-1] [MQTT-4.8.2-2]: a name of one character at least, without wildcards, and a filter behind it."""
    client = connect()
    client.send(client.subscribe_packet([(bad, 0)], 1))
    client.expect_disconnect(0x8f)


def test_share_names_and_filters(connect, name):
    """[MQTT-4.8.2-1] [MQTT-4.8.2-2]: any other name; filters with wildcards, empty levels, a leading slash."""
    client = connect()
    filters = ["$share/%s/%s" % (group, f) for group in ("g", "$share", "ä b", "x" * 100)
               for f in (name, "/" + name, name + "/#", "+/" + name, "//" + name)]
    client.subscribe(*filters)
    client.publish("/" + name, "x")
    for _ in range(8):  # "/name" and "+/name", in four groups
        client.message("/" + name, "x")
    assert client.fence(client) == []
    client.unsubscribe(*filters)
    client.publish("/" + name, "x")
    assert client.fence(client) == []


def test_share_and_no_local(connect):
    """[MQTT-3.8.3-4]: a protocol error."""
    client = connect()
    client.send(client.subscribe_packet([("$share/g/a", 4)], 1))
    client.expect_disconnect(0x82)


def test_no_retained_for_a_group(connect, name):
    """Retained messages aren't sent for shared subscriptions, whatever the retain handling says."""
    client = connect()
    client.publish(name, "kept", 1, retain=True)
    client.subscribe("$share/g/" + name, qos=1, retain_handling=0)
    assert client.fence(client) == []


def test_leaving_a_group(connect, broker, name):
    """Who unsubscribes or disconnects gets no more; the others get it all."""
    group, pub = spread(broker, connect, name, 4), connect()
    for member in group:
        member.subscribe("$share/g/" + name, qos=1)
    group[0].unsubscribe("$share/g/" + name)
    group[1].disconnect()
    for n in range(20):
        pub.publish(name, str(n), 1, reason=0)
    assert group[0].fence(pub) == []
    got = all_of(group[2:], pub)
    assert sorted(sum(got, [])) == sorted(b"%d" % n for n in range(20)) and all(got)


@pytest.mark.threads
def test_vanished_member(connect, broker, name):
    """What a member whose session ended hadn't acknowledged (QoS 1), or hadn't been sent yet, goes to another."""
    group, pub = spread(broker, connect, name, 4, properties={"receive_maximum": 3}), connect()
    for member in group:
        member.subscribe("$share/g/" + name, qos=1)
    payloads = [b"%d" % n for n in range(60)]
    for payload in payloads:
        pub.publish(name, payload, 1)
    for member in group[:-1]:
        for _ in range(3):
            member.expect(PUBLISH, qos=1)
        member.close()
    last, seen = group[-1], set()
    while seen != set(payloads):
        seen.add(last.message(name).payload)
    assert last.fence(pub) == []


def test_vanished_member_of_qos_2(connect, broker, name):
    """[MQTT-4.8.2-4] [MQTT-4.8.2-5]: QoS 2 that was begun is finished with the same client when it returns, and given to nobody else if it doesn't."""
    keep = {"session_expiry": 60}
    one, two = members(connect, name, 2, clean=False, properties=keep)
    pub = connect()
    one.subscribe("$share/g/" + name, qos=2)
    pub.publish(name, "begun", 2)
    begun = one.expect(PUBLISH, qos=2)
    two.subscribe("$share/g/" + name, qos=2)
    one.close()
    pub.publish(name, "for the other", 2)
    two.message(name, "for the other")
    assert two.fence(pub) == []
    one = connect(one.client_id, clean=False, properties=keep)
    one.finish(one.expect(PUBLISH, payload=b"begun", packet_id=begun.packet_id, dup=True))
    two.close()
    pub.publish(name, "never", 2)
    one.expect(PUBLISH, payload=b"never")
    two = connect(two.client_id, clean=False, properties=keep)
    one.close()
    connect(one.client_id).ping()  # clean start: the session ends
    assert two.fence(pub) == []


@pytest.mark.parametrize("qos, kind", [(1, PUBACK), (2, PUBREC)])
def test_refused_by_a_member(connect, qos, kind, name):
    """[MQTT-4.8.2-6]: a message that a member refuses is given to nobody else."""
    group, pub = members(connect, name, 3), connect()
    for member in group:
        member.subscribe("$share/g/" + name, qos=2)
    pub.publish(name, "x", qos)
    chosen, end = [], time.monotonic() + DEADLINE
    while not chosen and time.monotonic() < end:  # it goes by the group's worker, the fence doesn't
        for member in group:
            chosen += [(member, m) for m in member.fence(pub)]
    assert len(chosen) == 1
    member, message = chosen[0]
    member.ack(kind, message.packet_id, 0x80)
    member.ping()
    assert all_of(group, pub) == [[], [], []]
    member.disconnect()
    group.remove(member)
    assert all_of(group, pub) == [[], []]


def test_qos_2_once_each_in_a_group(connect, broker, name):
    """Members that come and go while messages flow: none is lost, QoS 2 never doubled."""
    group, pub = spread(broker, connect, name, 4, clean=False, properties={"session_expiry": 60}), connect()
    for member in group:
        member.subscribe("$share/g/" + name, qos=2)
    seen, total = [], 120
    for n in range(total):
        pub.publish(name, str(n), 2)
        if n % 10 == 9:
            at = n // 10 % 4
            group[at].close()
            group[at] = connect(group[at].client_id, clean=False, properties={"session_expiry": 60})
    idle = 0
    while len(seen) < total:
        before = len(seen)
        for member in group:
            member.ping()
            while member.inbox:
                if member.inbox[0].type == PUBLISH:
                    seen.append(member.message(name).payload)
                else:
                    got = member.recv()
                    assert got.type == PUBREL
                    member.ack(PUBCOMP, got.packet_id)
        idle = idle + 1 if before == len(seen) else 0
        assert idle < 200, "%d of %d" % (len(seen), total)
    assert sorted(seen) == sorted(b"%d" % n for n in range(total))
