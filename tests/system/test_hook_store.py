# SPDX-License-Identifier: Apache-2.0
"""The store: what outlives the broker's process, told as it happens and read before anybody is let in."""
import os
import re
import signal
import struct
import subprocess
import time

import pytest

from gatehouse import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, UNSUBSCRIBE, Will, text
from gatehouse.broker import DEADLINE
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = [needs_modules, pytest.mark.threads]
KEEP = {"session_expiry": 300}
EACH = pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])


def start(make_broker, config=None, listener=None, start=True, **how):
    how.setdefault("file", "@DIR@/shelf.journal")
    base = {"plugins": {"shelf": how}}
    for key, value in (config or {}).items():
        base.setdefault(key, {}).update(value)
    return make_broker(base, listener=listener, start=start)


def records(broker, *kind):
    return [row for row in broker.ctl("shelf", "dump", *kind) if row.get("kind")]


def wait_records(broker, count, *kind):
    eventually(lambda: len(records(broker, *kind)) == count)


def asleep(connect, broker, *filters, client_id, qos=1, version=5, **options):
    """A session whose client has gone."""
    how = {"properties": KEEP} if version == 5 else {}
    client = connect(client_id, version=version, to=broker, clean=False, **how)
    client.subscribe(*filters, qos=qos, **options)
    client.disconnect()


def back(connect, broker, client_id, present=1, version=5):
    how = {"properties": KEEP} if version == 5 else {}
    client = connect(client_id, version=version, to=broker, clean=False, **how)
    assert client.connack.session_present == present
    return client


def asked(broker, call, what="calls"):
    return broker.metric("gatehouse_plugin_store_%s_total" % what, instance="shelf", call=call)


def test_counted(make_broker, connect, name):
    """What it is asked, what of that fails, and the barriers that wait for it."""
    broker = start(make_broker, barrier="later", hold="@DIR@/hold", fail="@DIR@/fail", **{"fail-erase": "@DIR@/fail-erase"})
    row, = broker.ctl("plugins")
    assert asked(broker, "load") == 1 == row["calls"] and asked(broker, "put") == 0
    client = connect(name, to=broker, clean=False, properties=KEEP)
    before = asked(broker, "put"), asked(broker, "erase"), broker.metric("gatehouse_plugin_barriers_total", instance="shelf")
    client.publish(name, "x", 1, retain=True)
    client.publish(name, "", 1, retain=True)
    assert (asked(broker, "put"), asked(broker, "erase")) == (before[0] + 1, before[1] + 1)
    assert broker.metric("gatehouse_plugin_barriers_total", instance="shelf") == before[2] + 2
    row, = broker.ctl("plugins")
    assert row["calls"] == 1 + sum(before) + 4
    open(broker.path("hold"), "w").close()
    assert broker.metric("gatehouse_plugin_barriers_open", instance="shelf") == 0
    for i in (1, 2, 3):
        client.send(client.publish_packet(name, "x", 1, packet_id=i))
        client.quiet()
        assert broker.metric("gatehouse_plugin_barriers_open", instance="shelf") == i
    os.unlink(broker.path("hold"))
    for i in (1, 2, 3):
        client.expect(PUBACK, packet_id=i)
    assert broker.metric("gatehouse_plugin_barriers_open", instance="shelf") == 0
    client.publish(name, "x", 1, retain=True)
    assert (asked(broker, "put", "failures"), asked(broker, "erase", "failures")) == (0, 0)
    open(broker.path("fail"), "w").close()
    open(broker.path("fail-erase"), "w").close()
    client.publish(name, "y", 1, retain=True, reason=0x83)
    client.publish(name, "", 1, retain=True, reason=0x83)
    assert (asked(broker, "put", "failures"), asked(broker, "erase", "failures")) == (1, 1)


# ---- sessions and what waits for them


@EACH
@pytest.mark.parametrize("version", [4, 5])
def test_session_with_its_messages(make_broker, connect, name, crash, version):
    broker = start(make_broker)
    asleep(connect, broker, name + "/+", client_id=name, version=version)
    writer = connect(to=broker)
    for i in range(5):
        writer.publish("%s/%d" % (name, i), "m%d" % i, 1)
    wait_records(broker, 5, "queued")
    broker.restart(crash)
    writer = connect(to=broker)
    writer.publish(name + "/5", "m5", 1)
    client = back(connect, broker, name, version=version)
    for i in range(6):
        client.message("%s/%d" % (name, i), "m%d" % i, qos=1)
    writer.publish(name + "/6", "m6", 1)
    client.message(name + "/6", "m6")
    client.quiet()
    wait_records(broker, 0, "queued")
    assert len(records(broker, "session")) == 1 and len(records(broker, "subscription")) == 1


@pytest.mark.parametrize("fetch", ["now", "later", "other-thread", "twice"])
def test_more_than_a_batch(make_broker, connect, name, fetch):
    """What was queued before and after the start comes in its order, however the store answers."""
    broker = start(make_broker, fetch=fetch)
    asleep(connect, broker, name, client_id=name)
    writer = connect(to=broker)
    for i in range(100):
        writer.publish(name, str(i), 1)
    wait_records(broker, 100, "queued")
    broker.restart(crash=True)
    writer = connect(to=broker)
    for i in range(100, 120):
        writer.publish(name, str(i), 1)
    wait_records(broker, 120, "queued")
    client = back(connect, broker, name)
    writer.publish(name, "120", 1)
    for i in range(121):
        client.message(name, str(i))
    client.quiet()
    assert broker.metric("gatehouse_shelf_fetches_total", instance="shelf") >= 4
    wait_records(broker, 0, "queued")
    wait_records(broker, 0, "inflight")


def test_expired_messages_stay_away(make_broker, connect, name):
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name)
    writer = connect(to=broker)
    writer.publish(name, "short", 1, properties={"message_expiry": 1})
    writer.publish(name, "long", 1, properties={"message_expiry": 1000})
    wait_records(broker, 2, "queued")
    broker.restart()
    client = back(connect, broker, name)
    got = client.message()
    if got.payload == b"short":  # the start was quick
        assert got.properties["message_expiry"] == 1
        got = client.message()
    assert got.payload == b"long" and 900 < got.properties["message_expiry"] <= 1000


