# SPDX-License-Identifier: Apache-2.0
"""The message list: what modules refuse and change of what clients publish, and of wills; and what explain tells of it."""
import json

import pytest

from gatehouse import PUBACK, PUBCOMP, PUBREC, PUBREL, Broker, Will
from gatehouse.probe import Journal, needs_modules, probe, rule

pytestmark = needs_modules
MESSAGE = {"authorize": ["rights"], "message": ["first", "second"]}


def seen(*rules):
    """What the first of the list does, on topics of its own."""
    return [rule("publish", topic=topic, **dict({"answer": "pass"}, **more)) for topic, more in rules]


FIRST = seen(
    ("refuse", {"answer": "deny", "why": "not here"}), ("refuse/0", {"answer": "deny", "reason": 0}),
    ("refuse/99", {"answer": "deny", "reason": 0x99}), ("error", {"answer": "error"}), ("nothing", {"answer": "nothing"}),
    ("new-payload", {"new_payload": "changed"}), ("both", {"new_payload": "one"}), ("property", {"property": "k=v"}),
    ("property/gone", {"property": "k"}), ("to/there", {"new_topic": "there"}), ("to/forbidden", {"new_topic": "forbidden"}),
    ("to/none", {"new_topic": "a/#"}), ("later", {"how": "later", "delay": "200ms", "new_payload": "slowly"}),
    ("later/forbidden", {"how": "later", "delay": "50ms", "new_topic": "forbidden"}),
    ("later/wait", {"how": "later", "delay": "50ms", "new_topic": "wait"}),
    ("later/deny", {"how": "later", "delay": "50ms", "answer": "deny"}), ("never", {"how": "never"}))
SECOND = seen(("both", {"property": "seen=two"}), ("there", {"answer": "deny", "why": "it saw the new topic"}))
RIGHTS = [one for action in ("publish", "will") for one in (
    rule("authorize", "deny", topic="forbidden", action=action),
    rule("authorize", topic="wait", action=action, how="later", delay="100ms"))] + [rule("authorize", covers=True)]


@pytest.fixture(scope="module")
def broker():
    config = {"plugins": {"first": probe(*FIRST, file="probe.jsonl", calls=True, events=["deny"]),
                          "second": probe(*SECOND), "rights": probe(*RIGHTS)},
              "limits": {"hook-timeout": "1s"}}
    with Broker(config, listener=MESSAGE) as one:
        yield one


def publish(client, topic, payload="as it was", reason=None, **how):
    client.publish(topic, payload, 1, reason=reason, **how)


def test_untouched(broker, connect, name):
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe(name, qos=2)
    for qos in (0, 1, 2):
        client.publish(name, b"\0\xff", qos, properties={"user_property": [("k", "1")]})
        assert other.message(name, b"\0\xff", qos=qos).properties["user_property"] == [("k", "1")]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_refused(broker, connect, version, name):
    """MQTT 5 is told by reason code; older versions get an acknowledgement; nobody gets the message, nothing is retained."""
    client, other = connect(to=broker, version=version), connect(to=broker)
    other.subscribe("refuse/#", "error", "nothing")
    for topic, reason in (("refuse", 0x87), ("refuse/99", 0x99), ("refuse/0", 0), ("error", 0x87), ("nothing", 0x87)):
        client.send(client.publish_packet(topic, "x", 1, retain=True, packet_id=5))
        client.expect(PUBACK, packet_id=5, reason=reason if version == 5 else 0)
        client.send(client.publish_packet(topic, "x", 2, packet_id=6))
        client.expect(PUBREC, packet_id=6, reason=reason if version == 5 else 0)
        if version < 5:
            client.ack(PUBREL, 6)
            client.expect(PUBCOMP, packet_id=6)
        client.publish(topic, "x", 0)
    other.fence(client)
    late = connect(to=broker)
    late.subscribe("refuse/#", "error", "nothing")
    late.quiet()


def test_refusal_is_told(broker, connect):
    client, mark = connect(to=broker), broker.mark()
    publish(client, "refuse", reason=0x87)
    broker.wait_log(r"denied publish .*client='%s' .*topic='refuse' module='first' .*reason='not here'" % client.client_id,
                    after=mark)
    Journal(broker).wait(what="event", kind="deny", client=client.client_id, topic="refuse", why="not here")


