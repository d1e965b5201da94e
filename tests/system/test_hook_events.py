# SPDX-License-Identifier: Apache-2.0
"""What observers are told and in which order; what explain leaves as it was; what is counted; who is asked about deliveries."""
import json
import socket
import threading
import time

import pytest

from gatehouse import AUTH, CONNACK, Broker, Client, Will
from gatehouse.broker import DEADLINE
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = needs_modules
USERS = {"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]}


def kinds(events):
    return [one["kind"] for one in events]


# ---- events

@pytest.fixture(scope="module")
def broker():
    answers = login("joe") + [rule("authorize", "deny", topic="denied", file="rules", line=7, why="no"), rule("authorize")]
    config = {"plugins": {"probe": probe(*answers, file="probe.jsonl")}, "limits": {"failed-login-delay": "0"}}
    with Broker(config, listener=USERS) as one:
        yield one


def test_a_connections_story(broker, connect, name):
    """Everything a connection does, in its order, told once."""
    client = connect(name, username="joe")
    client.subscribe(name, qos=1)
    client.publish(name, "four", 1)
    client.message(name)
    client.publish("denied", "", 1, reason=0x87)
    client.unsubscribe(name)
    client.disconnect()
    serial = Journal(broker).wait(kind="connect", client=name)[0]["connection"]
    Journal(broker).wait(kind="disconnect", connection=serial)
    told = Journal(broker).events(connection=serial)
    assert set(kinds(told)) - {"accept", "usage"} == {"session", "auth", "connect", "subscribe", "publish", "deny", "unsubscribe", "disconnect"}
    assert [one["code"] for one in told if one["kind"] == "session"][0] == 0
    order = [one for one in kinds(told) if one not in ("accept", "session", "auth", "usage")]
    assert order == ["connect", "subscribe", "publish", "deny", "unsubscribe", "disconnect"]
    by = {one["kind"]: one for one in told}
    assert (by["auth"]["verdict"], by["auth"]["username"]) == (2, "joe")
    assert all(one["principal"] == "joe" and one["realm"] == "probe" and one["listener"] == "test" for one in told if one["kind"] in order)
    assert (by["subscribe"]["topic"], by["subscribe"]["qos"]) == (name, 1)
    assert (by["publish"]["topic"], by["publish"]["qos"], by["publish"]["bytes"]) == (name, 1, 4)
    assert (by["deny"]["topic"], by["deny"]["rule"], by["deny"]["module"], by["deny"]["why"]) == ("denied", "rules:7", "probe", "no")
    assert (by["disconnect"]["received"], by["disconnect"]["sent"]) == (2, 1)


def test_refused_logins(broker, connect, name):
    connect(name, username="mallory", reason=0x86)
    told, = Journal(broker).wait(kind="auth", client=name)
    assert (told["verdict"], told["username"], told["reason"]) == (3, "mallory", 0x86)
    assert not Journal(broker).events(kind="connect", client=name)


@pytest.mark.parametrize("step", ["authenticate", "exchange", "second step", "abandoned"])
@pytest.mark.parametrize("verdict", ["allow", "pass", "deny", "error"])
def test_shown_user(make_broker, dial, verdict, step):
    """A user name that is a secret is neither logged nor told, however the login ends."""
    canary, method = "canary-7Qx2-token", {"auth_method": "TOKEN", "auth_data": "begin" if step in ("second step", "abandoned") else "x"}
    how = {"principal": "joe"} if verdict == "allow" else {}
    answers = [rule("authenticate", verdict, user=canary, shown_user="somebody", **how),
               rule("exchange", "continue", user="begin", shown_user="somebody"),
               rule("exchange", verdict, user="x", shown_user="somebody", **how)]
    config = {"plugins": {"probe": dict(probe(*answers, file="probe.jsonl"), module="probe-exchange")},
              "limits": {"failed-login-delay": "0", "connect-timeout": "1s"}, "log": {"level": "debug"}}
    broker = make_broker(config, listener=USERS)
    client = dial(to=broker)
    client.send(client.connect_packet(username=canary, properties=None if step == "authenticate" else method))
    if step in ("second step", "abandoned"):
        client.expect(AUTH, reason=0x18)
    if step == "second step":
        client.auth(0x18, dict(method, auth_data="x"))
    last = client.expect(CONNACK)
    allowed = verdict == "allow" and step != "abandoned"
    assert (last.reason == 0) == allowed
    if allowed:
        client.disconnect()
        Journal(broker).wait(kind="disconnect", client=client.client_id)
    told, = Journal(broker).wait(kind="auth", client=client.client_id)
    assert told["username"] == "somebody"
    broker.wait_log("user='somebody'")
    assert not [line for line in broker.log() if canary in line]
    with open(Journal(broker).path) as text:
        assert canary not in text.read()


@pytest.mark.parametrize("how", ["now", "later"])
@pytest.mark.parametrize("end", ["deadline", "gone", "sent away", "shutdown"])
@pytest.mark.parametrize("shown", ["somebody", "-"])
def test_shown_user_while_another_thinks(make_broker, dial, connect, shown, end, how):
    """What the first module of the list says holds from then on, though the second one never answers."""
    canary = "canary-7Qx2-token"
    plugins = {"first": probe(*login("boss"), rule("authenticate", "pass", shown_user=shown, how=how), rule("authorize")),
               "second": probe(rule("authenticate", how="never"), file="probe.jsonl", calls=True),
               "actor": {"module": "actor", "file": "@DIR@/actor.jsonl", "events": ["publish"]}}
    config = {"plugins": plugins, "limits": {"connect-timeout": "1s" if end == "deadline" else "1m"}, "log": {"level": "debug"}}
    broker = make_broker(config, listener={"anonymous": False, "authenticate": ["first", "second"], "authorize": ["first"]})
    client = dial(to=broker)
    client.send(client.connect_packet(username=canary))
    told = Journal(broker)
    told.wait(what="call", hook="authenticate")
    if end == "gone":
        client.reset()
        eventually(lambda: broker.ctl("status")["connections"] == 0)
    elif end == "sent away":
        connect(to=broker, username="boss").publish("act/hook", "disconnect client %s 152 away" % client.client_id, 1)
        client.expect(CONNACK)
    elif end == "deadline":
        client.expect(CONNACK, reason=0x88)
    if end != "shutdown":
        client.drop()
    broker.stop()
    auth, = told.events(kind="auth", client=client.client_id)
    assert (auth["verdict"], auth.get("username")) == (3, None if shown == "-" else shown)
    logged, = [line for line in broker.log() if "login refused" in line or "login failed" in line]
    assert ("user='somebody'" in logged) == (shown == "somebody")
    assert not [line for line in broker.log() if canary in line]
    assert canary not in str(told.events())


def test_in_order_for_a_client_id(broker, connect, name):
    """Connections of one id one after the other, by takeover: each one's end is told before the next one's beginning."""
    last = None
    for _ in range(20):
        connect(name, username="joe")
    last = connect(name, username="joe")
    last.disconnect()
    Journal(broker).wait(21, kind="disconnect", client=name)
    told = [one for one in Journal(broker).events(client=name) if one["kind"] in ("connect", "disconnect")]
    assert kinds(told) == ["connect", "disconnect"] * 21
    serials = [one["connection"] for one in told]
    assert serials[0::2] == serials[1::2] and serials[0::2] == sorted(serials[0::2])


def test_publications_in_order(broker, connect, name):
    """With several connections at once: of each, in the order it sent."""
    def send(client):
        for i in range(50):
            client.publish("%s/%03d" % (client.client_id, i), "", 1)

    clients = [connect("%s-%d" % (name, i), username="joe") for i in range(6)]
    threads = [threading.Thread(target=send, args=(one,)) for one in clients]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for one in clients:
        told = [line["topic"] for line in Journal(broker).events(kind="publish", client=one.client_id)]
        assert told == ["%s/%03d" % (one.client_id, i) for i in range(50)]


def test_reload_and_commands(make_broker):
    broker = make_broker({"plugins": {"probe": probe(file="probe.jsonl", events=["reload", "admin"])}})
    broker.reload()
    broker.write("listeners: []\n")
    assert broker.run_ctl("reload").returncode == 1
    Journal(broker).wait(2, kind="reload")
    assert [one["code"] for one in Journal(broker).events(kind="reload")] == [0, 1]
    assert "reload" in Journal(broker).wait(kind="admin")[0]["text"]


# ---- each kind

LIMITS = {"packet-size": "4k", "packet-size-before-login": "1k", "topic-length": 40, "topic-levels": 4, "user-properties": 2,
          "subscriptions": 3, "will-size": "8", "client-id-length": 30, "retained-size": "16", "retained-messages": 1,
          "receive-maximum": 2, "queue-messages": 1, "queue-bytes": "2k", "output-bytes": "8k", "topic-alias-max": 1,
          "connect-timeout": "1s", "failed-login-delay": "0"}


def section(*more, **plugins):
    """The watcher stays as it is; the others come and go."""
    answers = list(more) + [rule("authenticate", user="brief", principal="brief", expires_in=1), rule("authenticate", user="thinker", how="never")] + login("joe") + [
        rule("authorize", "deny", topic="denied"), rule("authorize")]
    return {"plugins": dict({"watcher": probe(file="probe.jsonl"), "probe": probe(*answers)}, **plugins), "limits": LIMITS}


@pytest.fixture(scope="module")
def watched():
    with Broker(section(extra=probe(), gone=probe()), listener=USERS) as one:
        yield one


class Cause:
    """One thing that a client does; those that connect are joe."""

    def __init__(self, broker, connect, dial, name):
        self.broker, self.name, self.dial = broker, name, lambda *who: dial(*(who or (name,)), to=broker)
        self.connect = lambda **how: connect(name, to=broker, **dict({"username": "joe"}, **how))

    def come_and_go(self):
        self.connect().disconnect()

    def wrong_user(self):
        self.connect(username="mallory", reason=0x86)

    def resume(self, clean=False):
        for again in (False, True):
            self.connect(clean=clean and again, properties={"session_expiry": 60}).disconnect()

    def clean(self):
        self.resume(clean=True)

    def take_over(self):
        self.connect()
        self.connect()

    def session_expires(self):
        self.connect(properties={"session_expiry": 1}).disconnect()

    def identity_expires(self):
        self.connect(username="brief").expect_disconnect(0x87)

    def come_and_subscribe(self):
        client = self.connect()
        client.subscribe(self.name, qos=1)
        client.publish(self.name, "four", 1)
        client.unsubscribe(self.name)

    def denied(self):
        self.connect().publish("denied", "", 1, reason=0x87)

    def garbage(self):
        client = self.connect()
        client.send(b"\x00\x00")
        client.expect_disconnect()

    def too_large_for_it(self):
        client = self.connect(properties={"maximum_packet_size": 64})
        client.subscribe(self.name)
        client.publish(self.name, "x" * 100, 1)

    def never_allowed_before(self):
        client = self.dial()
        client.send(b"\x10\xff\x7f")
        client.expect_closed()

    def long_packet(self):
        client = self.connect()
        client.send(b"\x30\xff\x7f")
        client.expect_disconnect(0x95)

    def long_topic(self):
        self.connect().publish("x" * 41, "", 1, reason=0x90)

    def long_filter(self):
        self.connect().subscribe("x" * 41, reasons=[0x8f])

    def deep_topic(self):
        self.connect().publish("a/b/c/d/e", "", 1, reason=0x90)

    def deep_will(self):
        self.connect(will=Will("a/b/c/d/e"), reason=0x90)

    def properties(self):
        self.connect().publish("a", "", 1, reason=0x97, properties={"user_property": [("a", "b")] * 3})

    def subscriptions(self):
        self.connect().subscribe("a", "b", "c", reasons=[0, 0, 0])

    def one_more(self):
        client = self.connect()
        client.subscribe("a", "b", "c")
        client.subscribe("d", reasons=[0x97])

    def many_at_once(self):
        client = self.connect()
        client.send(client.subscribe_packet([(one, 0) for one in "abcd"], 1))
        client.expect_disconnect(0x97)

    def long_will(self):
        self.connect(will=Will("a", "x" * 9), reason=0x95)

    def long_id(self):
        self.name = "n" * 31
        client = self.dial()
        client.client_id = self.name
        client.connect(username="joe", reason=0x85)

    def large_retained(self):
        self.connect().publish("a", "x" * 17, 1, reason=0x97, retain=True)

    def many_retained(self):
        client = self.connect()
        client.publish("a", "x", 1, retain=True)
        client.publish("b", "x", 1, reason=0x97, retain=True)
        client.publish("a", "", 1, retain=True)

    def unreleased(self):
        client = self.connect()
        client.send(*[client.publish_packet("a", "x", 2) for _ in range(3)])
        client.drain()

    def away(self):
        """Messages wait for it from now on; who sends them."""
        client = self.connect(properties={"session_expiry": 60})
        client.subscribe(self.name, qos=1)
        client.disconnect()
        return self.dial(None).connect(username="joe")

    def full_queue(self):
        sender = self.away()
        for _ in range(2):
            sender.publish(self.name, "x", 1)

    def long_queue(self):
        self.away().publish(self.name, "x" * 3000, 1)

    def dropped(self, reason):
        return self.broker.metric("gatehouse_dropped_total", reason=reason)

    def slow_reader(self, many=1):
        """Until so many messages have been dropped."""
        client, before = self.dial(), self.dropped("slow reader")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(username="joe")
        client.subscribe(self.name)
        sender = self.dial(None).connect(username="joe")
        while self.dropped("slow reader") < before + many:
            sender.send(*[sender.publish_packet(self.name, "x" * 3000, 0)] * 500)
            sender.ping()
        return client

    def high_alias(self):
        client = self.connect()
        client.send(client.publish_packet("a", "x", 0, properties={"topic_alias": 2}))
        client.expect_disconnect(0x94)

    def slow_login(self):
        self.connect(username="thinker", reason=0x88)


C = Cause
EACH = [
    (C.come_and_go, "auth", {"verdict": 2, "username": "joe"}), (C.wrong_user, "auth", {"verdict": 3, "username": "mallory"}),
    (C.come_and_go, "connect", {"code": 0}), (C.resume, "connect", {"code": 1}), (C.take_over, "connect", {"code": 2}),
    (C.come_and_go, "disconnect", {"reason": 0}), (C.come_and_go, "session", {"code": 0}),
    (C.session_expires, "session", {"code": 1}), (C.clean, "session", {"code": 2}), (C.denied, "deny", {"topic": "denied", "action": 1}),
    (C.come_and_subscribe, "subscribe", {"qos": 1, "code": 0}), (C.come_and_subscribe, "unsubscribe", {"code": 0}),
    (C.come_and_subscribe, "publish", {"bytes": 4, "qos": 1}), (C.come_and_subscribe, "usage", {}),
    (C.too_large_for_it, "drop", {"text": "too large for the client", "count": 1}), (C.garbage, "protocol", {}),
    (C.full_queue, "drop", {"text": "queue full", "count": 1}), (C.slow_reader, "drop", {"text": "slow reader", "count": 1}),
    (C.identity_expires, "identity", {"text": "expired"}),
] + [(cause, "limit", {"text": key, "count": 1}) for cause, key in (
    (C.long_packet, "packet-size"), (C.long_topic, "topic-length"), (C.long_filter, "topic-length"), (C.deep_topic, "topic-levels"),
    (C.deep_will, "topic-levels"), (C.properties, "user-properties"), (C.one_more, "subscriptions"), (C.many_at_once, "subscriptions"),
    (C.long_will, "will-size"), (C.long_id, "client-id-length"), (C.large_retained, "retained-size"),
    (C.many_retained, "retained-messages"), (C.unreleased, "receive-maximum"), (C.full_queue, "queue-messages"),
    (C.long_queue, "queue-bytes"), (C.slow_reader, "output-bytes"), (C.high_alias, "topic-alias-max"), (C.slow_login, "connect-timeout"))]


@pytest.mark.parametrize("cause, kind, fields", EACH, ids=["%s-%s" % (one[1], one[0].__name__) for one in EACH])
def test_each_kind(watched, connect, dial, name, cause, kind, fields):
    """Of a client; what is told of bans, classes and replays is tested with the acts."""
    it = Cause(watched, connect, dial, name)
    cause(it)
    Journal(watched).wait(kind=kind, client=it.name, **fields)


def test_before_there_is_a_client(watched, dial):
    Cause(watched, None, dial, "nobody").never_allowed_before()
    Journal(watched).wait(kind="accept")
    Journal(watched).wait(kind="limit", text="packet-size-before-login")


def test_limits_within_bounds(watched, connect, dial, name):
    """What is allowed meets no limit."""
    it = Cause(watched, connect, dial, name)
    it.subscriptions()
    it.come_and_subscribe()
    Journal(watched).wait(kind="publish", client=name)
    assert not Journal(watched).events(kind="limit", client=name)


def test_limits_are_folded(watched, connect, name):
    """Once a second, with how often it was."""
    client, sent = connect(name, to=watched, username="joe"), 0
    end = time.monotonic() + DEADLINE
    while len(Journal(watched).events(kind="limit", client=name)) < 2 and time.monotonic() < end:
        client.publish("x" * 41, "", 1, reason=0x90)
        sent += 1
    counts = [one["count"] for one in Journal(watched).events(kind="limit", client=name)]
    assert len(counts) == 2 and counts[0] == 1 and sum(counts) == sent and sent > 2


def drops(broker, name, reason):
    told = Journal(broker).events(kind="drop", client=name, text=reason)
    assert {one["topic"] for one in told} <= {name}
    return [one["count"] for one in told]


def test_drops_are_folded(watched, connect, dial, name):
    """Of a session and reason, the first at once, then once a second: not one of them is left out, nor counted twice."""
    it, seconds = Cause(watched, connect, dial, name), time.monotonic()
    before, sender = it.dropped("queue full"), it.away()
    for _ in range(3):
        sender.send(*[sender.publish_packet(name, "x", 1) for _ in range(500)])
        sender.ping()
        eventually(lambda: sum(drops(watched, name, "queue full")) == it.dropped("queue full") - before > 0)
    counts = drops(watched, name, "queue full")
    assert sum(counts) == 1499 and counts[0] == 1 and len(counts) <= 2 + time.monotonic() - seconds
    assert sum(one["count"] for one in Journal(watched).events(kind="limit", client=name)) >= 1


def test_drops_are_told_before_the_end(watched, connect, dial, name):
    """Of the connection, and of a session that nobody is connected to."""
    it = Cause(watched, connect, dial, name)
    before, client = it.dropped("slow reader"), it.slow_reader(many=1000)
    client.reset()
    Journal(watched).wait(kind="disconnect", client=name)
    told = [one["kind"] for one in Journal(watched).events(client=name) if one["kind"] in ("drop", "disconnect")]
    counts = drops(watched, name, "slow reader")
    assert told == ["drop"] * len(counts) + ["disconnect"] and counts[0] == 1
    assert sum(counts) == it.dropped("slow reader") - before and max(counts) > 100
    sender = it.away()
    sender.send(*[sender.publish_packet(name, "x", 1) for _ in range(5)])
    sender.ping()
    eventually(lambda: drops(watched, name, "queue full"))
    it.connect(clean=True)
    Journal(watched).wait(kind="session", client=name, code=2)
    told = [one["kind"] for one in Journal(watched).events(client=name) if one["kind"] == "drop" or one["code"] == 2]
    assert sum(drops(watched, name, "queue full")) == 4 and told[-1] == "session"


def test_each_kind_of_a_reload(make_broker, connect):
    """Of the configuration, and of clients because of it."""
    broker = make_broker(section(extra=probe(), gone=probe()), listener=USERS)
    told = Journal(broker)
    told.wait(kind="module", module="extra", code=0)
    client = connect("c1", to=broker, username="joe")
    client.subscribe("a", "b")
    more = [rule("authorize", "deny", action="subscribe", topic="a"), rule("lookup", user="joe", principal="joe", group="night")]
    broker.write(section(*more, extra=probe(rule("accept", "pass")), bad={"module": "life", "alone-fails": "no"}), listener=USERS)
    broker.reload()
    for module, code in (("extra", 1), ("gone", 2), ("bad", 0), ("bad", 3)):
        told.wait(kind="module", module=module, code=code)
    told.wait(kind="reload", code=0)
    told.wait(kind="admin", text="reload")
    told.wait(kind="identity", client="c1", text="looked up again")
    told.wait(kind="unsubscribe", client="c1", topic="a", code=1)
    assert not told.events(kind="unsubscribe", topic="b")
    broker.write("listeners: []\n")
    assert broker.run_ctl("reload").returncode == 1
    told.wait(kind="reload", code=1)


# ---- explain

def figures(broker):
    return {(row["name"], row["labels"]): (row["value"], row.get("count")) for row in broker.ctl("metrics")
            if not row["name"].startswith(("gatehouse_loop", "process_", "gatehouse_memory", "gatehouse_uptime"))}


def test_explain_leaves_no_trace(make_broker, connect):
    """Asked about everything, of somebody made up and of somebody connected: figures, events and rights are as before."""
    answers = login("joe") + [rule("authorize", "deny", topic="no", file="rules", line=3), rule("authorize", topic="slow", how="later", delay="20ms"),
                              rule("authorize", topic="never", how="never"), rule("authorize", "error", topic="error"), rule("authorize")]
    config = {"plugins": {"probe": probe(*answers, file="probe.jsonl", calls=True), "sleeper": {}},
              "listeners": {"main": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]},
                            "blocking": {"address": "unix:@DIR@/b", "authenticate": ["probe"], "authorize": ["sleeper"]}},
              "limits": {"hook-timeout": "300ms"}}
    broker = make_broker(config)
    client = connect("live", to=broker, username="joe")
    client.subscribe("a")
    wanted = [(("connect", "--user", "joe"), "allow"), (("connect", "--user", "nobody"), "deny")]
    for who in (("--user", "joe"), ("--live", "live"), ("--user", "joe", "--listener", "blocking")):
        for action in ("publish", "subscribe", "will"):
            wanted += [((action, topic) + who, "allow" if topic in ("yes", "slow") or "blocking" in who else "deny")
                       for topic in ("yes", "no", "slow", "never", "error")]
        wanted += [(("receive", topic) + who, "allow" if topic == "yes" and "blocking" not in who else "deny") for topic in ("yes", "no", "slow")]
    before, events = figures(broker), len(Journal(broker).events())
    for words, verdict in wanted:
        done = broker.run_ctl("--json", "explain", *words)
        assert '"verdict":"%s"' % verdict in done.stdout.replace(" ", ""), (words, done.stdout, done.stderr)
        assert done.returncode == (0 if verdict == "allow" else 1)
    assert "rules:3" in broker.run_ctl("explain", "publish", "no", "--user", "joe").stdout
    after = figures(broker)
    # What the module itself counts is its own; it is told by GH_HYPOTHETICAL that it should not.
    assert {k: v for k, v in after.items() if v != before.get(k) and not k[0].startswith("gatehouse_probe_")} == {}
    assert len(Journal(broker).events()) == events
    asked = [one for one in Journal(broker).calls() if one["flags"]]
    assert len(asked) >= len(wanted) and {one["flags"] for one in asked} == {3}, "GH_EXPLAIN, GH_HYPOTHETICAL"
    client.quiet()