def test_qos_0_and_short_sessions_are_not_kept(make_broker, connect, name):
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name, qos=0)
    short = connect(to=broker)
    short.subscribe(name, qos=1)
    short.publish(name, "x", 1)
    short.wait_for(PUBLISH)
    assert {row["kind"] for row in records(broker)} == {"session", "subscription"}
    assert {row["owner"] for row in records(broker)} == {name}


# ---- in flight


@EACH
def test_in_flight_to_the_client(make_broker, connect, name, crash):
    """The same packet ids and order, QoS 1 and 2; what was received is only released."""
    broker = start(make_broker)
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name, qos=2)
    writer = connect(to=broker)
    for i, qos in enumerate((1, 2, 2, 1)):
        writer.publish(name, str(i), qos)
    sent = [client.expect(PUBLISH) for _ in range(4)]
    client.ack(PUBREC, sent[1].packet_id)
    client.expect(PUBREL, packet_id=sent[1].packet_id)
    client.ack(PUBACK, sent[3].packet_id)
    client.ping()
    wait_records(broker, 3, "inflight")
    wait_records(broker, 2, "queued")
    client.drop()
    broker.restart(crash)
    client = back(connect, broker, name)
    client.wait_for(PUBREL, packet_id=sent[1].packet_id)
    client.expect(PUBLISH, packet_id=sent[0].packet_id, payload=b"0", dup=True, qos=1)
    client.expect(PUBLISH, packet_id=sent[2].packet_id, payload=b"2", dup=True, qos=2)
    client.ack(PUBCOMP, sent[1].packet_id)
    client.ack(PUBACK, sent[0].packet_id)
    client.ack(PUBREC, sent[2].packet_id)
    client.expect(PUBREL, packet_id=sent[2].packet_id, reason=0)
    client.ack(PUBCOMP, sent[2].packet_id)
    client.quiet()
    assert not records(broker, "inflight") and not records(broker, "queued")
    writer = connect(to=broker)
    writer.publish(name, "new", 1)
    client.message(name, "new", dup=False)


def test_in_flight_behind_many(make_broker, connect, name):
    """A window of two: two are sent again before the 60 that wait."""
    broker = start(make_broker, fetch="later", delay="20ms")
    client = connect(name, to=broker, clean=False, properties=dict(KEEP, receive_maximum=2))
    client.subscribe(name, qos=1)
    writer = connect(to=broker)
    for i in range(62):
        writer.publish(name, str(i), 1)
    first = [client.expect(PUBLISH) for _ in range(2)]
    wait_records(broker, 62, "queued")
    client.drop()
    broker.restart(crash=True)
    client = back(connect, broker, name)
    got = [client.message(name) for _ in range(62)]
    assert [m.payload for m in got] == [b"%d" % i for i in range(62)]
    assert [m.packet_id for m in got[:2]] == [m.packet_id for m in first]
    assert [m.dup for m in got] == [True, True] + [False] * 60


def test_sent_order(make_broker, connect, name):
    """A retained message that overtook what waited is sent again before it."""
    broker = start(make_broker)
    writer = connect(to=broker)
    writer.publish(name + "/kept", "kept", 1, retain=True)
    client = connect(name, to=broker, clean=False, properties=dict(KEEP, receive_maximum=3))
    client.subscribe(name + "/live", qos=2)
    for i in range(6):
        writer.publish(name + "/live", str(i), 2)
    first = [client.expect(PUBLISH) for _ in range(3)]
    client.subscribe(name + "/kept", qos=2)
    for message in first:
        client.ack(PUBREC, message.packet_id)
        client.wait_for(PUBREL, packet_id=message.packet_id)
        client.ack(PUBCOMP, message.packet_id)
    sent = [client.wait_for(PUBLISH) for _ in range(3)]
    assert [m.payload for m in sent] == [b"kept", b"3", b"4"]
    wait_records(broker, 3, "inflight")
    client.drop()
    broker.restart(crash=True)
    client = back(connect, broker, name)
    again = [client.expect(PUBLISH, dup=True) for _ in range(3)]
    assert [(m.payload, m.packet_id) for m in again] == [(m.payload, m.packet_id) for m in sent]
    client.message(name + "/live", "5", dup=False)


def test_packet_ids_that_were_lost(make_broker, connect, name):
    """What the store hadn't yet when the broker was killed: its packet ids are of no other message."""
    broker = start(make_broker, lose="@DIR@/lose")
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name, qos=2)
    path = broker.path("lose", "")
    writer = connect(to=broker)
    for i in range(5):
        writer.publish(name, str(i), 2)
    lost = []
    for _ in range(5):
        lost.append(client.wait_for(PUBLISH).packet_id)
        client.ack(PUBREC, lost[-1])
    client.ping()
    broker.process.kill()
    os.unlink(path)
    broker.restart(crash=True)
    client = back(connect, broker, name)
    writer = connect(to=broker)
    for i in range(5):
        writer.publish(name, "new", 2)
        assert client.message(name, "new").packet_id not in lost


def pass_on(writer, client, topic, count):
    """So many messages of QoS 1, 50 at a time: the packet ids that they came under."""
    ids = []
    for _ in range(count // 50):
        writer.send(*[writer.publish_packet(topic, "x", 1) for _ in range(50)])
        ids += [client.message(topic).packet_id for _ in range(50)]
        for _ in range(50):
            writer.expect(PUBACK)
    return ids


def test_packet_ids_are_reserved(make_broker, connect, name):
    """A long way ahead, so that it costs next to nothing; and again in time."""
    broker = start(make_broker, lose="@DIR@/lose")
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name, qos=1)
    writer = connect(to=broker)
    before = broker.metric("gatehouse_shelf_puts_total", instance="shelf")
    assert pass_on(writer, client, name, 5000) == list(range(1, 5001))
    puts = broker.metric("gatehouse_shelf_puts_total", instance="shelf") - before
    assert 2 * 5000 < puts <= 2 * 5000 + 5000 // 512  # a message, the packet id
    path = broker.path("lose", "")
    lost = pass_on(writer, client, name, 50)
    client.drop()
    broker.process.kill()
    os.unlink(path)
    broker.restart(crash=True)
    client = back(connect, broker, name)
    assert not set(lost) & set(pass_on(connect(to=broker), client, name, 100))


