# SPDX-License-Identifier: Apache-2.0
"""Limits classes: given by a login, or later by a module for a time."""
import json

import pytest

from gatehouse import AUTH, CONNACK, Client, Will
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule
from test_hook_acts import Boss, actor, serial

pytestmark = [needs_modules, pytest.mark.threads]

CLASSES = {
    "small": {"queue-messages": 3, "subscriptions": 2, "receive-maximum": 5, "packet-size": 1000, "keep-alive-max": "20s",
              "session-expiry-max": "50s", "topic-levels": 3, "topic-length": 30, "will-size": 10, "inflight": 2, "topic-alias-max": 1,
              "user-properties": 1, "retained-size": 10},
    "few": {"subscriptions": 1},
    "same": {},
}


def config(*answers, classes=None, workers=None, limits=None, **options):
    """joe comes with the class small, ann and boss with none; bob names one that isn't there."""
    answers = answers or [*login("joe", limits_class="small"), *login("ann"), *login("boss"), *login("bob", limits_class="none"),
                          rule("authorize", covers=True)]
    out = {"plugins": {"probe": probe(*answers), "actor": actor(**options)},
           "limits": dict(limits or {}, classes=CLASSES if classes is None else classes),
           "listeners": {"test": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]}}}
    if workers:
        out["workers"] = workers
    return out


@pytest.fixture
def broker(make_broker):
    return make_broker(config(events=["connect", "identity"]))


@pytest.fixture
def boss(broker, connect):
    return Boss(broker, connect)


def class_of(broker, client_id):
    return broker.clients()[client_id].get("class")


def becomes(broker, client_id, name):
    eventually(lambda: class_of(broker, client_id) == name)


def subscribes(client, count, reasons):
    """So many filters one by one; the SUBACKs."""
    got = [client.subscribe("%s/%d" % (client.client_id, i), reasons=[wanted]) for i, wanted in zip(range(count), reasons)]
    assert len(got) == count


def beside(broker, connect, client_id):
    """A client on the worker of a connected one: what its fence() has seen, the other's session has too."""
    worker = broker.clients()[client_id]["worker"]
    while True:
        one = connect(to=broker, username="ann")
        if broker.clients()[one.client_id]["worker"] == worker:
            return one
        one.disconnect()


# ---- at login

def test_told_in_connack(broker, connect):
    """What MQTT 5 tells is that of the class; without one, of the listener."""
    got = connect(to=broker, username="joe", keep_alive=100, properties={"session_expiry": 100}).connack.properties
    assert got["receive_maximum"] == 5 and got["maximum_packet_size"] == 1000 and got["topic_alias_maximum"] == 1
    assert got["server_keep_alive"] == 20 and got["session_expiry"] == 50
    got = connect(to=broker, username="ann", keep_alive=100, properties={"session_expiry": 100}).connack.properties
    assert got["receive_maximum"] == 1000 and got["maximum_packet_size"] == 1 << 20 and got["topic_alias_maximum"] == 16
    assert "server_keep_alive" not in got and "session_expiry" not in got


def test_subscriptions(broker, connect):
    subscribes(connect(to=broker, username="joe"), 4, [0, 0, 0x97, 0x97])
    subscribes(connect(to=broker, username="ann"), 4, [0, 0, 0, 0])
    joe = connect(to=broker, username="joe")
    joe.send(joe.subscribe_packet([("a", 0), ("b", 0), ("c", 0)], 1))
    joe.expect_disconnect(0x97)


def test_packet_size(broker, connect):
    joe, ann = connect(to=broker, username="joe"), connect(to=broker, username="ann")
    for one in (joe, ann):
        one.publish("t", "x" * 900, 1)
    joe.send(joe.publish_packet("t", "x" * 1000))
    joe.expect_disconnect(0x95)
    ann.publish("t", "x" * 1000, 1)


