# SPDX-License-Identifier: Apache-2.0
"""Retained messages. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import itertools
import socket
import time

import pytest

from gatehouse import PUBACK, PUBLISH, SANITIZED, SUBACK, Broker, Client

every_version = pytest.mark.parametrize("version", [3, 4, 5])
since_311 = pytest.mark.parametrize("version", [4, 5])


@every_version
@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.smoke
def test_retained(connect, version, qos, name):
    """[3.1.1 MQTT-3.3.1-5] [3.1.1 MQTT-3.3.1-6] [3.1.1 MQTT-3.3.1-8] [MQTT-3.3.1-5] [MQTT-3.3.1-9]: the last one, with its QoS, to who subscribes later, RETAIN 1."""
    pub, sub = connect(version=version), connect(version=version)
    for payload in "first", "last":
        pub.publish(name, payload, qos, retain=True)
    pub.ping()
    sub.subscribe(name, qos=2)
    sub.message(name, "last", qos=qos, retain=True, dup=False)
    assert sub.fence(pub) == []


@since_311
def test_qos_0_replaces(connect, version, name):
    """[3.1.1 MQTT-3.3.1-7] [MQTT-3.3.1-5]: QoS 0 replaces what was kept before, too."""
    pub, sub = connect(version=version), connect(version=version)
    pub.publish(name, "old", 2, retain=True)
    pub.publish(name, "new", 0, retain=True)
    pub.ping()
    sub.subscribe(name, qos=2)
    sub.message(name, "new", qos=0, retain=True)
    assert sub.fence(pub) == []


@since_311
def test_retain_flag_of_live_messages(connect, version, name):
    """[3.1.1 MQTT-3.3.1-9] [MQTT-3.3.1-12]: 0 for a subscription that was there before."""
    pub, sub = connect(version=version), connect(version=version)
    sub.subscribe(name, qos=1)
    pub.publish(name, "x", 1, retain=True)
    sub.message(name, "x", retain=False)


def test_retain_as_published(connect, name):
    """[MQTT-3.3.1-13]: as the publisher had it; a retained message has it set anyway."""
    pub, sub = connect(), connect()
    sub.subscribe(name, qos=1, retain_as_published=True)
    pub.publish(name, "x", 1, retain=True)
    pub.publish(name, "y", 1, retain=False)
    sub.message(name, "x", retain=True)
    sub.message(name, "y", retain=False)
    sub.subscribe(name, retain_as_published=False)
    sub.message(name, "x", retain=True)


def test_retain_as_published_of_a_group(connect, name):
    """[MQTT-3.3.1-12] [MQTT-3.3.1-13]: shared subscriptions too."""
    pub, plain, published = connect(), connect(), connect()
    plain.subscribe("$share/a/" + name)
    published.subscribe("$share/b/" + name, retain_as_published=True)
    pub.publish(name, "x", retain=True)
    plain.message(name, "x", retain=False)
    published.message(name, "x", retain=True)


@since_311
def test_empty_payload_removes(connect, version, name):
    """[3.1.1 MQTT-3.3.1-10] [3.1.1 MQTT-3.3.1-11] [MQTT-3.3.1-6] [MQTT-3.3.1-7]: passed on, removes what was kept, isn't kept."""
    pub, sub, late = connect(version=version), connect(version=version), connect(version=version)
    pub.publish(name, "x", 1, retain=True)
    sub.subscribe(name, qos=1)
    sub.message(name, "x", retain=True)
    pub.publish(name, "", 1, retain=True)
    sub.message(name, "", retain=False)
    late.subscribe(name + "/#", qos=1)
    assert late.fence(pub) == []


@since_311
def test_retain_0_keeps_nothing(connect, version, name):
    """[3.1.1 MQTT-3.3.1-12] [MQTT-3.3.1-8]: neither stored, nor does it replace or remove."""
    pub, sub = connect(version=version), connect(version=version)
    pub.publish(name + "/a", "x", 1)
    pub.publish(name + "/b", "kept", 1, retain=True)
    pub.publish(name + "/b", "x", 1)
    pub.publish(name + "/b", "", 1)
    sub.subscribe(name + "/#")
    sub.message(name + "/b", "kept")
    assert sub.fence(pub) == []


def test_retain_handling(connect, name):
    """[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]: 0 always, 1 for a new subscription, 2 never."""
    pub, sub = connect(), connect()
    pub.publish(name, "x", 1, retain=True)
    sub.subscribe(name, retain_handling=2)
    assert sub.fence(pub) == []
    sub.subscribe(name, retain_handling=1)
    assert sub.fence(pub) == []
    sub.unsubscribe(name)
    for handling, comes in (1, True), (1, False), (0, True), (0, True), (2, False):
        sub.subscribe(name, retain_handling=handling)
        assert [m.payload for m in sub.fence(pub)] == ([b"x"] if comes else [])