@EACH
def test_in_flight_of_the_client(make_broker, connect, name, crash):
    """A PUBLISH of QoS 2 that comes again after the start isn't routed twice."""
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name + "-reader", qos=2)
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.send(client.publish_packet(name, "once", 2, packet_id=7))
    client.expect(PUBREC, packet_id=7)
    wait_records(broker, 1, "queued")
    wait_records(broker, 1, "inbound")
    client.drop()
    broker.restart(crash)
    client = back(connect, broker, name)
    client.send(client.publish_packet(name, "once", 2, dup=True, packet_id=7))
    client.expect(PUBREC, packet_id=7)
    client.ack(PUBREL, 7)
    client.expect(PUBCOMP, packet_id=7, reason=0)
    wait_records(broker, 0, "inbound")
    reader = back(connect, broker, name + "-reader")
    reader.message(name, "once")
    reader.quiet()


# ---- subscriptions


def test_options_of_subscriptions(make_broker, connect, name):
    broker = start(make_broker)
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name + "/id", qos=1, properties={"subscription_id": 77})
    client.subscribe(name + "/own", qos=1, no_local=True)
    client.subscribe(name + "/rap", qos=1, retain_as_published=True)
    client.subscribe(name + "/gone", qos=1)
    client.unsubscribe(name + "/gone")
    client.subscribe(name + "/less", qos=2)
    client.subscribe(name + "/less", qos=0)
    client.disconnect()
    assert len(records(broker, "subscription")) == 4
    broker.restart(crash=True)
    client = back(connect, broker, name)
    writer = connect(to=broker)
    client.publish(name + "/own", "own", 1)
    writer.publish(name + "/gone", "gone", 1)
    writer.publish(name + "/id", "1", 1)
    assert client.message(name + "/id").properties["subscription_id"] in (77, [77])
    writer.publish(name + "/rap", "2", 1, retain=True)
    client.message(name + "/rap", "2", retain=True)
    writer.publish(name + "/less", "3", 2)
    client.message(name + "/less", "3", qos=0)
    client.quiet()


def test_shared_subscription(make_broker, connect, name):
    broker = start(make_broker)
    asleep(connect, broker, "$share/g/" + name, client_id=name)
    broker.restart(crash=True)
    writer = connect(to=broker)
    assert writer.publish(name, "for the group", 1).reason == 0
    back(connect, broker, name).message(name, "for the group")


# ---- what ends


def test_ends_leave_nothing(make_broker, connect, name):
    """Cleaned, expired, ended by DISCONNECT: no record is left."""
    broker = start(make_broker)
    for which in ("cleaned", "expired", "ended"):
        asleep(connect, broker, name, client_id=which)
    connect(to=broker).publish(name, "x", 1)
    wait_records(broker, 3, "queued")
    connect("cleaned", to=broker).disconnect()
    connect("ended", to=broker, clean=False, properties=KEEP).disconnect(properties={"session_expiry": 0})
    connect("expired", to=broker, clean=False, properties={"session_expiry": 1}).disconnect()
    eventually(lambda: not records(broker))


def test_expires_while_the_broker_is_away(make_broker, connect, name):
    broker = start(make_broker)
    client = connect(name, to=broker, clean=False, properties={"session_expiry": 1})
    client.disconnect()
    other = connect("other", to=broker, clean=False, properties={"session_expiry": 1})
    other.drop()
    broker.restart(crash=True)
    eventually(lambda: not records(broker))
    back(connect, broker, name, present=0)


# ---- wills


def test_wills(make_broker, connect, name):
    """The broker was killed: that is no good-bye. One that was sent isn't sent again."""
    broker = start(make_broker)
    asleep(connect, broker, name + "/#", client_id=name)
    for which, delay in (("now", 0), ("soon", 1), ("later", 3000)):
        connect(which, to=broker, clean=False, properties=KEEP,
                will=Will(name + "/" + which, which, 1, properties={"will_delay": delay, "message_expiry": 999}))
    gone = connect("bye", to=broker, clean=False, properties=KEEP, will=Will(name + "/bye", "bye", 1))
    gone.disconnect()
    assert sorted(row["owner"] for row in records(broker, "will")) == ["later", "now", "soon"]
    broker.restart(crash=True)
    client = back(connect, broker, name)
    assert sorted(client.message().payload for _ in range(2)) == [b"now", b"soon"]
    client.quiet()
    assert [row["owner"] for row in records(broker, "will")] == ["later"]
    broker.restart(crash=True)
    client = back(connect, broker, name)
    client.quiet()
    back(connect, broker, "later").disconnect()
    assert not records(broker, "will")


PENDING = [rule("authorize"), rule("publish", "pass", client="mortal", how="later", until="@DIR@/go")]


def with_pending_wills(make_broker):
    """The message list lets what mortal publishes wait until the file is there."""
    return start(make_broker, {"limits": {"hook-timeout": "60s"},
                               "plugins": {"slow": probe(*PENDING, file="@DIR@/probe.jsonl", calls=True)}},
                 listener={"message": ["slow"]})


def will_waits(broker, count=1):
    Journal(broker).wait(count, what="call", hook="publish", client="mortal")


@pytest.mark.parametrize("end", ["stopped", "killed", "session ended"])
def test_will_that_waits(make_broker, connect, name, end):
    """It fires, a module takes its time, and the broker goes: it is published after the start, once."""
    broker = with_pending_wills(make_broker)
    asleep(connect, broker, name, client_id="reader")
    client = connect("mortal", to=broker, clean=False, properties=KEEP, will=Will(name, "gone", 1))
    client.drop()
    will_waits(broker)
    if end == "session ended":
        connect("mortal", to=broker, will=Will("other", "other")).disconnect()
        wait_records(broker, 1, "session")
    assert len(records(broker, "will")) == 1
    broker.restart(crash=end != "stopped")
    will_waits(broker, 2)
    assert len(records(broker, "will")) == 1
    broker.path("go", "")
    reader = back(connect, broker, "reader")
    reader.message(name, "gone")
    eventually(lambda: not records(broker, "will"))
    broker.restart(crash=True)
    back(connect, broker, "reader").quiet()