def test_edits(broker, connect):
    """Each sees what those before it made; what is retained is the edited one."""
    client, other, old = connect(to=broker), connect(to=broker), connect(to=broker, version=4)
    other.subscribe("new-payload", "both", "property/#")
    old.subscribe("both", "property")
    publish(client, "new-payload")
    other.message("new-payload", "changed")
    publish(client, "both", retain=True)
    assert other.message("both", "one").properties["user_property"] == [("seen", "two")]
    old.message("both", "one")
    late = connect(to=broker)
    late.subscribe("both")
    assert late.message("both", "one", retain=True).properties["user_property"] == [("seen", "two")]
    publish(client, "property", properties={"user_property": [("a", "1"), ("k", "2"), ("k", "3")], "content_type": "t"})
    got = other.message("property", "as it was").properties
    assert got == {"user_property": [("a", "1"), ("k", "v"), ("k", "3")], "content_type": "t"}
    publish(client, "property/gone", properties={"user_property": [("k", "2"), ("a", "1"), ("k", "3")]})
    assert other.message("property/gone").properties == {"user_property": [("a", "1")]}
    publish(old, "property")
    assert other.message("property").properties["user_property"] == [("k", "v")]


def test_a_changed_topic_needs_its_right(broker, connect):
    """It is authorized again; the list isn't run again, but those behind see it."""
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe("to/#", "there", "forbidden", "wait")
    publish(client, "to/forbidden", reason=0x87)
    publish(client, "later/forbidden", reason=0x87)
    publish(client, "to/none", reason=0x87)
    publish(client, "to/there", reason=0x87)  # by the second module, by the topic that the first has given
    publish(client, "later/wait", "arrives")
    other.message("wait", "arrives")
    assert len(Journal(broker).calls(hook="publish", client=client.client_id)) == 5


def test_later(broker, connect, name):
    """What was sent behind waits, in its order; a denial and a deadline are answers too."""
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe("later", name, "never")
    client.send(client.publish_packet("later", "", 1, packet_id=1), client.publish_packet(name, "2", 1, packet_id=2),
                client.publish_packet("later/deny", "", 1, packet_id=3), client.publish_packet("never", "", 1, packet_id=4),
                client.publish_packet(name, "5", 1, packet_id=5))
    for packet_id, reason in ((1, 0), (2, 0), (3, 0x87), (4, 0x87), (5, 0)):
        client.expect(PUBACK, packet_id=packet_id, reason=reason)
    for topic, payload in (("later", "slowly"), (name, "2"), (name, "5")):
        other.message(topic, payload)


def test_client_goes_while_it_waits(broker, dial, connect, name):
    """The packet is dropped, the broker lives."""
    client = dial()
    client.connect()
    client.send(client.publish_packet("later", "", 1, packet_id=1))
    Journal(broker).wait(what="call", hook="publish", client=client.client_id)
    client.drop()
    other = connect(to=broker)
    other.subscribe(name)
    publish(other, name)
    other.message(name)


@pytest.mark.parametrize("topic, got, payload", [
    ("new-payload", "new-payload", "changed"), ("later", "later", "slowly"), ("later/wait", "wait", "w"),
    ("refuse", None, None), ("never", None, None), ("to/forbidden", None, None)])
def test_will(broker, connect, dial, topic, got, payload):
    """It passes the list when it fires."""
    other, mark = connect(to=broker), broker.mark()
    other.subscribe(topic, "wait", "forbidden")
    client = dial()
    client.connect(will=Will(topic, "w", qos=1))
    client.drop()
    if got:
        other.message(got, payload)
    else:
        broker.wait_log(r"denied will .*client='%s'" % client.client_id, after=mark)
        other.quiet()


def test_quality_of_service_2_passes_once(broker, connect, name):
    """A repeated PUBLISH isn't shown again."""
    client, other = connect(to=broker), connect(to=broker)
    other.subscribe("both", retain_handling=2)
    for _ in range(3):
        client.send(client.publish_packet("both", "", 2, packet_id=9))
        client.expect(PUBREC, packet_id=9)
    client.ack(PUBREL, 9)
    client.expect(PUBCOMP, packet_id=9)
    assert len(Journal(broker).calls(hook="publish", client=client.client_id)) == 1
    other.message("both", "one")
    other.quiet()


def test_on_deny_disconnect(make_broker, connect):
    """Where a denial disconnects; not by reason 0, which is none."""
    broker = make_broker({"plugins": {"first": probe(*FIRST)}},
                         listener={"message": ["first"], "on-deny": "disconnect"})
    client = connect(to=broker)
    publish(client, "refuse/0")
    client.publish("refuse", "", 0)
    client.expect_disconnect(0x87)


def test_on_error_next(make_broker, connect):
    """An error and a deadline are passed over, unless it is required."""
    plugins = {"lax": probe(*FIRST, on_error="next"), "strict": probe(*FIRST, on_error="next")}
    broker = make_broker({"plugins": plugins, "limits": {"hook-timeout": "500ms"}}, listener={"message": ["lax"]})
    client = connect(to=broker)
    for topic in ("error", "never"):
        publish(client, topic, reason=0x10)
    publish(client, "refuse", reason=0x87)
    broker.write({"plugins": plugins, "limits": {"hook-timeout": "500ms"}}, {"message": [{"required": "strict"}]})
    broker.reload()
    for topic in ("error", "never"):
        publish(client, topic, reason=0x87)


