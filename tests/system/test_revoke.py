# SPDX-License-Identifier: Apache-2.0
"""A right that is taken away is gone wherever a message waits; a right that stays isn't disturbed."""
import pytest

from gatehouse import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Broker, Client, Will, has_module

pytestmark = [pytest.mark.skipif(not has_module("probe"), reason="no test modules in this build"), pytest.mark.threads]
KEEP = {"session_expiry": 60}


class Policy:
    """What joe and ann may do; everything, until it is denied."""

    def __init__(self):
        self.denied = []
        self.broker = Broker(self.config())
        self.broker.policy = self

    def config(self):
        users = [{"hook": "authenticate", "user": u, "answer": "allow", "principal": u} for u in ("joe", "ann")]
        return {"plugins": {"probe": {"answers": users + self.denied + [{"hook": "authorize", "answer": "allow"}]}},
                "listeners": {"test": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]}}}

    def deny(self, action, topic, user="joe", answer="deny"):
        self.change({"hook": "authorize", "action": action, "topic": topic, "user": user, "answer": answer})

    def change(self, rule):
        self.denied.append(rule)
        self.broker.write(self.config())
        self.broker.reload()


@pytest.fixture(scope="module")
def broker():
    policy = Policy()
    with policy.broker as one:
        yield one


@pytest.fixture
def joe(connect):
    return lambda client_id=None, **how: connect(client_id, username="joe", **how)


@pytest.fixture
def ann(connect):
    return connect(username="ann")


def settled(broker):
    """The re-check after a reload has come to its end: what it does is done when each worker answers again."""
    broker.clients()


def test_live(broker, joe, ann, name):
    """The next message isn't delivered; others are, and the client stays."""
    sub = joe()
    sub.subscribe(name + "/#", qos=1)
    for topic in name + "/a", name + "/b":
        ann.publish(topic, "before", 1)
        sub.message(topic, "before")
    broker.policy.deny("receive", name + "/a")
    for topic in name + "/a", name + "/b":
        for qos in 0, 1, 2:
            ann.publish(topic, "after", qos)
    for _ in range(3):
        sub.message(name + "/b", "after")
    assert sub.fence(ann) == []


def test_subscription(broker, joe, ann, name):
    """A filter that may no longer be subscribed to ends, as if it had been unsubscribed from."""
    sub = joe()
    sub.subscribe(name, name + "/other", qos=1)
    broker.policy.deny("subscribe", name)
    while broker.clients()[sub.client_id]["subscriptions"] != 1:
        settled(broker)
    ann.publish(name, "x", 1)
    ann.publish(name + "/other", "y", 1)
    sub.message(name + "/other", "y")
    assert sub.fence(ann) == []


def test_queued_offline(broker, joe, ann, name):
    """What waits for a client that is away."""
    sub = joe(name, clean=False, properties=KEEP)
    sub.subscribe(name + "/#", qos=2)
    sub.close()
    for topic in name + "/a", name + "/b":
        ann.publish(topic, "x", 1)
        ann.publish(topic, "y", 2)
    broker.policy.deny("receive", name + "/a")
    again = joe(name, clean=False, properties=KEEP)
    again.message(name + "/b", "x")
    again.message(name + "/b", "y")
    assert again.fence(ann) == []


def test_behind_a_full_window(broker, joe, ann, name):
    """What waits for acknowledgements."""
    sub = joe(properties={"receive_maximum": 1})
    sub.subscribe(name + "/#", qos=1)
    ann.publish(name + "/b", "sent", 1)
    for topic in name + "/a", name + "/b":
        ann.publish(topic, "waits", 1)
    sent = sub.expect(PUBLISH, payload=b"sent")
    broker.policy.deny("receive", name + "/a")
    sub.ack(PUBACK, sent.packet_id)
    sub.message(name + "/b", "waits")
    assert sub.fence(ann) == []


def test_in_flight_and_resent(broker, joe, ann, name):
    """What was sent and not acknowledged isn't sent again."""
    sub = joe(name, clean=False, properties=KEEP)
    sub.subscribe(name + "/#", qos=2)
    for topic in name + "/a", name + "/b":
        for qos in 1, 2:
            ann.publish(topic, str(qos), qos)
            sub.expect(PUBLISH, topic=topic, qos=qos)
    sub.close()
    broker.policy.deny("receive", name + "/a")
    again = joe(name, clean=False, properties=KEEP)
    for qos in 1, 2:
        again.finish(again.expect(PUBLISH, topic=name + "/b", qos=qos, dup=True))
    assert again.fence(ann) == []


def test_qos_2_between_pubrec_and_pubrel(broker, joe, ann, name):
    """The receiver has it already: the exchange comes to its end, the message isn't sent again."""
    sub = joe(name, clean=False, properties=KEEP)
    sub.subscribe(name, qos=2)
    ann.publish(name, "x", 2)
    packet_id = sub.expect(PUBLISH).packet_id
    sub.ack(PUBREC, packet_id)
    sub.expect(PUBREL)
    sub.close()
    broker.policy.deny("receive", name)
    again = joe(name, clean=False, properties=KEEP)
    again.expect(PUBREL, packet_id=packet_id)
    again.ack(PUBCOMP, packet_id)
    assert again.fence(ann) == []


