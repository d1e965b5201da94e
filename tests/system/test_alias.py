# SPDX-License-Identifier: Apache-2.0
"""Topic aliases, both ways. In docstrings, [MQTT-...] is of MQTT 5.0."""
import pytest

from gatehouse import PUBLISH, Client


def test_aliases_of_a_client(connect, name):
    """[MQTT-3.3.2-12]: all from 1 to the maximum, set and changed at will; the subscriber sees topics."""
    pub, sub = connect(), connect()
    sub.subscribe(name + "/#", qos=1)
    most = pub.connack.properties["topic_alias_maximum"]
    for alias in range(1, most + 1):
        pub.publish("%s/%d" % (name, alias), "set", properties={"topic_alias": alias})
        sub.message("%s/%d" % (name, alias), "set")
    for alias in reversed(range(1, most + 1)):
        for qos in 0, 1, 2:
            pub.publish("", "used", qos, properties={"topic_alias": alias})
            assert sub.message("%s/%d" % (name, alias), "used").properties == {}
    pub.publish(name + "/new", "set", properties={"topic_alias": 1})
    pub.publish("", "used", properties={"topic_alias": 1})
    sub.message(name + "/new", "set")
    sub.message(name + "/new", "used")


@pytest.mark.parametrize("alias", [17, 1000, 65535])
def test_alias_above_the_maximum(connect, alias):
    """[MQTT-3.2.2-17] [MQTT-3.3.2-9]: 0x94 and the end."""
    client = connect()
    client.send(client.publish_packet("t", "x", properties={"topic_alias": alias}))
    client.expect_disconnect(0x94)


def test_alias_0(connect):
    """[MQTT-3.3.2-8]: 0x94 and the end."""
    client = connect()
    client.send(client.publish_packet("t", "x", properties={"topic_alias": 0}))
    client.expect_disconnect(0x94)


def test_unknown_alias(connect):
    """[MQTT-4.13.1-1]: no topic, and an alias that stands for none."""
    client = connect()
    client.send(client.publish_packet("", "x", properties={"topic_alias": 3}))
    client.expect_disconnect(0x82)


def test_aliases_end_with_their_connection(connect, name):
    """[MQTT-3.3.2-7]: they aren't part of the session."""
    keep = {"session_expiry": 60}
    client = connect(name, clean=False, properties=keep)
    client.publish("t", "x", 1, properties={"topic_alias": 1})
    client.close()
    again = connect(name, clean=False, properties=keep)
    assert again.connack.session_present
    again.send(again.publish_packet("", "x", properties={"topic_alias": 1}))
    again.expect_disconnect(0x82)


def test_aliases_turned_off(make_broker):
    """[MQTT-3.2.2-18] [MQTT-3.2.2-17]: topic-alias-max 0: none is announced, none accepted, none sent."""
    broker = make_broker({"limits": {"topic-alias-max": 0}})
    client = Client(broker).connect(properties={"topic_alias_maximum": 10})
    assert "topic_alias_maximum" not in client.connack.properties
    client.subscribe("a/long/topic")
    for _ in range(3):
        client.publish("a/long/topic", "x")
        assert client.expect(PUBLISH, topic="a/long/topic").properties == {}
    client.send(client.publish_packet("t", "x", properties={"topic_alias": 1}))
    client.expect_disconnect(0x94)


@pytest.mark.parametrize("props", [None, {"topic_alias_maximum": 0}])
def test_no_alias_unless_asked_for(connect, name, props):
    """[MQTT-3.1.2-27]: none to a client that hasn't said how many it takes."""
    sub, pub = connect(properties=props), connect()
    sub.subscribe(name + "/a/long/topic")
    for _ in range(5):
        pub.publish(name + "/a/long/topic", "x")
        assert sub.expect(PUBLISH, topic=name + "/a/long/topic").properties == {}


def test_aliases_of_the_broker(connect, name):
    """[MQTT-3.1.2-26] [MQTT-3.3.2-11]: never above what the client takes; the least recently used one is given anew."""
    sub, pub = connect(properties={"topic_alias_maximum": 2}), connect()
    sub.subscribe(name + "/#")
    seen = []
    for letter in "aabbacca":
        pub.publish("%s/topic/%s" % (name, letter), letter)
        got = sub.expect(PUBLISH, payload=letter.encode())
        assert 1 <= got.properties["topic_alias"] <= 2
        seen.append((got.topic.split("/")[-1], got.properties["topic_alias"]))
    one, two = seen[0][1], seen[2][1]
    assert seen == [("a", one), ("", one), ("b", two), ("", two), ("", one), ("c", two), ("", two), ("", one)]
    pub.publish(name + "/topic/b", "b")
    assert sub.expect(PUBLISH, topic=name + "/topic/b").properties["topic_alias"] == two


@pytest.mark.parametrize("most", [1, 16, 65535])
def test_many_topics_with_aliases(connect, name, most):
    """[MQTT-3.1.2-26]: whatever the client takes, each message arrives under its topic."""
    sub, pub = connect(properties={"topic_alias_maximum": most}), connect()
    sub.subscribe(name + "/#")
    topics = ["%s/with/a/long/name/%d" % (name, n * n % 41) for n in range(200)]
    for topic in topics:
        pub.publish(topic, topic)
    for topic in topics:
        sub.message(topic, topic)


def test_aliases_of_what_is_resent(connect, name):
    """[MQTT-3.3.2-7]: after a resume the broker begins with topics again, also for what it sends again."""
    keep = {"session_expiry": 60, "topic_alias_maximum": 5}
    sub, pub = connect(name, clean=False, properties=keep), connect()
    sub.subscribe(name + "/topic", qos=1)
    for n in range(3):
        pub.publish(name + "/topic", str(n), 1)
        sub.expect(PUBLISH)
    sub.close()
    again = connect(name, clean=False, properties=keep)
    assert [again.expect(PUBLISH, dup=True).topic for _ in range(3)] == [name + "/topic", "", ""]