def test_policy_that_changes_meanwhile(make_broker, connect):
    """The message waits at a module while the policy is replaced: the new one is asked too."""
    def config(answer):
        return {"plugins": {"slow": probe(rule("publish", "pass", topic="t", how="later", delay="1s"), file="probe.jsonl",
                                          calls=True), "rights": probe(rule("authorize", answer))}}
    listener = {"authorize": ["rights"], "message": ["slow"]}
    broker = make_broker(config("allow"), listener=listener)
    client = connect(to=broker)
    client.send(client.publish_packet("t", "", 1, packet_id=1))
    Journal(broker).wait(what="call", hook="publish")
    broker.write(config("deny"), listener)
    broker.reload()
    client.expect(PUBACK, packet_id=1, reason=0x87)


# ---- explain

ASKED = [  # topic, who decides, and what the list says in order: instance, verdict, whether it edits, the topic after it
    ("fine", "rights", [("first", "pass", False, None), ("second", "pass", False, None)]),
    ("both", "rights", [("first", "pass", True, None), ("second", "pass", True, None)]),
    ("refuse", "first", [("first", "deny", False, None)]), ("refuse/0", "first", [("first", "deny", False, None)]),
    ("error", "first", [("first", "error", False, None)]), ("never", "first", [("first", "error", False, None)]),
    ("to/there", "second", [("first", "pass", True, "there"), ("second", "deny", False, "there")]),
    ("to/forbidden", "rights", [("first", "pass", True, "forbidden"), ("second", "pass", False, "forbidden")]),
    ("to/none", "first", [("first", "error", False, None)]),
    ("later", "rights", [("first", "pass", True, None), ("second", "pass", False, None)]),
    ("later/wait", "rights", [("first", "pass", True, "wait"), ("second", "pass", False, "wait")]),
    ("forbidden", "rights", None)]
REFUSED = ("refuse", "refuse/0", "error", "never", "to/there", "to/forbidden", "to/none", "forbidden")


@pytest.mark.parametrize("action", ["publish", "will"])
def test_explain_asks_the_list(broker, connect, action):
    """Of somebody made up and of somebody connected: each module's word, and the verdict that a client would get."""
    live, calls = connect(to=broker).client_id, len(Journal(broker).calls(hook="publish"))
    for topic, module, asked in ASKED:
        for who in ((), ("--live", live)):
            done = broker.run_ctl("--json", "explain", action, topic, *who)
            row = json.loads(done.stdout)
            assert (row["verdict"], done.returncode) == (("deny", 1) if topic in REFUSED else ("allow", 0)), (topic, row)
            assert row["module"] == module, (topic, row)
            said = row.get("message")
            assert (said and [(one["module"], one["verdict"], one.get("edited", False), one.get("topic")) for one in said]) == asked
    shown = Journal(broker).calls(hook="publish")[calls:]
    assert shown and all(one["flags"] == 3 for one in shown)


def test_explain_tells_why(broker):
    row = json.loads(broker.run_ctl("--json", "explain", "publish", "refuse").stdout)
    assert (row["module"], row["why"]) == ("first", "not here") and row["message"][0]["why"] == "not here"
    row = json.loads(broker.run_ctl("--json", "explain", "publish", "never").stdout)
    assert row["message"][0]["why"] == row["why"] == "it gave no answer in time"
    assert "not here" in broker.run_ctl("explain", "publish", "refuse").stdout
    assert "message" not in json.loads(broker.run_ctl("--json", "explain", "subscribe", "refuse").stdout)


def test_explain_passes_over_an_error(make_broker):
    broker = make_broker({"plugins": {"lax": probe(*FIRST, on_error="next")}}, listener={"message": ["lax"]})
    row = json.loads(broker.run_ctl("--json", "explain", "publish", "error").stdout)
    assert row["verdict"] == "allow" and [one["verdict"] for one in row["message"]] == ["error"]


def test_explain_of_the_list_leaves_no_trace(broker, connect):
    """Figures, events and what is retained are as before."""
    def figures():
        return {(row["name"], row["labels"]): (row["value"], row.get("count")) for row in broker.ctl("metrics")
                if not row["name"].startswith(("gatehouse_loop", "process_", "gatehouse_memory", "gatehouse_uptime", "gatehouse_probe_"))}

    client = connect(to=broker)
    publish(client, "both", "kept", retain=True)
    before, events = figures(), len(Journal(broker).events())
    for topic, _, _ in ASKED:
        broker.run_ctl("explain", "publish", topic, "--retain")
    assert figures() == before and len(Journal(broker).events()) == events
    client.subscribe("both")
    client.message("both", retain=True)