def test_wills_of_one_client(make_broker, connect, name):
    """One that waits, and those of its later connections: each comes once."""
    broker = with_pending_wills(make_broker)
    reader = connect("reader", to=broker)
    reader.subscribe(name + "/#", qos=1)
    for i in range(3):
        client = connect("mortal", to=broker, clean=False, properties=KEEP, will=Will("%s/%d" % (name, i), "gone", 1))
        client.drop()
        will_waits(broker, i + 1)
        wait_records(broker, i + 1, "will")
    connect("mortal", to=broker, clean=False, properties=KEEP, will=Will(name + "/3", "armed", 1))
    wait_records(broker, 4, "will")
    broker.path("go", "")
    assert sorted(reader.message(payload="gone").topic for _ in range(3)) == ["%s/%d" % (name, i) for i in range(3)]
    wait_records(broker, 1, "will")
    reader.quiet()


def test_refused_will_is_gone(make_broker, connect, name):
    broker = start(make_broker, {"plugins": {"slow": probe(rule("publish", "deny", how="later", delay="20ms"))}},
                   listener={"message": ["slow"]})
    client = connect(name, to=broker, clean=False, properties=KEEP, will=Will(name, "gone", 1))
    assert len(records(broker, "will")) == 1
    client.drop()
    eventually(lambda: broker.metric("gatehouse_dropped_total", reason="author") == 1)
    assert not records(broker, "will")


# ---- retained messages and bans


def connects(connect, broker, client_id):
    client = connect(client_id, to=broker, reason=None)
    return client.connack.reason == 0


@EACH
def test_retained(make_broker, connect, name, crash):
    broker = start(make_broker)
    writer = connect(to=broker)
    for i in range(40):
        writer.publish("%s/%d" % (name, i), "old", 1, retain=True)
    for i in range(20):
        writer.publish("%s/%d" % (name, i), "new", 1, retain=True, properties={"user_property": [("k", "v")]})
    for i in range(10):
        writer.publish("%s/%d" % (name, i), "", 1, retain=True)
    broker.restart(crash)
    client = connect(to=broker)
    client.subscribe(name + "/+")
    got = sorted((int(m.topic.split("/")[-1]), m.payload) for m in (client.message(retain=True) for _ in range(30)))
    assert got == [(i, b"new" if i < 20 else b"old") for i in range(10, 40)]
    client.quiet()
    assert broker.metric("gatehouse_retained_messages") == 30


@pytest.mark.parametrize("last", ["ban", "lift"])
def test_bans_in_their_order(make_broker, connect, name, last):
    """A ban and its end, while the store is slow: it ends with what holds."""
    broker = start(make_broker, {"plugins": {"actor": {"module": "actor", "file": "@DIR@/actor.jsonl", "events": ["publish"]}}},
                   stuck="@DIR@/stuck")
    acts = Journal(broker, "actor.jsonl")
    boss = connect(to=broker)
    ban, lift = "ban client %s 600 why" % name, "ban client %s 0" % name
    first, then = (ban, lift) if last == "lift" else (lift, ban)
    if last == "ban":
        boss.publish("act/hook", ban, 1)
        acts.wait(1, what="act")
    calls = lambda: sum(broker.metric("gatehouse_shelf_%s_total" % verb, instance="shelf") for verb in ("puts", "erases"))
    before = calls()
    path = broker.path("stuck", "")
    boss.send(boss.publish_packet("act/thread", first), boss.publish_packet("act/thread", then))
    eventually(lambda: calls() > before)
    acts.wait(2 + (last == "ban"), what="act")
    os.unlink(path)
    wait_records(broker, int(last == "ban"), "ban")
    assert connects(connect, broker, name) == (last == "lift")
    broker.restart(crash=True)
    assert connects(connect, broker, name) == (last == "lift")


def test_retained_that_has_expired(make_broker, connect, name):
    broker = start(make_broker)
    writer = connect(to=broker)
    writer.publish(name, "x", 1, retain=True, properties={"message_expiry": 1})
    broker.restart(crash=True)
    eventually(lambda: not records(broker, "retained"))


# ---- whose it is


def users(*names, **more):
    return probe(*[one for user in names for one in login(user, **more)], rule("authorize"), file="@DIR@/probe.jsonl", calls=True)


def strict(make_broker, plugin):
    return start(make_broker, {"plugins": {"who": plugin}},
                 listener={"anonymous": False, "authenticate": ["who"], "authorize": ["who"]})


def test_owner(make_broker, connect, name):
    """Somebody else gets 0x87 after the start too."""
    broker = strict(make_broker, users("anna", "bert"))
    client = connect(name, to=broker, clean=False, username="anna", password="x", properties=KEEP)
    client.disconnect()
    broker.restart(crash=True)
    connect(name, to=broker, reason=0x87, clean=False, username="bert", password="x", properties=KEEP)
    client = connect(name, to=broker, clean=False, username="anna", password="x", properties=KEEP)
    assert client.connack.session_present


def test_who_is_gone_since(make_broker, connect, name):
    """Today's policy holds: who isn't known any more has no session, and what they retained is given to nobody."""
    broker = strict(make_broker, users("anna", "bert"))
    client = connect(name, to=broker, clean=False, username="anna", password="x", properties=KEEP)
    client.publish(name, "of anna", 1, retain=True)
    client.disconnect()
    gone = probe(*login("bert"), rule("lookup", "deny"), rule("authorize"))
    broker.write({"plugins": {"shelf": {"file": "@DIR@/shelf.journal"}, "who": gone}},
                 listener={"anonymous": False, "authenticate": ["who"], "authorize": ["who"]})
    broker.restart(crash=True)
    eventually(lambda: not records(broker, "session"))
    other = connect(to=broker, username="bert", password="x")
    other.subscribe(name)
    other.quiet()


