# SPDX-License-Identifier: Apache-2.0
"""Deliveries while rights are re-checked by a module that blocks: it can't be asked about a message, so the message waits."""
import os

import pytest

from gatehouse import PUBLISH
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = [needs_modules, pytest.mark.threads]
KEEP = {"session_expiry": 300}
SLOW = "sleep/400/x"  # so long it thinks about this filter, each time


def start(make_broker, plugins=None, authorize=("sleeper",), **limits):
    """Who publishes has a listener where nothing is asked."""
    listeners = {"test": {"address": "127.0.0.1:@PORT@", "anonymous": True, "authorize": list(authorize)},
                 "open": {"address": "unix:@DIR@/open", "anonymous": True, "authorize": "none"}}
    return make_broker({"plugins": {"sleeper": {}, **(plugins or {})}, "limits": limits, "listeners": listeners})


def author(connect, broker):
    return connect(to=broker.path("open"))


def resumed(connect, broker, client_id, **how):
    client = connect(client_id, to=broker, clean=False, properties=KEEP, **how)
    assert client.connack.session_present
    return client


def asleep(connect, broker, client_id, qos, filter=SLOW):
    client = connect(client_id, to=broker, clean=False, properties=KEEP)
    client.subscribe(filter, qos=qos)
    return client


@pytest.mark.parametrize("qos", [1, 2])
def test_resumed(make_broker, connect, name, qos):
    """What waited in the queue comes when the rights of the resumed session are known, in its order, before what is published then."""
    broker = start(make_broker)
    asleep(connect, broker, name, qos).disconnect()
    writer = author(connect, broker)
    for i in range(3):
        writer.publish(SLOW, "m%d" % i, qos)
    client = resumed(connect, broker, name)
    for i in range(3, 6):
        writer.publish(SLOW, "m%d" % i, qos if i < 5 else 0)
    for i in range(6):
        client.message(SLOW, "m%d" % i, qos=qos if i < 5 else 0)
    client.quiet()


def test_sent_again(make_broker, connect, name):
    """What was sent and not acknowledged is sent again, once, with DUP."""
    broker = start(make_broker)
    client = asleep(connect, broker, name, 1)
    author(connect, broker).publish(SLOW, "m", 1)
    packet = client.wait_for(PUBLISH)
    client.drop()
    client = resumed(connect, broker, name)
    assert packet.dup == 0 and client.message(SLOW, "m", qos=1, dup=1)
    client.quiet()


@pytest.mark.parametrize("act", ["reload", "plugin reload"])
def test_live(make_broker, connect, name, act):
    """A policy change loses nothing of what comes before its re-check has answered, QoS 0 neither."""
    broker = start(make_broker)
    client, writer = asleep(connect, broker, name, 1), author(connect, broker)
    broker.ctl(*act.split(), *(["sleeper"] if "plugin" in act else []))
    for i in range(20):
        writer.publish(SLOW, "m%d" % i, i % 2)
    for i in range(20):
        client.message(SLOW, "m%d" % i)
    client.quiet()


def test_offline(make_broker, connect, name):
    """A session whose client is away is re-checked too: what is published meanwhile waits for it."""
    broker = start(make_broker)
    asleep(connect, broker, name, 1).disconnect()
    broker.ctl("plugin", "reload", "sleeper")
    author(connect, broker).publish(SLOW, "m", 1)
    resumed(connect, broker, name).message(SLOW, "m", qos=1)


def test_retained(make_broker, connect, name):
    broker = start(make_broker)
    writer, client = author(connect, broker), connect(name, to=broker)
    writer.publish(SLOW, "kept", 1, retain=True)
    client.subscribe("#", qos=1)
    broker.ctl("plugin", "reload", "sleeper")
    client.subscribe(SLOW, qos=1)
    client.message(SLOW, "kept", qos=1, retain=1)