def test_topics(broker, connect):
    joe, ann = connect(to=broker, username="joe"), connect(to=broker, username="ann")
    joe.publish("a/b/c", "x", 1)
    joe.publish("a/b/c/d", "x", 1, reason=0x90)
    joe.publish("x" * 31, "x", 1, reason=0x90)
    joe.subscribe("a/b/c/d", reasons=[0x8f])
    joe.publish("t", "x" * 11, 1, reason=0x97, retain=True)
    joe.publish("t", "x" * 10, 1, retain=True)
    joe.publish("t", "x", 1, reason=0x97, properties=[("user_property", ("a", "b"))] * 2)
    ann.publish("a/b/c/d", "x" * 11, 1, retain=True)


def test_inflight(broker, connect):
    joe, ann = connect(to=broker, username="joe"), connect(to=broker, username="ann")
    for one in (joe, ann):
        one.subscribe("t/" + one.client_id, qos=1)
        for i in range(4):
            ann.publish("t/" + one.client_id, str(i), 1)
        assert len(one.fence(ann)) == (2 if one is joe else 4)


def test_receive_maximum(broker, connect):
    joe = connect(to=broker, username="joe")
    for i in range(6):
        joe.send(joe.publish_packet("t", "x", 2))
    end = [joe.recv() for _ in range(6)]
    assert [one.type for one in end[:5]] == [5] * 5 and end[5].type == 14 and end[5].reason == 0x93


@pytest.mark.parametrize("will, reason", [(Will("w", "x" * 10), 0), (Will("w", "x" * 11), 0x95), (Will("a/b/c/d", "x"), 0x90)])
def test_will(broker, connect, dial, will, reason):
    dial("c1", to=broker).connect(username="joe", will=will, reason=reason)
    connect("c2", to=broker, username="ann", will=will)


def test_refused_login_leaves_the_session(broker, connect, dial):
    """A will that the class doesn't allow takes nothing over."""
    joe = connect("c1", to=broker, username="joe")
    dial("c1", to=broker).connect(username="joe", will=Will("w", "x" * 11), reason=0x95).expect_closed()
    joe.quiet()


def test_queue(broker, connect):
    """The session keeps the class while its client is away."""
    for user, kept in (("joe", 3), ("ann", 9)):
        away = connect("away-" + user, to=broker, username=user, properties={"session_expiry": 40})
        away.subscribe(user, qos=1)
        near, pub = beside(broker, connect, away.client_id), connect(to=broker, username="ann")
        away.close()
        eventually(lambda: "away-" + user not in broker.clients())
        for i in range(9):
            pub.publish(user, str(i), 1)
        near.fence(pub)
        back = connect("away-" + user, to=broker, username=user, clean=False)
        for i in range(kept):
            back.message(user, str(i))
        back.quiet()


def test_shown(broker, connect):
    connect("c1", to=broker, username="joe")
    connect("c2", to=broker, username="ann")
    assert class_of(broker, "c1") == "small" and class_of(broker, "c2") is None
    table = broker.run_ctl("clients").stdout
    assert "class" in table and "small" in table


def test_explained(make_broker, connect):
    """What a login would get now, of a session what is in force; and nothing where there is none."""
    broker = make_broker(config())
    boss = Boss(broker, connect)

    def explained(*words):
        row = json.loads(broker.run_ctl("--json", "explain", *words).stdout)
        return row.get("class")

    assert explained("connect", "--user", "joe") == "small" == explained("publish", "a", "--user", "joe")
    assert explained("connect", "--user", "ann") is explained("connect", "--user", "bob") is explained("connect", "--user", "nobody") is None
    table = broker.run_ctl("explain", "connect", "--user", "joe").stdout
    assert "class" in table and "small" in table
    boss.say("hook", "class client c1 600", "few")
    for user in ("joe", "ann"):
        assert explained("connect", "--user", user, "--client", "c1") == "few"
    assert explained("connect", "--user", "ann", "--client", "c2") is None
    connect("c1", to=broker, username="joe")
    connect("c2", to=broker, username="ann")
    assert (explained("publish", "a", "--live", "c1"), explained("publish", "a", "--live", "c2")) == ("few", None)
    boss.say("hook", "class client c1 0")
    becomes(broker, "c1", "small")
    assert explained("receive", "a", "--live", "c1") == "small"