def test_identity(make_broker, connect, name):
    """Groups and attributes are those of the login until somebody says otherwise."""
    who = probe(*login("anna", group="night", attribute="floor=7"), rule("authorize", "deny", action="receive"),
                rule("authorize"), file="@DIR@/probe.jsonl", events=["deny"])
    broker = strict(make_broker, who)
    client = connect(name, to=broker, clean=False, username="anna", password="x", properties=KEEP)
    client.subscribe(name, qos=1)
    client.disconnect()
    broker.restart(crash=True)
    connect("w", to=broker, username="anna", password="x").publish(name, "x", 1)
    denied = Journal(broker).wait(what="event", kind="deny", client=name)[-1]
    assert (denied["principal"], denied["realm"], denied["more"]) == ("anna", "who", "night,floor=7")


# ---- when the store can't


def test_what_is_not_put_is_not_confirmed(make_broker, connect, name):
    broker = start(make_broker, fail="@DIR@/fail")
    asleep(connect, broker, name, client_id=name)
    writer = connect("writer", to=broker, clean=False, properties=KEEP)
    old = connect("old", version=4, to=broker)
    with open(os.path.join(broker.directory, "fail"), "w"):
        pass
    writer.send(writer.publish_packet(name + "/r", "x", 1, retain=True, packet_id=1))
    writer.expect(PUBACK, packet_id=1, reason=0x83)
    writer.send(writer.publish_packet(name + "/r", "x", 2, packet_id=2))
    writer.expect(PUBREC, packet_id=2, reason=0x83)
    old.send(old.publish_packet(name + "/r", "x", 1, retain=True, packet_id=1))
    old.expect_closed()
    broker.wait_log(r"store 'shelf': put has failed")
    os.unlink(os.path.join(broker.directory, "fail"))
    assert writer.publish(name + "/r", "x", 1, retain=True).reason in (0, 0x10)
    assert not records(broker, "inbound")


def test_subscribing_is_not_confirmed(make_broker, connect, name):
    broker = start(make_broker, fail="@DIR@/fail")
    client = connect(name, to=broker, clean=False, properties=KEEP)
    with open(os.path.join(broker.directory, "fail"), "w"):
        pass
    client.send(client.subscribe_packet([(name, 1)], 1))
    client.expect_disconnect(0x83)


def test_barrier_of_the_store(make_broker, connect, name):
    """What was put is confirmed when the store says that it is safe."""
    broker = start(make_broker, barrier="later", hold="@DIR@/hold")
    client = connect(name, to=broker, clean=False, properties=KEEP)
    hold = os.path.join(broker.directory, "hold")
    with open(hold, "w"):
        pass
    client.send(client.publish_packet(name, "x", 1, retain=True, packet_id=1), client.subscribe_packet([(name, 1)], 2))
    client.message(name, "x", retain=True)
    client.quiet()
    os.unlink(hold)
    client.expect(PUBACK, packet_id=1)
    client.expect(SUBACK, packet_id=2)


def test_released_when_it_is_safe(make_broker, connect, name):
    """A client forgets the id with PUBREL: the broker must not remember it as sent after a crash."""
    broker = start(make_broker, barrier="later", hold="@DIR@/hold")
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name, qos=2)
    connect(to=broker).publish(name, "x", 2)
    got = client.expect(PUBLISH)
    hold = os.path.join(broker.directory, "hold")
    with open(hold, "w"):
        pass
    client.ack(PUBREC, got.packet_id)
    client.quiet()
    os.unlink(hold)
    client.expect(PUBREL, packet_id=got.packet_id)
    client.ack(PUBCOMP, got.packet_id)


def test_refused_id_is_free(make_broker, connect, name):
    """A PUBREC that refuses ends the packet id: what comes under it next is another message."""
    broker = start(make_broker, {"limits": {"retained-size": "10"}})
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name + "/new", qos=1)
    client.send(client.publish_packet(name, "x" * 20, 2, retain=True, packet_id=5))
    client.expect(PUBREC, packet_id=5, reason=0x97)
    assert not records(broker, "inbound")
    client.send(client.publish_packet(name + "/new", "y", 2, packet_id=5))
    client.message(name + "/new", "y")
    client.wait_for(PUBREC, packet_id=5, reason=0)
    assert len(records(broker, "inbound")) == 1
    client.ack(PUBREL, 5)
    client.expect(PUBCOMP, packet_id=5, reason=0)
    assert not records(broker, "inbound")


def test_barrier_without_acknowledgements(make_broker, connect, name):
    """The end of a connection is confirmed to nobody, and is a barrier too."""
    broker = start(make_broker, barrier="now")
    client = connect(name, to=broker, clean=False, properties=KEEP)
    before = broker.metric("gatehouse_shelf_barriers_total", instance="shelf")
    client.drop()
    eventually(lambda: broker.metric("gatehouse_shelf_barriers_total", instance="shelf") > before)


@pytest.mark.parametrize("fetch", ["never", "error", "error-later"])
def test_what_cannot_be_fetched(make_broker, connect, name, fetch):
    """The client is sent away, and nothing is lost."""
    broker = start(make_broker, {"limits": {"hook-timeout": "200ms"}}, fetch=fetch)
    asleep(connect, broker, name, client_id=name)
    writer = connect(to=broker)
    writer.publish(name, "kept", 1)
    wait_records(broker, 1, "queued")
    broker.restart(crash=True)
    for i in (1, 2):
        back(connect, broker, name).expect_disconnect(0x83)
        assert asked(broker, "fetch", "failures") == i <= asked(broker, "fetch")
    broker.wait_log("messages can't be read")
    broker.write({"plugins": {"shelf": {"file": "@DIR@/shelf.journal"}}})
    broker.restart()
    back(connect, broker, name).message(name, "kept")