@pytest.mark.parametrize("user, how, verdict, why", [
    ("fine", {"how": "later", "delay": "50ms"}, "allow", ""), ("early", {"how": "early"}, "allow", ""), ("twice", {"how": "twice"}, "allow", ""),
    ("gone", {"answer": "deny", "how": "later", "why": "left"}, "deny", "left"), ("broken", {"answer": "error"}, "deny", "could not tell"),
    ("broken-later", {"answer": "error", "how": "later"}, "deny", "could not tell"), ("mute", {"how": "never"}, "deny", "no answer in time"),
    ("late", {"how": "later", "delay": "1s"}, "deny", "no answer in time"), ("ticketless", {"answer": "pending"}, "deny", "may not here")])
def test_explain_waits_for_a_lookup(make_broker, user, how, verdict, why):
    """Of a user who isn't there: a module that answers later is waited for, as long as it may take; one that can't tell denies, which is
    said. Nothing of it stays."""
    limits = {"hook-timeout": "5s" if user == "fine" else "300ms"}
    rules = [dict(rule("lookup", user=user, principal=user), **how), *login("other"), rule("authorize")]
    broker = make_broker({"plugins": {"probe": probe(*rules)}, "limits": limits}, listener={"authenticate": ["probe"], "authorize": ["probe"]})
    for words in (("connect",), ("publish", "a"), ("receive", "a")):
        done = broker.run_ctl("--json", "explain", *words, "--user", user)
        answer = json.loads(done.stdout)
        assert (answer["verdict"], done.returncode) == (verdict, 0 if verdict == "allow" else 1), (words, done)
        assert why in answer["why"] and (verdict == "allow" or answer["module"] == "probe"), (words, answer)
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 0)
    assert broker.run_ctl("explain", "publish", "a", "--user", "other").returncode == 0


