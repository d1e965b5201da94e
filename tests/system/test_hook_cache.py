# SPDX-License-Identifier: Apache-2.0
"""Verdicts that modules let the broker keep: by connection, action and topic, with their limits, as long as they hold."""
import os

import pytest

from gatehouse import AUTH, CONNACK, PUBACK, Broker
from gatehouse.probe import Journal, eventually, needs_modules, probe, rule

pytestmark = needs_modules


def kept(topic, answer="allow", cache=0, action="publish", **more):
    return rule("authorize", answer, topic=topic, action=action, cache=cache, **more)


RULES = [kept("kept"), rule("authorize", topic="asked", action="publish"), kept("short", cache=1), kept("denied", "deny", why="never"),
         kept("error", "error"), kept("late", how="later", delay="50ms"), kept("small", max_size=3), kept("low", max_qos=0),
         kept("not-retained", no_retain=True), kept("in", action="receive"), kept("out", "deny", action="receive"),
         rule("authorize", action="receive"), rule("authorize", action="subscribe"), kept("a/1"), rule("authorize")]


@pytest.fixture(scope="module")
def broker():
    with Broker({"plugins": {"probe": probe(*RULES, file="probe.jsonl", calls=True, events=["deny"])}},
                listener={"authorize": ["probe"]}) as one:
        yield one


def asked(broker, client, topic, name="probe.jsonl", action=1):
    return len(Journal(broker, name).calls(hook="authorize", client=client.client_id, topic=topic, action=action))


def publish(client, topic, payload="x", reason=None, times=1, qos=1, **how):
    for _ in range(times):
        client.publish(topic, payload, qos, reason=reason, **how)


def answer(client, topic):
    client.send(client.publish_packet(topic, "", 1, packet_id=7))
    return client.wait_for(PUBACK, packet_id=7).reason


def test_asked_once(broker, connect):
    """By connection and topic; what the module doesn't say may be kept isn't."""
    client, other = connect(to=broker), connect(to=broker)
    publish(client, "kept", times=5)
    publish(client, "asked", times=5)
    publish(client, "late", times=5)
    publish(other, "kept", times=2)
    assert [asked(broker, client, topic) for topic in ("kept", "asked", "late")] == [1, 5, 1]
    assert asked(broker, other, "kept") == 1


def test_denials_are_kept_and_told(broker, connect):
    client = connect(to=broker)
    publish(client, "denied", reason=0x87, times=3)
    assert asked(broker, client, "denied") == 1
    Journal(broker).wait(3, what="event", kind="deny", client=client.client_id, topic="denied", why="never", module="probe")


def test_errors_are_not_kept(broker, connect):
    client = connect(to=broker)
    publish(client, "error", reason=0x87, times=3)
    assert asked(broker, client, "error") == 3


def test_limits_hold_for_each_message(broker, connect):
    """They are part of the verdict; one that goes beyond doesn't make the next one denied."""
    client = connect(to=broker)
    publish(client, "small", "1234", reason=0x87)
    publish(client, "small", "123")
    publish(client, "small", "1234", reason=0x87)
    publish(client, "low", reason=0x87)
    publish(client, "not-retained", retain=True, reason=0x87)
    publish(client, "not-retained")
    publish(client, "not-retained", retain=True, reason=0x87)
    client.publish("low", "", 0)
    assert [asked(broker, client, topic) for topic in ("small", "low", "not-retained")] == [1, 1, 1]


def test_for_its_time(broker, connect):
    client = connect(to=broker)
    publish(client, "short", times=3)
    assert asked(broker, client, "short") == 1
    eventually(lambda: publish(client, "short") or asked(broker, client, "short") == 2)


def test_receive(broker, connect):
    """The subscriber's connection keeps it; another action on the topic is another question."""
    client, publisher = connect(to=broker), connect(to=broker)
    client.subscribe("in", "out")
    publish(publisher, "in", times=3)
    publish(publisher, "out", times=3)
    for _ in range(3):
        client.message("in")
    client.quiet()
    assert asked(broker, client, "in", action=3) == 1 and asked(broker, client, "out", action=3) == 1
    publish(client, "in")
    assert asked(broker, client, "in") == 1