def test_gone_before_it_was_fetched(make_broker, connect, name):
    broker = start(make_broker, fetch="later", hold="@DIR@/hold")
    asleep(connect, broker, name, client_id=name)
    connect(to=broker).publish(name, "kept", 1)
    wait_records(broker, 1, "queued")
    broker.restart(crash=True)
    hold = os.path.join(broker.directory, "hold")
    with open(hold, "w"):
        pass
    back(connect, broker, name).drop()
    taken = back(connect, broker, name)
    taken.ping()
    again = back(connect, broker, name)
    taken.expect_disconnect(0x8E)
    os.unlink(hold)
    again.message(name, "kept")
    again.quiet()


@pytest.mark.parametrize("policy", ["drop-newest", "drop-oldest"])
def test_bound_of_the_queue(make_broker, connect, name, policy):
    """What was there before the start counts."""
    broker = start(make_broker, {"limits": {"queue-messages": 10, "queue-policy": policy}})
    asleep(connect, broker, name, client_id=name)
    writer = connect(to=broker)
    for i in range(8):
        writer.publish(name, str(i), 1)
    wait_records(broker, 8, "queued")
    broker.restart(crash=True)
    writer = connect(to=broker)
    for i in range(8, 14):
        writer.publish(name, str(i), 1)
    wait_records(broker, 10, "queued")
    client = back(connect, broker, name)
    wanted = range(10) if policy == "drop-newest" else range(4, 14)
    assert [client.message(name).payload for _ in range(10)] == [b"%d" % i for i in wanted]
    client.quiet()


# ---- the start


def refused(broker):
    """It doesn't start: what it says."""
    done = subprocess.run(broker.command(), capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_cannot_be_loaded(make_broker):
    said = refused(start(make_broker, load="error", start=False))
    assert "the shelf has fallen down" in said
    assert re.search(r"gatehouse.yaml:\d+:\d+: store 'shelf' can't be read", said)


def test_bad_records(make_broker, connect, name):
    """Each is told; the others are restored, and the broker serves."""
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name)
    broker.write({"plugins": {"shelf": {"file": "@DIR@/shelf.journal", "load": "bad"}}})
    broker.restart()
    assert any("can't be used: left there" in line for line in broker.log())
    back(connect, broker, name).quiet()


def test_one_store(make_broker):
    said = refused(make_broker({"plugins": {"shelf": {}, "other": {"module": "shelf"}}}, start=False))
    assert re.search(r"gatehouse.yaml:\d+:\d+: 'other' is a store, and so is 'shelf'", said)


def test_in_a_list(make_broker):
    said = refused(make_broker({"plugins": {"shelf": {}}}, start=False, listener={"authorize": ["shelf"]}))
    assert "'shelf' can't stand in authorize" in said


@pytest.mark.parametrize("change", ["gone", "other file", "another", "first"])
def test_change_needs_a_restart(make_broker, connect, name, change):
    shelf = {"plugins": {"shelf": {"file": "@DIR@/shelf.journal"}}}
    other = {"gone": {}, "other file": {"plugins": {"shelf": {"file": "@DIR@/other"}}},
             "another": {"plugins": {"desk": {"module": "shelf"}}}, "first": shelf}[change]
    broker = make_broker({} if change == "first" else shelf)
    client = connect(to=broker)
    broker.write(other)
    done = broker.run_ctl("reload")
    assert done.returncode == 1 and "restart needed" in done.stderr
    assert re.search(r"gatehouse\.yaml:\d+:\d+: the store \('%s'\)" % ("desk" if change == "another" else "shelf"), done.stderr), done.stderr
    client.quiet()


def test_reload_keeps_the_store(make_broker, connect, name):
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name)
    connect(to=broker).publish(name, "x", 1)
    for _ in range(3):
        broker.reload()
    for verb in ("disable", "reload", "replace"):
        done = broker.run_ctl("plugin", verb, "shelf")
        assert done.returncode == 1 and "is the store" in done.stderr
    assert broker.metric("gatehouse_shelf_loads_total", instance="shelf") == 1
    back(connect, broker, name).message(name, "x")