# ---- figures of each instance

def test_each_instance_counts_its_own(make_broker, connect):
    first, second = probe(rule("authorize", "deny", topic="x"), rule("authorize", "error", topic="y"), on_error="next"), probe(rule("authorize"))
    broker = make_broker({"plugins": {"first": first, "second": second}}, listener={"authorize": ["first", "second"]})
    client = connect(to=broker)
    for topic, count in (("x", 1), ("y", 2), ("z", 3)):
        for _ in range(count):
            client.publish(topic, "", 1, reason=0x87 if topic == "x" else None)

    def answered(instance):
        return {v: broker.metric("gatehouse_plugin_answers_total", instance=instance, hook="authorize", verdict=v)
                for v in ("pass", "allow", "deny", "error")}

    assert answered("first") == {"pass": 3, "allow": 0, "deny": 1, "error": 2}
    assert answered("second") == {"pass": 0, "allow": 5, "deny": 0, "error": 0}
    rows = {row["instance"]: row for row in broker.ctl("plugins")}
    assert (rows["first"]["calls"], rows["second"]["calls"]) == (6, 5) and rows["first"]["module"] == "probe"
    broker.reload()
    assert answered("second")["allow"] == 5, "figures live on"


# ---- RECEIVE, and who has covered it

def covering(make_broker, *answers):
    """A module that blocks and covers what it grants, and a probe."""
    plugins = {"sleeper": {}, "probe": probe(*answers, file="probe.jsonl", calls=True)}
    return make_broker({"plugins": plugins}, listener={"authorize": [{"required": "sleeper"}, {"required": "probe"}]})