def test_bounded(make_broker, connect, name):
    """queue-messages bounds what waits: the newest goes, as it does for an offline client."""
    broker = start(make_broker, **{"queue-messages": 3})
    client, writer = asleep(connect, broker, name, 1), author(connect, broker)
    broker.ctl("plugin", "reload", "sleeper")
    for i in range(5):
        writer.publish(SLOW, "m%d" % i, 0)
    writer.ping()
    for i in range(3):
        client.message(SLOW, "m%d" % i)
    client.quiet()


def test_refused_at_once(make_broker, connect, name):
    """Who can be asked refuses without waiting for the other."""
    broker = start(make_broker, {"probe": probe(rule("authorize", "deny", topic=SLOW, action="receive"), rule("authorize", "pass"))},
                   ("probe", "sleeper"))
    client, writer = asleep(connect, broker, name, 1), author(connect, broker)
    broker.ctl("plugin", "reload", "sleeper")
    writer.publish(SLOW, "never", 1)
    writer.publish(SLOW, "never", 0)
    client.quiet()


def test_renewed_meanwhile(make_broker, connect, name):
    """The renewal of what is covered for a time doesn't end a re-check of who it is."""
    rules = [rule("authenticate", user="joe", principal="joe"), rule("lookup", "deny", how="later", delay="3s"),
             rule("authorize", covers=True, cache=1)]
    broker = make_broker({"plugins": {"probe": probe(*rules)}},
                         listener={"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]})
    client = connect(name, to=broker, username="joe")
    client.subscribe(name)
    broker.ctl("plugin", "reload", "probe")
    client.expect_disconnect(0x87)


def touch(broker, name):
    path = os.path.join(broker.directory, name)
    open(path, "w").close()
    return path


def waiting(client):
    """What has come for it, and isn't taken yet."""
    client.ping()
    return [packet for packet in client.inbox if packet.type == PUBLISH]


def test_reauthentication_meanwhile(make_broker, connect, name):
    """Who is denied by the re-check that it brings on is sent away."""
    method = {"auth_method": "m", "auth_data": "joe"}
    rules = [rule("exchange", user="joe", principal="joe"), rule("lookup", "error", while_exists="@DIR@/away"), rule("lookup", "deny")]
    broker = make_broker({"plugins": {"probe": dict(probe(*rules, file="@DIR@/probe.jsonl", calls=True), module="probe-exchange")}},
                         listener={"anonymous": False, "authenticate": ["probe"]})
    away = touch(broker, "away")
    client = connect(name, to=broker, properties=method)
    broker.ctl("plugin", "reload", "probe")
    Journal(broker).wait(what="call", hook="lookup")
    os.unlink(away)
    client.auth(0x19, method)
    client.expect_disconnect(0x87)
    connect(to=broker, properties=method).ping()


def test_answer_of_the_policy_before(make_broker, connect, name):
    """What it says of later deliveries holds no longer when the policy has changed while it was asked."""
    rules = [rule("authorize", action="subscribe", covers=True, how="later", delay="1s"),
             rule("authorize", "deny", action="receive", while_exists="@DIR@/revoked"), rule("authorize")]
    broker = make_broker({"plugins": {"probe": probe(*rules, file="@DIR@/probe.jsonl", calls=True),
                                      "actor": {"module": "actor", "file": "@DIR@/actor.jsonl"}},
                          "listeners": {"test": {"address": "127.0.0.1:@PORT@", "anonymous": True, "authorize": ["probe"]},
                                        "open": {"address": "unix:@DIR@/open", "anonymous": True, "authorize": "none"}}})
    client, writer = connect(name, to=broker), author(connect, broker)
    client.subscribe(name, qos=1)
    broker.ctl("plugin", "reload", "probe")
    asked = {"what": "call", "hook": "authorize", "client": name, "action": 2}
    Journal(broker).wait(2, **asked)
    touch(broker, "revoked")
    writer.publish("act/hook", "recheck everyone x 1", 1)
    Journal(broker).wait(3, **asked)
    writer.publish(name, "never", 1)
    writer.publish(name, "never", 0)
    client.quiet()


@pytest.mark.parametrize("denied", [False, True])
def test_shared(make_broker, connect, name, denied):
    """Another member has it, at once or when the first one has lost its right; nothing is lost."""
    broker = start(make_broker, {"sleeper": {"denied": name, "denied-while": "@DIR@/denied"}})
    members = [asleep(connect, broker, one, 1, "$share/g/" + SLOW) for one in (name, name + "-2")]
    writer = author(connect, broker)
    if denied:
        touch(broker, "denied")
    broker.ctl("plugin", "reload", "sleeper")
    for i in range(10):
        writer.publish(SLOW, "m%d" % i, 1)
    if denied:
        got = [members[1].message(SLOW).payload for _ in range(10)]
    else:
        eventually(lambda: sum(len(waiting(one)) for one in members) == 10)
        got = [packet.payload for one in members for packet in waiting(one)]
    assert sorted(got) == sorted(b"m%d" % i for i in range(10))


def test_queue_is_left(make_broker, connect, name):
    """When what waited has gone, what comes is sent at once again."""
    broker = start(make_broker)
    asleep(connect, broker, name, 1).disconnect()
    writer = author(connect, broker)
    writer.publish(SLOW, "before", 1)
    client = resumed(connect, broker, name)
    for i in range(3):
        writer.publish(SLOW, "m%d" % i, i % 2)
    for payload in ("before", "m0", "m1", "m2"):
        client.message(SLOW, payload)
    client.quiet()
    for i in range(3):
        writer.publish(SLOW, "after%d" % i, 0)
        client.message(SLOW, "after%d" % i, qos=0)


def test_grace_beside_renewals(make_broker, connect, name):
    """What can't be answered ends a session after recheck-grace, though its rights are renewed all the while."""
    rules = [rule("authenticate", user="joe", principal="joe"), rule("lookup", "error"), rule("authorize", covers=True, cache=1)]
    broker = make_broker({"plugins": {"probe": probe(*rules)}, "limits": {"recheck-grace": "3s"}},
                         listener={"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]})
    client = connect(name, to=broker, username="joe")
    client.subscribe(name)
    broker.ctl("plugin", "reload", "probe")
    client.expect_disconnect(0x87)


def test_named_while_others_wait(make_broker, connect, name):
    """Whose right has gone is named: it takes effect though somebody else's identity isn't answered for yet."""
    rules = [rule("authenticate", user="slow", principal="slow"), rule("lookup", user="slow", how="never"), *login("joe"),
             rule("authorize", "deny", client=name, action="subscribe", while_exists="@DIR@/revoked"),
             rule("authorize", "deny", client=name, action="receive", while_exists="@DIR@/revoked"), rule("authorize", covers=True)]
    broker = make_broker({"plugins": {"probe": probe(*rules, file="@DIR@/probe.jsonl", calls=True),
                                      "actor": {"module": "actor", "file": "@DIR@/actor.jsonl"}},
                          "limits": {"hook-timeout": "20s"}, "workers": 1,
                          "listeners": {"test": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]},
                                        "open": {"address": "unix:@DIR@/open", "anonymous": True, "authorize": "none"}}})
    client, writer = connect(name, to=broker, username="joe"), author(connect, broker)
    connect(to=broker, username="slow")
    client.subscribe(name, qos=1)
    writer.publish("act/hook", "recheck everyone x 1", 1)
    Journal(broker).wait(what="call", hook="lookup", user="slow")
    Journal(broker).wait(2, what="call", hook="authorize", client=name, action=2)
    writer.publish(name, "still", 1)
    client.message(name, "still")
    touch(broker, "revoked")
    writer.publish("act/hook", "recheck client %s 1" % name, 1)
    Journal(broker, "actor.jsonl").wait(2, what="act")
    writer.publish(name, "never", 1)
    client.quiet()