def test_only_checked(make_broker):
    """--check-config reads nothing; what asks for it then hears that there is no store."""
    broker = start(make_broker, {"plugins": {"memo": {"early": True}}}, load="error", start=False)
    done = subprocess.run(broker.command() + ["--check-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- gh_keep and gh_recall


def notes(broker, instance="memo"):
    return [row["note"] for row in broker.ctl(instance, "list") if "note" in row]


@EACH
def test_kept_by_modules(make_broker, connect, crash):
    broker = start(make_broker, {"plugins": {"memo": {"early": True}, "other": {"module": "memo"}}})
    assert broker.ctl("memo", "list")[0] == {"recall": "0", "keep": "0"}
    for key, value in (("b", "2"), ("a", "1"), ("c", "3"), ("b", "two")):
        assert broker.ctl("memo", "keep", key, value)[0] == {"rc": "0", "late-recall": "-1"}
    broker.ctl("memo", "keep", "c")
    broker.ctl("other", "keep", "a", "other's")
    broker.restart(crash)
    last = [] if crash else ["last=words"]
    assert notes(broker) == ["a=1", "b=two", "early=yes"] + last
    assert notes(broker, "other") == ["a=other's"] + last
    broker.ctl("memo", "keep", "a", "one")
    broker.ctl("plugin", "reload", "memo")
    assert notes(broker)[:2] == ["a=one", "b=two"]


def test_bounds_of_what_is_kept(make_broker):
    broker = start(make_broker, {"plugins": {"memo": {}}}, fail="@DIR@/fail")
    assert broker.ctl("memo", "keep", "x" * 256, "1")[0]["rc"] == "0"
    assert broker.ctl("memo", "keep", "x" * 257, "1")[0]["rc"] == "-1"
    assert broker.ctl("memo", "keep", "", "1")[0]["rc"] == "-1"
    assert broker.ctl("memo", "many", "2000", "1")[0] == {"at": "1023", "rc": "-3"}
    assert broker.ctl("memo", "many", "1", "262144")[0]["rc"] == "-3"
    with open(os.path.join(broker.directory, "fail"), "w"):
        pass
    assert broker.ctl("memo", "keep", "k1", "new")[0]["rc"] == "-4"


def test_without_a_store(make_broker):
    broker = make_broker({"plugins": {"memo": {"early": True}}})
    assert broker.ctl("memo", "list")[0] == {"recall": "-5", "keep": "-5"}


# ---- what else it can't, and what else it keeps


def test_what_is_not_erased_is_not_confirmed(make_broker, connect, name):
    broker = start(make_broker, **{"fail-erase": "@DIR@/fail-erase"})
    client, writer = connect(name, to=broker, clean=False, properties=KEEP), connect(to=broker)
    old = connect("old", version=4, to=broker)
    client.subscribe(name, qos=1)
    for topic in ("/1", "/2", "/3"):
        writer.publish(name + topic, "x", 1, retain=True)
    path = broker.path("fail-erase", "")
    writer.send(writer.publish_packet(name + "/1", "", 1, retain=True, packet_id=1))
    writer.expect(PUBACK, packet_id=1, reason=0x83)
    writer.send(writer.publish_packet(name + "/2", "", 2, retain=True, packet_id=2))
    writer.expect(PUBREC, packet_id=2, reason=0x83)
    old.send(old.publish_packet(name + "/3", "", 1, retain=True, packet_id=1))
    old.expect_closed()
    client.send_packet(UNSUBSCRIBE, b"\0\3\0" + text(name))
    client.expect_disconnect(0x83)
    broker.wait_log(r"store 'shelf': erase has failed")
    os.unlink(path)
    for topic in ("/1", "/2", "/3"):
        writer.publish(name + topic, "y", 1, retain=True)
        writer.publish(name + topic, "", 1, retain=True)
    assert not records(broker, "retained")
    client = back(connect, broker, name)
    client.subscribe(name, qos=1)
    assert client.unsubscribe(name).reasons == [0]
    assert not records(broker, "subscription")


@pytest.mark.parametrize("known", ["looked up", "not looked up"])
def test_class_of_the_login(make_broker, connect, name, known):
    """Its bounds are those of the session that has been restored too."""
    who = [rule("authenticate", user="anna", principal="anna", limits_class="few"), *login("bert"), rule("authorize")]
    if known == "looked up":
        who.append(rule("lookup", user="anna", principal="anna", limits_class="few"))
    broker = start(make_broker, {"plugins": {"who": probe(*who)}, "limits": {"classes": {"few": {"queue-messages": 3}}}},
                   listener={"anonymous": False, "authenticate": ["who"], "authorize": ["who"]})
    client = connect(name, to=broker, clean=False, username="anna", properties=KEEP)
    client.subscribe(name, qos=1)
    client.disconnect()
    broker.restart(crash=True)
    writer = connect(to=broker, username="bert")
    for i in range(8):
        writer.publish(name, str(i), 1)
    assert len(records(broker, "queued")) == 3
    client = connect(name, to=broker, clean=False, username="anna", properties=KEEP)
    assert client.connack.session_present
    for i in range(3):
        client.message(name, str(i))
    client.quiet()


def test_end_while_it_fetches(make_broker, connect, name):
    """Who waits for messages is sent away, the broker ends in time, and they come after the next start."""
    broker = start(make_broker, fetch="later", hold="@DIR@/hold")
    asleep(connect, broker, name, client_id=name)
    writer = connect(to=broker)
    for i in range(40):
        writer.publish(name, str(i), 1)
    wait_records(broker, 40, "queued")
    broker.restart(crash=True)
    path = broker.path("hold", "")
    client = back(connect, broker, name)
    eventually(lambda: broker.metric("gatehouse_shelf_fetches_total", instance="shelf") == 1)
    began = time.monotonic()
    broker.signal(signal.SIGTERM)
    client.expect_disconnect(0x8B)
    assert broker.wait() == 0 and time.monotonic() - began < DEADLINE
    os.unlink(path)
    broker.lines = []
    broker.start()
    client = back(connect, broker, name)
    for i in range(40):
        client.message(name, str(i))
    client.quiet()


def many_asleep(make_broker, connect, name, **how):
    """Sessions of several workers, where there are some."""
    broker = start(make_broker, **how)
    for i in range(8):
        asleep(connect, broker, "%s/%d" % (name, i), client_id="%s-%d" % (name, i))
    return broker


@EACH
def test_acknowledged_at_the_end(make_broker, connect, name, crash):
    """What a publisher was told is there after the end, also for sessions of other workers than its own."""
    broker = many_asleep(make_broker, connect, name)
    writer = connect(to=broker)
    writer.send(*[writer.publish_packet("%s/%d" % (name, i % 8), str(i), 1, packet_id=i) for i in range(1, 1501)])
    for i in range(1, 101):
        writer.expect(PUBACK, packet_id=i)
    broker.restart(crash)
    told = 100 + sum(1 for packet in writer.drain() if packet.type == PUBACK)
    for i in range(8):
        client = back(connect, broker, "%s-%d" % (name, i))
        for number in range(1, told + 1):
            if number % 8 == i:
                client.message(payload=str(number))


def test_not_put_by_another_worker(make_broker, connect, name):
    broker = many_asleep(make_broker, connect, name, fail="@DIR@/fail")
    writer = connect(to=broker)
    with open(os.path.join(broker.directory, "fail"), "w"):
        pass
    for i in range(8):
        writer.publish("%s/%d" % (name, i), "x", 1, reason=0x83)
        writer.publish("%s/%d" % (name, i), "x", 2, reason=0x83)
    os.unlink(os.path.join(broker.directory, "fail"))
    for i in range(8):
        writer.publish("%s/%d" % (name, i), "x", 2)


def test_barriers_of_other_workers(make_broker, connect, name):
    """Held by each of them for the others' messages too; they don't wait for each other in a circle."""
    broker = many_asleep(make_broker, connect, name, barrier="later", hold="@DIR@/hold")
    writers = [connect(to=broker) for _ in range(8)]
    hold = os.path.join(broker.directory, "hold")
    with open(hold, "w"):
        pass
    for i in range(20):
        for one in writers:
            one.send(one.publish_packet("%s/%d" % (name, i % 8), "x", 1, packet_id=i + 1))
    for one in writers:
        one.quiet()
    os.unlink(hold)
    for one in writers:
        for i in range(20):
            one.expect(PUBACK, packet_id=i + 1, reason=0)


def test_store_that_bans(make_broker, connect, name):
    """By a call of its own, of which there is one at a time: it isn't called from inside it."""
    broker = start(make_broker, module="shelf-plain")
    broker.ctl("shelf", "ban", name)
    connect(name, to=broker, reason=0x8A)
    wait_records(broker, 1, "ban")


# ---- the order in which the store is told


def journal(broker):
    """What it was told: (put, kind, owner, key)."""
    with open(broker.path("shelf.journal"), "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        deed, kind, owner, key, value, _ = struct.unpack_from("=IIIIQq", data, at)
        at += 32
        yield deed == 1, kind, data[at:at + owner], data[at + owner:at + owner + key]
        at += owner + key + value


def is_never_nowhere(broker):
    """From the will on there is always one, or what it has become."""
    will, queued = 6, 3
    there, begun = set(), False
    for put, kind, owner, key in journal(broker):
        if kind not in (will, queued):
            continue
        (there.add if put else there.discard)((kind, owner, key))
        begun |= kind == will
        assert there or not begun, (put, kind, owner)


def test_will_that_waits_is_never_nowhere(make_broker, connect, name):
    broker = with_pending_wills(make_broker)
    connect("mortal", to=broker, clean=False, properties=KEEP, will=Will(name, "gone", 1)).drop()
    will_waits(broker)
    wait_records(broker, 1, "will")
    is_never_nowhere(broker)


@pytest.mark.parametrize("n", range(4))
def test_will_is_never_nowhere(make_broker, connect, name, n):
    """Also if the session that it goes to is another worker's."""
    broker = start(make_broker)
    asleep(connect, broker, name, client_id="reader%d" % n)
    connect("mortal", to=broker, clean=False, properties=KEEP, will=Will(name, "gone", 1)).drop()
    wait_records(broker, 1, "queued")
    wait_records(broker, 0, "will")
    is_never_nowhere(broker)


def test_released_order(make_broker, connect, name):
    """PUBREL is sent again in the order in which PUBREC had come."""
    broker = start(make_broker)
    client = connect(name, to=broker, clean=False, properties=KEEP)
    client.subscribe(name, qos=2)
    writer = connect(to=broker)
    for i in range(3):
        writer.publish(name, str(i), 2)
    sent = [client.expect(PUBLISH).packet_id for _ in range(3)]
    order = [sent[2], sent[0], sent[1]]
    for one in order:
        client.ack(PUBREC, one)
        client.expect(PUBREL, packet_id=one)
    client.drop()
    broker.restart(crash=True)
    client = back(connect, broker, name)
    assert [client.wait_for(PUBREL).packet_id for _ in order] == order


def test_when_records_expire(make_broker, connect, name):
    """The store is told, so that it needn't keep them: but not of what has been sent once."""
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name)
    now = int(time.time())
    connect(to=broker).publish(name, "x", 1, retain=True, properties={"message_expiry": 100})
    wait_records(broker, 1, "queued")
    for kind in ("queued", "retained"):
        row, = records(broker, kind)
        assert now + 99 <= int(row["expires"]) <= now + 120, row
    client = back(connect, broker, name)
    client.wait_for(PUBLISH)
    wait_records(broker, 1, "inflight")
    assert int(records(broker, "queued")[0]["expires"]) == 0


# ---- records that stand where they don't belong


def forged(broker, kind, owner=None, key=None):
    """Ends the broker, writes the last record of this kind down once more, below another owner or key, and begins anew."""
    broker.process.kill()
    broker.wait()
    path = broker.path("shelf.journal")
    with open(path, "rb") as file:
        data = file.read()
    at, last = 0, None
    while at < len(data):
        head = struct.unpack_from("=IIIIQq", data, at)
        end = at + 32 + sum(head[2:5])
        if head[:2] == (1, kind):
            last = (head, data[at + 32:end])
        at = end
    (deed, kind, owner_n, key_n, value_n, expires), rest = last
    owner = rest[:owner_n] if owner is None else owner.encode()
    key = rest[owner_n:owner_n + key_n] if key is None else key.encode()
    with open(path, "ab") as file:
        file.write(struct.pack("=IIIIQq", deed, kind, len(owner), len(key), value_n, expires) + owner + key + rest[owner_n + key_n:])
    broker.lines = []
    broker.start()


def test_session_below_another_client_id(make_broker, connect, name):
    """Nobody comes to what is somebody else's by a client id."""
    broker = start(make_broker)
    asleep(connect, broker, name, client_id=name)
    forged(broker, 1, owner=name + "-other")
    broker.wait_log("the identity of its owner")
    back(connect, broker, name + "-other", present=0)
    back(connect, broker, name)


def test_retained_below_another_topic(make_broker, connect, name):
    broker = start(make_broker)
    connect(to=broker).publish(name, "x", 1, retain=True)
    forged(broker, 7, key=name + "/other")
    broker.wait_log("t its topic")
    client = connect(to=broker)
    client.subscribe(name + "/#")
    client.message(name, "x", retain=1)
    client.quiet()


def test_packet_id_that_a_barrier_refuses(make_broker, connect, name):
    """Is free again in the store too: after a crash its message is taken."""
    broker = start(make_broker, {"plugins": {"keeper": {"fail": "@DIR@/fail"}}})
    client = connect(name, to=broker, clean=False, properties=KEEP)
    fail = broker.path("fail")
    open(fail, "w").close()
    client.send(client.publish_packet(name, "x", 2, packet_id=7))
    client.expect(PUBREC, packet_id=7, reason=0x83)
    os.unlink(fail)
    wait_records(broker, 0, "inbound")
    broker.restart(crash=True)
    reader = connect(to=broker)
    reader.subscribe(name)
    client = back(connect, broker, name)
    client.send(client.publish_packet(name, "x", 2, packet_id=7, dup=True))
    client.expect(PUBREC, packet_id=7)
    reader.message(name, "x")