def test_everyone_must_say_so(make_broker, connect):
    """Of two modules that were asked, one lets it be kept; the least time of both counts."""
    plugins = {"one": probe(kept("a", "pass"), kept("b", "pass", cache=1), kept("c", "pass"), file="one.jsonl", calls=True),
               "two": probe(kept("a"), kept("b"), rule("authorize", topic="c"), rule("authorize"), file="two.jsonl", calls=True)}
    broker = make_broker({"plugins": plugins}, listener={"authorize": ["one", "two"]})
    client = connect(to=broker)
    for topic in "abc":
        publish(client, topic, times=3)
    for name in ("one.jsonl", "two.jsonl"):
        assert [asked(broker, client, topic, name) for topic in "abc"] == [1, 1, 3]
    eventually(lambda: publish(client, "b") or asked(broker, client, "b", "two.jsonl") == 2)


def test_policy_change_drops_it(make_broker, connect):
    def config(answer):
        return {"plugins": {"probe": probe(kept("t", answer), kept("r", answer, action="receive"), rule("authorize"),
                                           file="probe.jsonl", calls=True)}}
    listener = {"authorize": ["probe"]}
    broker = make_broker(config("allow"), listener=listener)
    client = connect(to=broker)
    client.subscribe("r")
    publish(client, "t", times=2)
    publish(client, "r", times=2)
    client.message("r"), client.message("r")
    broker.write(config("deny"), listener)
    broker.reload()
    eventually(lambda: answer(client, "t") == 0x87)
    publish(client, "r")
    client.quiet()


def test_identity_change_drops_it(make_broker, dial):
    """A re-authentication: the same topic is asked about again."""
    method = {"auth_method": "CHALLENGE", "auth_data": "joe"}

    def prove(client):
        data = client.expect(AUTH).properties["auth_data"] + b":secret"
        client.auth(0x18, dict(method, auth_data=data))
    broker = make_broker({"plugins": {"challenge": {}, "probe": probe(kept("t"), file="probe.jsonl", calls=True)}},
                         listener={"anonymous": False, "authenticate": ["challenge"], "authorize": ["probe"]})
    client = dial(to=broker)
    client.send(client.connect_packet(properties=method))
    prove(client)
    client.expect(CONNACK, reason=0)
    publish(client, "t", times=3)
    assert asked(broker, client, "t") == 1
    client.auth(0x19, method)
    prove(client)
    client.expect(AUTH, reason=0)
    publish(client, "t", times=3)
    assert asked(broker, client, "t") == 2


def test_answer_of_the_old_policy_is_not_kept(make_broker, connect):
    """It comes when the policy has been replaced: the new one is asked."""
    def config(answer, **how):
        return {"plugins": {"probe": probe(kept("t", answer, **how), file="probe.jsonl", calls=True)}}
    broker = make_broker(config("allow", how="later", delay="1s"), listener={"authorize": ["probe"]})
    client = connect(to=broker)
    client.send(client.publish_packet("t", "", 1, packet_id=7))
    Journal(broker).wait(what="call", topic="t")
    broker.write(config("deny"), {"authorize": ["probe"]})
    broker.reload()
    client.expect(PUBACK, packet_id=7, reason=0x87)
    publish(client, "t", reason=0x87)
    assert asked(broker, client, "t") == 2


def test_bounded(broker, connect):
    """64 of a connection; what is used stays, more are asked again."""
    client = connect(to=broker)
    for i in range(300):
        client.send(client.publish_packet("kept", "", 0), client.publish_packet("many/%d" % i, "", 0))
    client.ping()
    assert asked(broker, client, "kept") == 1


def cover_config(broker_file, **more):
    return {"plugins": {"probe": probe(
        rule("authorize", "deny", action="subscribe", topic="a/#", while_exists=broker_file),
        rule("authorize", action="subscribe", covers=True, cache=1), rule("authorize", "deny", action="receive", topic="a/x"),
        rule("authorize"), file="probe.jsonl", calls=True, **more)}}


def test_covers_are_renewed(make_broker, connect):
    """Covers for a second: the module is asked about the subscription again before it is over, deliveries aren't."""
    broker = make_broker(cover_config("@DIR@/gone"), listener={"authorize": ["probe"]})
    client, publisher = connect(to=broker), connect(to=broker)
    client.subscribe("a/#", "b")

    def renewed():
        publish(publisher, "a/x")
        client.message("a/x")
        return asked(broker, client, "a/#", action=2) >= 4
    eventually(renewed)
    assert asked(broker, client, "a/x", action=3) == 0
    open(os.path.join(broker.directory, "gone"), "w").close()
    broker.wait_log(r"denied subscribe .*topic='a/#'")
    publish(publisher, "a/x", reason=0x10)
    publish(publisher, "b", "still")
    client.message("b", "still")