def test_in_events(make_broker, connect):
    broker = make_broker(config(events=["connect"]))
    connect("c1", to=broker, username="joe")
    connect("c2", to=broker, username="ann")
    journal = Journal(broker, "actor.jsonl")
    assert journal.wait(kind="connect", client="c1")[0]["class"] == "small"
    assert "class" not in journal.wait(kind="connect", client="c2")[0]


def test_unknown(broker, dial):
    dial("c1", to=broker).connect(username="bob", reason=0x87).expect_closed()
    broker.wait_log(r"login failed .*client='c1' .*module='probe' reason='there is no limits class ..none..'")


def test_first_holds(make_broker, connect):
    """Of those that a list gives."""
    own = config(rule("authenticate", user="joe", principal="joe", limits_class="small"), rule("authorize"), **{"login-class": "few"})
    own["listeners"]["test"]["authenticate"] = [{"required": "actor"}, "probe"]
    broker = make_broker(own)
    connect("c1", to=broker, username="joe")
    assert class_of(broker, "c1") == "few"


def test_anonymous(make_broker, connect, dial):
    """Nobody is told apart there, so a class can't be given by a login; it can later."""
    own = config()
    own["listeners"]["open"] = {"address": "unix:@DIR@/mqtt.sock", "anonymous": True, "authorize": "none"}
    broker = make_broker(own)
    boss = Boss(broker, connect)
    one = connect("c1", to=broker.path("mqtt.sock"))
    boss.say("hook", "class client c1 60", "few")
    becomes(broker, "c1", "few")
    subscribes(one, 2, [0, 0x97])


def test_per_listener(make_broker, connect):
    """What a class doesn't say is the listener's own."""
    own = config()
    own["listeners"]["other"] = dict(own["listeners"]["test"], address="unix:@DIR@/mqtt.sock",
                                     limits={"receive-maximum": 77, "subscriptions": 9, "inflight": 33})
    own["limits"]["classes"] = {"small": {"subscriptions": 3}}
    broker = make_broker(own)
    one, two = connect(to=broker, username="joe"), connect(to=broker.path("mqtt.sock"), username="joe")
    assert one.connack.properties["receive_maximum"] == 1000 and two.connack.properties["receive_maximum"] == 77
    for client in (one, two):
        subscribes(client, 4, [0, 0, 0, 0x97])


# ---- set by a module

@pytest.mark.parametrize("where", ["hook", "thread"])
@pytest.mark.parametrize("subject", ["client c1", "principal ann", "address 127.0.0.1", "address 127.0.0.0/8", "everyone -", "connection"])
def test_set_class(make_broker, connect, where, subject):
    """Who is connected, and nobody else."""
    own = config(events=["connect", "identity"])
    own["listeners"]["local"] = dict(own["listeners"]["test"], address="unix:@DIR@/mqtt.sock")
    broker = make_broker(own)
    boss = Boss(broker, lambda client_id, to, **how: connect(client_id, to=broker.path("mqtt.sock"), **how))
    ann = connect("c1", to=broker, username="ann")
    other = connect("c2", to=broker.path("mqtt.sock"), username="joe")
    if subject == "connection":
        subject += " %d" % serial(boss.journal, "c1")
    boss.say(where, "class", subject, 0, "few")
    becomes(broker, "c1", "few")
    told = boss.journal.wait(kind="identity", client="c1")
    assert [(e["class"], e["text"], e["principal"]) for e in told] == [("few", "class changed", "ann")]
    subscribes(ann, 2, [0, 0x97])
    if not subject.startswith("everyone"):
        assert class_of(broker, "c2") == "small" and class_of(broker, "boss") is None
        subscribes(other, 3, [0, 0, 0x97])
    # until the connection ends
    ann.disconnect()
    connect("c1", to=broker, username="ann")
    assert class_of(broker, "c1") is None