def test_publisher_between_pubrec_and_pubrel(broker, joe, ann, name):
    """A publisher that loses its right then: the message was accepted once, and isn't twice."""
    ann.subscribe(name, qos=2)
    pub = joe()
    pub.send(pub.publish_packet(name, "x", 2, packet_id=7))
    pub.expect(PUBREC, packet_id=7, reason=0)
    broker.policy.deny("publish", name)
    pub.ack(PUBREL, 7)
    pub.expect(PUBCOMP, packet_id=7, reason=0)
    pub.publish(name, "y", 2, reason=0x87)
    ann.message(name, "x")
    assert ann.fence(pub) == []


def test_topic_alias(broker, joe, ann, name):
    """An alias that was set while it was allowed."""
    ann.subscribe(name)
    pub = joe()
    pub.publish(name, "before", 1, properties={"topic_alias": 1})
    pub.publish("", "before", 1, properties={"topic_alias": 1})
    broker.policy.deny("publish", name)
    pub.publish("", "after", 1, reason=0x87, properties={"topic_alias": 1})
    ann.message(name, "before")
    ann.message(name, "before")
    assert ann.fence(pub) == []


def test_will(broker, joe, ann, name):
    """A will is published only if that is still allowed when it fires: at once, or after its delay."""
    ann.subscribe(name + "/#")
    joe(will=Will(name + "/b", "allowed")).close()
    ann.message(name + "/b", "allowed")
    now, later = joe(will=Will(name + "/a", "never")), joe(will=Will(name + "/a", "never", properties={"will_delay": 1}), properties=KEEP)
    later.close()
    broker.policy.deny("will", name + "/a")
    now.close()
    joe(will=Will(name + "/b", "later", properties={"will_delay": 2}), properties=KEEP).close()
    ann.message(name + "/b", "later")
    assert ann.fence(ann) == []


def test_will_that_nobody_can_judge(broker, joe, ann, name):
    """Where the module fails when a will fires, the will isn't published."""
    ann.subscribe(name + "/#")
    client = joe(will=Will(name + "/a", "never"))
    broker.policy.deny("will", name + "/a", answer="error")
    client.close()
    joe(will=Will(name + "/b", "allowed")).close()
    ann.message(name + "/b", "allowed")
    assert ann.fence(ann) == []


def test_a_lookup_that_fails_ends_nothing():
    """Who can't be looked up stays who he was, connected or not."""
    policy = Policy()
    with policy.broker as one:
        here, away = (Client(one, n).connect(username="joe", clean=False, properties=KEEP) for n in ("here", "away"))
        here.subscribe("t", qos=1)
        away.close()
        policy.change({"hook": "lookup", "user": "joe", "answer": "error"})
        settled(one)
        here.publish("t", "x", 1)
        here.message("t", "x")
        again = Client(one, "away").connect(username="joe", clean=False)
        assert again.connack.session_present
        for client in here, again:
            client.close()


@pytest.mark.parametrize("how", ["published", "will"])
def test_retained(broker, joe, ann, how, name):
    """A retained message isn't delivered once its author may no longer publish it, though he is long gone; a will's likewise."""
    for topic in name + "/a", name + "/b":
        if how == "will":
            joe(will=Will(topic, "kept", 1, retain=True)).close()
            ann.subscribe(topic)
            ann.message(topic, "kept")
            ann.unsubscribe(topic)
        else:
            joe().publish(topic, "kept", 1, retain=True)
    broker.policy.deny("publish", name + "/a")
    ann.subscribe(name + "/#", qos=1)
    ann.message(name + "/b", "kept")
    assert ann.fence(ann) == []


def test_retained_of_another(broker, joe, ann, name):
    """Who has written it last is its author."""
    joe().publish(name, "joe's", 1, retain=True)
    ann.publish(name, "ann's", 1, retain=True)
    broker.policy.deny("publish", name)
    sub = joe()
    sub.subscribe(name)
    sub.message(name, "ann's")


def test_member_that_may_not_receive(broker, joe, ann, connect, name):
    """A message that the chosen member of a group may not have goes to another; if none may, it is dropped and counted."""
    members = [joe() for _ in range(3)] + [connect(username="ann")]
    broker.policy.deny("receive", name)
    for member in members:
        member.subscribe("$share/g/" + name, qos=1)
    for n in range(12):
        ann.publish(name, str(n), 1)
        members[-1].message(name, str(n))
    members.pop().disconnect()
    dropped = broker.metric("gatehouse_dropped_total")
    for n in range(3):
        ann.publish(name, str(n), 1)
    for member in members:
        assert member.fence(ann) == []
    while broker.metric("gatehouse_dropped_total") < dropped + 3:
        settled(broker)


def test_one_entitled_member_among_many(broker, joe, ann, connect, name):
    """However many of a group may not have it."""
    members = [joe() for _ in range(150)]
    entitled = connect(username="ann")
    broker.policy.deny("receive", name)
    for member in members + [entitled]:
        member.subscribe("$share/g/" + name, qos=1)
    for n in range(40):
        ann.publish(name, str(n), 1)
        entitled.message(name, str(n))
    dropped = broker.metric("gatehouse_dropped_total")
    entitled.disconnect()
    ann.publish(name, "nobody's", 1)
    while broker.metric("gatehouse_dropped_total") < dropped + 1:
        settled(broker)


def test_who_stays_entitled_notices_nothing(broker, joe, ann, name):
    """Messages flow through many reloads without a gap."""
    sub = joe()
    sub.subscribe(name, qos=2)
    for turn in range(10):
        ann.send(*[ann.publish_packet(name, "%d" % (turn * 20 + n), 1) for n in range(20)])
        broker.policy.deny("receive", "%s/%d" % (name, turn))
        for n in range(20):
            sub.message(name, "%d" % (turn * 20 + n))
    sub.quiet()