def received(broker):
    return [one["topic"] for one in Journal(broker).calls(action=3)]


def test_covered_by_all(make_broker, connect):
    """Nobody is asked about deliveries; and of a mixture only those who have not covered them."""
    broker = covering(make_broker, rule("authorize", action="subscribe", topic="c/#", covers=True), rule("authorize"))
    client, other = connect(to=broker), connect(to=broker)
    client.subscribe("c/#", "n/#")
    for topic in ("c/1", "n/1"):
        other.publish(topic, "x")
        client.message(topic)
    assert received(broker) == ["n/1"]


def test_covers_silences_nobody(make_broker, connect):
    """The one that has covered counts as asked; the other's DENY holds, delivery by delivery."""
    broker = covering(make_broker, rule("authorize", "deny", action="receive", topic="a/secret"), rule("authorize"))
    client, other = connect(to=broker), connect(to=broker)
    client.subscribe("a/#")
    for topic in ("a/1", "a/secret", "a/2"):
        other.publish(topic, "x", 1)
    assert [client.message().topic for _ in range(2)] == ["a/1", "a/2"]
    assert client.fence(other) == []
    assert received(broker)[:3] == ["a/1", "a/secret", "a/2"]
    assert broker.metric("gatehouse_denied_total", action="receive") == 1


def test_covers_until_the_next_reload(make_broker, connect):
    """What was covered under rules that are no more is judged by those in force."""
    broker = covering(make_broker, rule("authorize", action="subscribe", covers=True), rule("authorize"))
    client, other = connect(to=broker), connect(to=broker)
    client.subscribe("a/#")
    other.publish("a/1", "x")
    client.message("a/1")
    plugins = {"sleeper": {}, "probe": probe(rule("authorize", "deny", action="receive", topic="a/1"), rule("authorize"), file="probe.jsonl", calls=True)}
    broker.write({"plugins": plugins}, {"authorize": [{"required": "sleeper"}, {"required": "probe"}]})
    broker.reload()
    eventually(lambda: len(Journal(broker).calls(action=2, topic="a/#")) == 2)
    other.publish("a/1", "x")
    other.publish("a/2", "x")
    client.message("a/2")
    assert client.fence(other) == []