@pytest.mark.parametrize("workers", [1, 4])
def test_set_class_of_many(make_broker, connect, workers):
    """On all workers, and back."""
    broker = make_broker(config(workers=workers))
    boss = Boss(broker, connect)
    anns, joes = [[connect(to=broker, username=user) for _ in range(20)] for user in ("ann", "joe")]

    def classes(of):
        shown = broker.clients()
        return {shown[one.client_id].get("class") for one in of}

    boss.say("hook", "class principal ann 600", "few")
    eventually(lambda: classes(anns) == {"few"})
    assert classes(joes) == {"small"}
    boss.say("hook", "class everyone - 0", "same")
    eventually(lambda: classes(anns + joes) == {"same"})
    boss.say("hook", "class everyone - 0")
    eventually(lambda: classes(anns) == {None} and classes(joes) == {"small"})
    # that was the end of what held by subject, too
    connect("late", to=broker, username="ann")
    assert class_of(broker, "late") is None


@pytest.mark.parametrize("subject", ["client c1", "principal ann", "address 127.0.0.0/8"])
def test_reconnecting_doesnt_help(make_broker, connect, subject):
    """Within the time it holds for who connects as that, before CONNACK; then it is over for the connection too, by itself."""
    own = config(events=["connect", "identity"])
    own["listeners"]["local"] = dict(own["listeners"]["test"], address="unix:@DIR@/mqtt.sock")
    broker = make_broker(own)
    boss = Boss(broker, lambda client_id, to, **how: connect(client_id, to=broker.path("mqtt.sock"), **how))
    connect("c1", to=broker, username="ann")
    boss.say("hook", "class", subject, 600, "small")
    becomes(broker, "c1", "small")
    ann = connect("c1", to=broker, username="ann")  # taken over
    assert ann.connack.properties["receive_maximum"] == 5
    subscribes(ann, 3, [0, 0, 0x97])
    ann.disconnect()
    ann = connect("c1", to=broker, username="ann")
    assert class_of(broker, "c1") == "small"
    before = len(boss.journal.events(kind="identity", client="c1"))
    boss.say("hook", "class", subject, 1, "small")
    told = boss.journal.wait(before + 1, kind="identity", client="c1")[-1]
    assert told["text"] == "class changed" and "class" not in told
    subscribes(ann, 3, [0, 0, 0])
    assert connect("c1", to=broker, username="ann").connack.properties["receive_maximum"] == 1000


def test_comes_before_the_class_of_the_login(broker, boss, connect):
    joe = connect("c1", to=broker, username="joe")
    boss.say("hook", "class client c1 600", "few")
    becomes(broker, "c1", "few")
    subscribes(joe, 2, [0, 0x97])
    boss.say("hook", "class client c1 0")
    becomes(broker, "c1", "small")
    subscribes(joe, 3, [0, 0, 0x97])


def test_the_nearest_holds(broker, boss, connect):
    """Client id, user, address, one after the other as they are lifted."""
    connect("c1", to=broker, username="ann")
    boss.say("hook", "class address 127.0.0.1 600", "same")
    becomes(broker, "c1", "same")
    boss.say("hook", "class principal ann 600", "small")
    becomes(broker, "c1", "small")
    boss.say("hook", "class client c1 600", "few")
    becomes(broker, "c1", "few")
    connect("c1", to=broker, username="ann")
    assert class_of(broker, "c1") == "few"
    boss.say("hook", "class client c1 0")
    becomes(broker, "c1", "small")
    boss.say("hook", "class principal ann 600")
    becomes(broker, "c1", "same")
    boss.say("hook", "class address 127.0.0.1 0")
    becomes(broker, "c1", None)


def test_a_connections_time(broker, boss, connect):
    """A connection alone: for a time, and not longer than it lasts."""
    connect("c1", to=broker, username="ann", properties={"session_expiry": 100})
    number = serial(boss.journal, "c1")
    boss.say("hook", "class connection", number, 1, "few")
    told = boss.journal.wait(2, kind="identity", client="c1")
    assert [one.get("class") for one in told] == ["few", None]
    boss.say("hook", "class connection", number, 600, "few")
    becomes(broker, "c1", "few")
    back = connect("c1", to=broker, username="ann", clean=False)
    assert back.connack.session_present and class_of(broker, "c1") is None