@since_311
def test_retained_outlives_its_session(connect, version, name):
    """[3.1.1 MQTT-3.1.2-7] [3.1.1 MQTT-3.1.2-6]: it isn't part of the publisher's session."""
    pub = connect(name, version)
    pub.publish(name, "x", 1, retain=True)
    pub.disconnect()
    connect(name, version).disconnect()
    sub = connect(version=version)
    sub.subscribe(name)
    sub.message(name, "x", retain=True)


def test_properties_of_a_retained_message(connect, name):
    """[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-20]: kept with it."""
    props = {"payload_format": 1, "content_type": "c", "response_topic": "r", "correlation_data": b"\0", "user_property": [("b", "1"), ("a", "2")]}
    connect().publish(name, "x", 1, retain=True, properties=props)
    sub = connect()
    sub.subscribe(name)
    assert sub.message(name, "x").properties == props


def test_wildcards_over_retained(connect, name):
    """Each matching topic once a filter; those of two filters twice; levels of length zero."""
    pub, sub = connect(), connect()
    topics = ["%s/%s" % (name, t) for t in ("a", "a/b", "a/b/c", "", "/", "a//c", "b")]
    for topic in topics + [name]:
        pub.publish(topic, topic, 1, retain=True)
    for pattern, matching in (("#", topics + [name]), ("+", [topics[0], topics[3], topics[6]]), ("a/+/c", [topics[2], topics[5]]),
                              ("a/#", [topics[0], topics[1], topics[2], topics[5]]), ("+/+", [topics[1], topics[4]]), ("/", [topics[4]])):
        sub.subscribe("%s/%s" % (name, pattern))
        assert sorted(m.topic for m in sub.fence(pub)) == sorted(matching), pattern


@pytest.fixture(scope="module")
def ten_thousand():
    """A broker with 10,000 retained messages of QoS 1."""
    with Broker() as broker:
        pub = Client(broker).connect()
        for start in range(0, 10000, 500):
            pub.send(*[pub.publish_packet("r/%d/%d" % (n % 100, n), b"%d" % n, 1, retain=True) for n in range(start, start + 500)])
            for _ in range(500):
                pub.expect(PUBACK)
        pub.disconnect()
        yield broker


@pytest.mark.parametrize("version, window", [(5, 10), (5, 65535), (4, None)])
def test_ten_thousand(ten_thousand, version, window):
    """[MQTT-3.3.1-9] [MQTT-3.3.4-9] [3.1.1 MQTT-3.3.1-6]: all of them come, within the window."""
    how = {"properties": {"receive_maximum": window}} if window else {}
    sub, pub = Client(ten_thousand, version=version).connect(**how), Client(ten_thousand).connect()
    sub.subscribe("r/#", "live", qos=1)
    open_at_most = window if window == 10 else 100
    pub.publish("live", "while they come", 1)
    got, live, pending = set(), 0, [sub.recv() for _ in range(open_at_most)]
    sub.ping()
    assert not sub.inbox
    while pending:
        message = pending.pop(0)
        sub.ack(PUBACK, message.packet_id)
        if message.topic == "live":
            live += 1
        else:
            assert message.retain and message.payload not in got
            got.add(message.payload)
        if len(got) + live + len(pending) < 10001:
            pending.append(sub.expect(PUBLISH, qos=1))
    assert len(got) == 10000 and live == 1
    assert sub.fence(pub) == []


def test_ten_thousand_of_qos_0(ten_thousand):
    """All of them, though they are more than output-bytes lets through at once for a reader that sleeps."""
    sub = Client(ten_thousand).connect()
    sub.subscribe("r/+/+")
    assert len({sub.expect(PUBLISH, qos=0, retain=True).payload for _ in range(10000)}) == 10000
    sub.subscribe("r/7/#")
    assert len({sub.expect(PUBLISH, retain=True).payload for _ in range(100)}) == 100


def test_large_retained_to_a_slow_reader(make_broker):
    """Ten times output-bytes of retained messages wait for the reader, none is lost."""
    broker = make_broker({"limits": {"output-bytes": "64k"}})
    pub, sub = Client(broker).connect(), Client(broker).connect()
    for n in range(100):
        pub.publish("big/%d" % n, b"%03d" % n + b"." * 8000, 1, retain=True)
    sub.subscribe("big/#")
    assert sorted(sub.message(retain=True).payload[:3] for _ in range(100)) == [b"%03d" % n for n in range(100)]


@pytest.mark.parametrize("limit", [{"retained-messages": 3}, {"retained-bytes": "4k"}, {"retained-size": 100}])
def test_bounds(make_broker, limit):
    """retained-messages, -bytes, -size: refused with 0x97, neither kept nor delivered; replacing and removing go on."""
    broker = make_broker({"limits": limit})
    client, sub = Client(broker).connect(), Client(broker).connect()
    for n in range(3):
        client.publish("k/%d" % n, "x", 1, retain=True, reason=0x10)
    client.publish("k/3", b"x" * 4096, 1, retain=True, reason=0x97)
    client.publish("k/1", "new", 1, retain=True)
    client.publish("k/2", "", 1, retain=True)
    client.publish("k/3", "fits now", 1, retain=True)
    sub.subscribe("k/#")
    assert {(m.topic, m.payload) for m in sub.fence(client)} == {("k/0", b"x"), ("k/1", b"new"), ("k/3", b"fits now")}
    assert broker.metric("gatehouse_retained_refused_total") == 1
    assert broker.ctl("status")["retained"] == 3