def test_a_connections_class_ends_with_it(broker, boss, connect):
    """What comes for the session afterwards is bound by its own limits."""
    client = connect("c1", to=broker, username="ann", properties={"session_expiry": 100})
    client.subscribe("away", qos=1)
    boss.say("hook", "class connection", serial(boss.journal, "c1"), 600, "small")
    becomes(broker, "c1", "small")
    client.disconnect()
    for i in range(5):
        boss.client.publish("away", str(i), 1)
    back = connect("c1", to=broker, username="ann", clean=False)
    for i in range(5):
        back.message("away", str(i))


def test_what_is_there_stays(broker, boss, connect):
    """Subscriptions, and what waits in the queue: nothing is lost, but no more is taken."""
    ann, pub = connect("c1", to=broker, username="ann", properties={"session_expiry": 100}), connect(to=broker, username="ann")
    ann.subscribe("a", "b", "c", "d", qos=1)
    near = beside(broker, connect, "c1")
    ann.close()
    eventually(lambda: "c1" not in broker.clients())
    for i in range(6):
        pub.publish("a", str(i), 1)
    near.fence(pub)
    boss.say("hook", "class client c1 600", "small")
    for i in range(3):
        pub.publish("a", "more", 1)
    near.fence(pub)
    ann = connect("c1", to=broker, username="ann", clean=False)
    assert class_of(broker, "c1") == "small"
    for i in range(6):
        ann.message("a", str(i))
    ann.quiet()
    pub.publish("d", "x", 1)
    ann.message("d", "x")
    ann.subscribe("e", reasons=[0x97])
    ann.subscribe("d", qos=1)


def test_what_connack_told_stays(broker, boss, connect):
    ann = connect("c1", to=broker, username="ann")
    boss.say("hook", "class client c1 600", "small")
    becomes(broker, "c1", "small")
    ann.publish("t", "x" * 5000, 1)
    for i in range(20):
        ann.send(ann.publish_packet("t", "x", 2))
    assert {ann.recv().type for _ in range(20)} == {5}
    ann.publish("a/b/c/d", "x", 1, reason=0x90)


def test_who_it_is_stays(make_broker, connect):
    """It is the same person: what is attached and what was covered too; a new identity doesn't end it."""
    own = config(*login("ann"), *login("boss"), rule("authorize", covers=True), events=["identity"])
    own["plugins"]["probe"].update({"file": "@DIR@/probe.jsonl", "calls": True})
    broker = make_broker(own)
    boss, calls = Boss(broker, connect), Journal(broker)
    ann = connect("c1", to=broker, username="ann")
    ann.subscribe("a")
    ann.publish("act/hook", "attach mine", 1)
    asked = len(calls.calls(hook="authorize", client="c1"))
    boss.say("hook", "class client c1 600", "few")
    becomes(broker, "c1", "few")
    boss.client.publish("a", "x", 1)
    ann.message("a", "x")
    assert len(calls.calls(hook="authorize", client="c1")) == asked
    ann.publish("act/hook", "attached", 1)
    assert boss.journal.wait(what="act", verb="attached")[-1]["text"] == "mine"
    boss.say("hook", "recheck client c1 1")
    boss.journal.wait(2, kind="identity", client="c1")
    assert class_of(broker, "c1") == "few"


@pytest.mark.parametrize("words", ["connection 0", "client ", "address localhost", "address 192.0.2.1/33", "9 x"])
def test_nobody(broker, boss, words):
    boss.say("hook", "class", words, 60, "few", rc=-1)


def test_unknown_class(broker, boss, connect):
    connect("c1", to=broker, username="ann")
    for name in ("none", "SMALL", "few "):
        boss.say("hook", "class client c1 60", name, rc=-2)
        boss.say("thread", "class everyone - 0", name, rc=-2)
    assert class_of(broker, "c1") is None


def test_bounded(make_broker, connect):
    """As many as bans, apart from them; who is in it already, whole connections and lifting take no place."""
    broker = make_broker(config(limits={"bans": 2}))
    boss = Boss(broker, connect)
    boss.say("hook", "ban client x 600", "loud")
    boss.say("hook", "class client a 600", "few")
    boss.say("hook", "class client b 600", "few")
    boss.say("hook", "class client c 600", "few", rc=-3)
    boss.say("hook", "class client a 600", "same")
    boss.say("hook", "class client c 0", "few")
    boss.say("hook", "class everyone - 600", "few")
    boss.say("hook", "class client b 0")
    boss.say("hook", "class client c 600", "few")


def test_login_under_way(make_broker, connect, dial):
    """It is put into a class while a module thinks about it: the CONNACK tells."""
    slow = [rule("authenticate", user="slow", principal="slow", how="later", delay="300ms")]
    broker = make_broker(config(*slow, *login("boss"), rule("authorize")))
    boss, one = Boss(broker, connect), dial("c1", to=broker)
    one.send(one.connect_packet(username="slow"))
    boss.say("hook", "class client c1 600", "small")
    assert one.expect(2, reason=0).properties["receive_maximum"] == 5


# ---- asked again

def test_lookup_gives_another_class(make_broker, connect):
    broker = make_broker(start=False)
    there = broker.path("there")
    broker.write(config(rule("authenticate", principal="ann", user="ann"), rule("lookup", user="ann", principal="ann", limits_class="few",
                                                                               while_exists=there),
                        rule("lookup", user="ann", principal="ann"), *login("boss"), rule("authorize", covers=True), events=["identity"]))
    broker.start()
    boss, ann = Boss(broker, connect), connect("c1", to=broker, username="ann")
    broker.path("there", "")
    boss.say("hook", "recheck client c1 1")
    becomes(broker, "c1", "few")
    subscribes(ann, 2, [0, 0x97])
    assert boss.journal.wait(kind="identity", client="c1")[-1]["text"] == "looked up again"


def test_reauthentication(make_broker, connect, dial):
    """What another module gave stays, and what a module has put the client into too."""
    method = {"auth_method": "CHALLENGE", "auth_data": "joe"}

    def prove(client):
        data = client.expect(AUTH).properties["auth_data"] + b":secret"
        client.auth(0x18, dict(method, auth_data=data))

    own = config(rule("authenticate", user="boss", principal="boss"), rule("authenticate", principal="joe", limits_class="small"),
                 rule("authorize", covers=True), events=["identity"])
    own["plugins"]["challenge"] = {}
    own["listeners"]["open"] = dict(own["listeners"]["test"], address="unix:@DIR@/mqtt.sock")
    own["listeners"]["test"]["authenticate"] = [{"required": "probe"}, "challenge"]
    broker = make_broker(own)
    boss = Boss(broker, lambda client_id, to, **how: connect(client_id, to=broker.path("mqtt.sock"), **how))
    client = dial("c1", to=broker)
    client.send(client.connect_packet(properties=method))
    prove(client)
    assert client.expect(CONNACK, reason=0).properties["receive_maximum"] == 5
    for name in ("small", "few", "small"):
        if name == "few":
            boss.say("hook", "class client c1 600", "few")
        elif boss.journal.events(text="class changed"):
            boss.say("hook", "class client c1 0")
        becomes(broker, "c1", name)
        client.auth(0x19, method)
        prove(client)
        client.expect(AUTH, reason=0)
        assert class_of(broker, "c1") == name
        assert boss.journal.wait(kind="identity", text="re-authenticated", client="c1")[-1]["class"] == name


# ---- reload

@pytest.mark.parametrize("workers", [1, 4])
def test_reload_changes_values(make_broker, connect, workers):
    """At once for who is connected and for sessions that are away; what CONNACK told stays."""
    broker = make_broker(config(workers=workers))
    many = [connect(to=broker, username="joe") for _ in range(8)]
    away = connect("away", to=broker, username="joe", properties={"session_expiry": 40})
    away.subscribe("a", qos=1)
    near = beside(broker, connect, "away")
    away.close()
    eventually(lambda: "away" not in broker.clients())
    for one in many:
        subscribes(one, 3, [0, 0, 0x97])
    broker.write(config(workers=workers, classes=dict(CLASSES, small={"subscriptions": 4, "queue-messages": 5, "receive-maximum": 9})))
    broker.reload()
    for one in many:
        subscribes(one, 5, [0, 0, 0, 0, 0x97])
        for i in range(6):
            one.send(one.publish_packet("t", "x", 2))
        assert one.recv().type == 5
        assert [one.recv().type for _ in range(5)] == [5, 5, 5, 5, 14]
    ann = connect(to=broker, username="ann")
    for i in range(9):
        ann.publish("a", str(i), 1)
    near.fence(ann)
    back = connect("away", to=broker, username="joe", clean=False)
    assert back.connack.properties["receive_maximum"] == 9
    for i in range(5):
        back.message("a", str(i))
    back.quiet()