def test_newest_value_wins(connect, broker, name):
    """Subscribing while others publish: the last value seen is the last one published."""
    pubs = [connect(properties={"receive_maximum": 100}) for _ in range(2)]
    for turn in range(20):
        topic, subs = "%s/%d" % (name, turn), [connect() for _ in range(4)]
        for n in range(10):
            pubs[0].send(pubs[0].publish_packet(topic, b"%d" % n, 1, retain=True))
            if n == 5:
                for sub in subs:
                    sub.send(sub.subscribe_packet([(topic, 1)], 1))
        for sub in subs:
            while sub.message().payload != b"9":
                pass
            sub.disconnect()


def test_many_filters_of_one_packet(make_broker, connect):
    """So many messages as may wait, and no more, however many filters match them: the others are refused."""
    broker = make_broker()
    publisher, subscriber = connect(to=broker), connect(to=broker)
    levels = ["a", "b", "c", "d", "e", "f"]
    for i in range(9000):
        publisher.send(publisher.publish_packet("/".join(["top"] + levels + [str(i)]), "x", retain=True))
    publisher.ping()
    filters = ["/".join(["top"] + ["+" if any_of_it else level for any_of_it, level in zip(some, levels)] + [last])
               for some in itertools.product((0, 1), repeat=6) for last in ("+", "#")]
    before = broker.memory()
    subscriber.send(subscriber.subscribe_packet([(one, 0) for one in filters], 1))
    reasons = subscriber.wait_for(SUBACK, packet_id=1).reasons
    granted = reasons.count(0)
    assert reasons == [0] * granted + [0x97] * (len(filters) - granted)
    assert 9000 * granted >= 1 << 20 > 9000 * (granted - 1)
    assert broker.memory() - before < (60 << 20 if SANITIZED else 30 << 20)
    assert broker.clients()[subscriber.client_id]["subscriptions"] == granted


@pytest.fixture(scope="module")
def deep():
    """4,000 retained messages below 100 levels each: 400,000 places in the store."""
    with Broker({"workers": 1}) as broker:
        pub = Client(broker).connect()
        for first in range(4000):
            pub.send(pub.publish_packet("/".join([str(first)] + ["a"] * 98 + ["end"]), str(first), retain=True))
        pub.ping()
        pub.close()
        yield broker


def test_costly_filters_hold_up_nobody(deep):
    """Filters that match nothing but visit everything: others of the worker are answered in between."""
    asker, other = Client(deep).connect(), Client(deep).connect()
    asker.send(asker.subscribe_packet([("+/" * 99 + "z%d" % n, 0) for n in range(150)], 1))
    while deep.ctl("status")["subscriptions"] == 0:
        pass
    worst = 0
    for _ in range(20):
        began = time.monotonic()
        other.ping()
        worst = max(worst, time.monotonic() - began)
    assert worst < (5 if SANITIZED else 0.5)
    asker.expect(SUBACK, packet_id=1)
    for client in (asker, other):
        client.close()


def test_gathered_in_slices(deep):
    """All of them, each once, and those of other filters of the SUBSCRIBE too; what is set meanwhile as well."""
    sub, pub = Client(deep).connect(), Client(deep).connect()
    pub.publish("one/more", "x", 1, retain=True)
    sub.send(sub.subscribe_packet([("+/" * 99 + "end", 0), ("+/more", 0), ("+/" * 99 + "end/#", 0), ("one/+", 0)], 1))
    pub.publish("/".join(["new"] + ["a"] * 98 + ["end"]), "new", 1, retain=True)
    sub.wait_for(SUBACK, packet_id=1)
    sub.ping()
    pub.ping()
    got = [one for one in sub.fence(pub) if one.type == PUBLISH]
    payloads = [one.payload for one in got if one.retain]
    assert sorted(int(p) for p in payloads if p not in (b"x", b"new")) == sorted(list(range(4000)) * 2)
    assert payloads.count(b"x") == 2 and b"new" in [one.payload for one in got]
    pub.publish("/".join(["new"] + ["a"] * 98 + ["end"]), "", 1, retain=True)
    for client in (sub, pub):
        client.close()


def test_gone_while_it_is_gathered(deep):
    """The connection, or the session by a takeover."""
    for how in ("drop", "takeover", "close"):
        asker = Client(deep, "asker").connect()
        asker.send(asker.subscribe_packet([("+/" * 99 + "z%d" % n, 0) for n in range(40)], 1))
        while deep.ctl("status")["subscriptions"] == 0:
            pass
        if how == "drop":
            asker.reset()
        elif how == "takeover":
            Client(deep, "asker").connect().close()
            asker.expect_disconnect(0x8e)
        else:
            asker.socket.shutdown(socket.SHUT_WR)
        Client(deep, "asker").connect().close()
        assert deep.ctl("status")["subscriptions"] == 0