def test_reload_removes_a_class(make_broker, connect, dial):
    """Who has it keeps its last limits, if the module leaves it so; a login with it is refused; it may come again."""
    knows = [rule("authenticate", user="joe", principal="joe", limits_class="small"), *login("ann"), rule("authorize", covers=True)]
    broker = make_broker(config(*knows))
    joe = connect("c1", to=broker, username="joe")
    ann = connect("c2", to=broker, username="ann")
    broker.write(config(*knows, classes={"few": {}}))
    broker.reload()
    broker.wait_log(r"warning limits class is not configured any more, .* class='small' listener='test' sessions=1")
    subscribes(joe, 3, [0, 0, 0x97])
    assert class_of(broker, "c1") == "small"
    ann.quiet()
    dial("c3", to=broker).connect(username="joe", reason=0x87).expect_closed()
    broker.wait_log(r"login failed .*client='c3' .*reason='there is no limits class ..small..'")
    joe.quiet()
    broker.write(config(*knows, classes={"small": {"subscriptions": 3}}))
    broker.reload()
    subscribes(joe, 4, [0, 0, 0, 0x97])


def test_reload_removes_a_class_that_is_looked_up(make_broker, connect):
    """The module gives it again, which is an error: it keeps its limits until recheck-grace is over, then the session ends."""
    broker = make_broker(config())
    joe = connect("c1", to=broker, username="joe")
    broker.write(config(classes={"few": {}}))
    broker.reload()
    broker.wait_log(r"can't be checked again now, .*client='c1' .*reason='there is no limits class ..small..'")
    subscribes(joe, 3, [0, 0, 0x97])
    broker.write(config(classes={"few": {}}, limits={"recheck-grace": "0"}))
    broker.reload()
    joe.expect_disconnect(0x87)


def test_reload_removes_a_class_that_was_set(make_broker, connect, dial):
    """Who was put into it may not come back with more than was meant, until that is over."""
    broker = make_broker(config())
    boss, ann = Boss(broker, connect), connect("c1", to=broker, username="ann")
    boss.say("hook", "class client c1 600", "few")
    becomes(broker, "c1", "few")
    broker.write(config(classes={"small": CLASSES["small"]}))
    broker.reload()
    subscribes(ann, 2, [0, 0x97])
    dial("c1", to=broker).connect(username="ann", reason=0x87).expect_closed()
    broker.wait_log(r"login refused .*client='c1' .*reason='there is no limits class ..few..'")
    boss.say("hook", "class client c1 0")
    becomes(broker, "c1", None)
    connect("c1", to=broker, username="ann")


def test_reloads_and_logins(make_broker, connect):
    """Classes come and go while clients do, are put into them and go."""
    broker = make_broker(config(workers=4))
    boss = Boss(broker, connect)
    for turn in range(6):
        many = [Client(broker) for _ in range(20)]
        for one in many:
            one.send(one.connect_packet(username="ann", properties={"session_expiry": turn % 2 * 30}))
        boss.client.publish("act/thread", "class principal ann %d %s" % (turn % 3, "few"))
        boss.client.publish("act/thread", "class everyone - 1 same")
        broker.write(config(workers=4, classes={name: CLASSES[name] for name in (["few", "same"] if turn % 2 else ["few", "same", "small"])}))
        broker.reload()
        boss.client.publish("act/hook", "class principal ann 0")
        for one in many:
            one.expect(2, reason=0)
            one.close()
    broker.stop()
