# SPDX-License-Identifier: Apache-2.0
"""What modules do to the broker: to clients and sessions, from hooks and from threads of their own."""
import os

import pytest

from gatehouse import Client
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = [needs_modules, pytest.mark.threads]
BOTH = pytest.mark.parametrize("where", ["hook", "thread"])
WORKERS = pytest.mark.parametrize("workers", [1, 4])


def actor(**options):
    return dict({"module": "actor", "file": "@DIR@/actor.jsonl"}, **options)


def config(*answers, workers=None, limits=None, **options):
    """Clients named by their user name; whatever a rule of probe doesn't decide is allowed."""
    answers = answers or [one for user in ("joe", "ann", "boss") for one in login(user)] + [rule("authorize", covers=True)]
    out = {"plugins": {"probe": probe(*answers), "actor": actor(**options)},
           "listeners": {"test": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]}}}
    if workers:
        out["workers"] = workers
    if limits:
        out["limits"] = limits
    return out


@pytest.fixture(params=[1, 4])
def broker(request, make_broker):
    return make_broker(config(workers=request.param))


class Boss:
    """Who tells the actor what to do."""

    def __init__(self, broker, connect):
        self.client = connect("boss", to=broker, username="boss")
        self.journal = Journal(broker, "actor.jsonl")

    def say(self, where, *words, rc=0):
        """Until it has been done, which for most acts means posted."""
        before = len(self.journal.lines(what="act"))
        self.client.publish("act/" + where, " ".join(map(str, words)), 1)
        done = self.journal.wait(before + 1, what="act")[-1]
        assert done["rc"] == rc, done
        return done


@pytest.fixture
def boss(broker, connect):
    return Boss(broker, connect)


def serial(journal, client_id):
    return journal.wait(kind="connect", client=client_id)[-1]["connection"]


# ---- disconnect

@BOTH
@pytest.mark.parametrize("subject", ["client c1", "principal joe", "connection"])
def test_disconnect(make_broker, connect, where, subject):
    """Exactly those who are meant, with the reason that was given; the words for people are in the log alone."""
    broker = make_broker(config(events=["connect", "disconnect"]))
    boss = Boss(broker, connect)
    joe, ann = connect("c1", to=broker, username="joe"), connect("c2", to=broker, username="ann")
    if subject == "connection":
        subject += " %d" % serial(boss.journal, "c1")
    boss.say(where, "disconnect", subject, 0x97, "too much of it")
    end = joe.expect_disconnect(0x97)
    assert "too much" not in str(end.properties)
    broker.wait_log(r"notice disconnected by a module .*client='c1' .*module='actor' reason='too much of it'")
    assert boss.journal.wait(kind="disconnect", client="c1")[0]["text"] == "too much of it"
    ann.quiet()
    boss.client.quiet()


def test_disconnect_address(broker, boss, connect):
    one = connect(to=broker, username="joe")
    boss.say("hook", "disconnect address", "192.0.2.0/24", 0)
    boss.say("hook", "disconnect address", "::/0", 0)
    one.quiet()
    boss.say("hook", "disconnect address", "127.0.0.0/8", 0)
    one.expect_disconnect(0x98)
    boss.client.expect_disconnect(0x98)


def test_disconnect_everyone(broker, boss, connect):
    many = [connect(to=broker, version=4 + i % 2, username="joe") for i in range(40)]
    boss.say("thread", "disconnect everyone", "-", 0x89, "busy")
    for one in many:
        one.expect_disconnect(0x89)


def test_disconnect_keeps_the_session(broker, boss, connect):
    connect("kept", to=broker, username="joe", properties={"session_expiry": 100})
    boss.say("hook", "disconnect client", "kept", 0)
    eventually(lambda: "kept" not in broker.clients())
    assert connect("kept", to=broker, username="joe", clean=False).connack.session_present


@pytest.mark.parametrize("version,reason", [(5, 0x87), (4, 5)])
def test_disconnect_a_login_under_way(make_broker, connect, dial, version, reason):
    """A module thinks about it: it is refused, and the answer that comes later changes nothing."""
    slow = rule("authenticate", user="slow", principal="slow", how="never")
    broker = make_broker(config(slow, *login("boss"), rule("authorize"), limits={"hook-timeout": "1m"}))
    boss, one = Boss(broker, connect), dial("slow", version, to=broker)
    one.send(one.connect_packet(username="slow"))
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 1)
    boss.say("hook", "disconnect client", "slow", 0, "not now")
    one.expect(2, reason=reason)
    one.expect_closed()
    broker.wait_log(r"login refused .*client='slow' .*reason='not now'")
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 0)


@pytest.mark.parametrize("words", ["connection 0", "client ", "principal ", "address localhost", "address 192.0.2.1/33", "0 x",
                                   "6 x"])
def test_no_subject(broker, boss, words):
    boss.say("hook", "disconnect", words, 0, rc=-1)
    boss.say("hook", "recheck", words, 1, rc=-1)


@pytest.mark.parametrize("reason", [1, 0x7f, 0x8a, 0x86, 0xa3])
def test_no_reason_for_a_disconnect(broker, boss, reason):
    boss.say("hook", "disconnect client", "c", reason, rc=-1)


def test_nothing_in_create(make_broker):
    """Until it is in force an instance changes nothing; at a reload neither."""
    broker = make_broker(config(**{"in-create": True}))
    journal = Journal(broker, "actor.jsonl")
    done = {one["verb"]: one["rc"] for one in journal.wait(2, what="act")}
    assert set(done.values()) == {-1}, done
    broker.wait_log(r"module 'actor' calls gh_disconnect before it is in force: refused")
    broker.reload()
    assert {one["rc"] for one in journal.wait(4, what="act") if one["verb"] != "destroy"} == {-1}


# ---- recheck

def changing(user, down):
    """A user who is known until the file is there."""
    return [rule("lookup", "deny", user=user, while_exists=down), *login(user)]


@pytest.fixture(params=[1, 4])
def changes(request, make_broker):
    """The broker, and a file: once it is there, joe is gone and nobody may have "secret" any more."""
    broker = make_broker(start=False)
    down = broker.path("down")
    broker.write(config(*changing("joe", down), *login("ann"), *login("boss"),
                        rule("authorize", "deny", action="subscribe", topic="secret", while_exists=down),
                        rule("authorize", "deny", action="receive", topic="secret", while_exists=down),
                        rule("authorize", covers=True), workers=request.param))
    broker.start()
    return broker, down


@BOTH
@pytest.mark.parametrize("subject", ["everyone -", "client c1", "principal joe", "address 127.0.0.1"])
def test_recheck(changes, connect, where, subject):
    """A user is deleted: who is connected as it ends, who is not loses the session, nobody else notices."""
    broker, down = changes
    boss = Boss(broker, connect)
    joe, ann = connect("c1", to=broker, username="joe"), connect("c2", to=broker, username="ann")
    ann.subscribe("a")
    broker.path("down", "")
    boss.say(where, "recheck", subject, 1)
    joe.expect_disconnect(0x87)
    ann.publish("a", "x", 1)
    ann.message("a", "x")
    assert os.path.exists(down)


def test_recheck_an_offline_session(changes, connect):
    broker, _ = changes
    boss = Boss(broker, connect)
    connect("away", to=broker, username="joe", properties={"session_expiry": 100}).close()
    broker.path("down", "")
    boss.say("hook", "recheck principal", "joe", 1)
    broker.wait_log(r"session revoked .*client='away'")


@pytest.mark.parametrize("subject", ["everyone -", "principal ann"])
def test_recheck_drops_kept_verdicts(make_broker, connect, subject):
    """What a module let the broker keep is asked again."""
    people = [one for user in ("ann", "boss") for one in login(user)]
    out = config(*people, rule("authorize", topic="kept", action="publish", cache=0), rule("authorize", covers=True))
    out["plugins"]["probe"].update({"file": "probe.jsonl", "calls": True})
    broker = make_broker(out)
    boss, ann = Boss(broker, connect), connect("c1", to=broker, username="ann")

    def asked():
        return len(Journal(broker).calls(hook="authorize", topic="kept", client="c1"))
    for _ in range(3):
        ann.publish("kept", "x", 1)
    assert asked() == 1
    boss.say("hook", "recheck", subject, 1)
    eventually(lambda: ann.publish("kept", "x", 1) and asked() >= 2)


def test_recheck_of_another_changes_nothing(changes, connect):
    broker, _ = changes
    boss = Boss(broker, connect)
    joe = connect("c1", to=broker, username="joe")
    broker.path("down", "")
    boss.say("hook", "recheck principal", "ann", 1)
    boss.say("hook", "recheck client", "c2", 1)
    boss.say("hook", "recheck address", "192.0.2.1", 1)
    boss.say("hook", "recheck connection", 1 << 40, 1)
    joe.quiet()
    boss.say("hook", "recheck client", "c1", 1)
    joe.expect_disconnect(0x87)


def test_recheck_takes_away_what_was_covered(changes, connect):
    """The SUBSCRIBE had covered all deliveries: from the moment on nothing more comes, and the subscription goes."""
    broker, _ = changes
    boss, ann = Boss(broker, connect), connect("c2", to=broker, username="ann")
    ann.subscribe("secret", "open")
    boss.client.publish("secret", "1", 1)
    ann.message("secret", "1")
    broker.path("down", "")
    boss.say("hook", "recheck everyone", "-", 1)
    eventually(lambda: broker.ctl("status")["subscriptions"] == 1)
    boss.client.publish("secret", "2", 1)
    boss.client.publish("open", "3", 1)
    ann.message("open", "3")


@pytest.mark.parametrize("subject", ["everyone -", "principal joe"])
def test_recheck_of_a_retained_message(changes, connect, subject):
    """Its author is gone: who subscribes now doesn't get it."""
    broker, _ = changes
    boss, joe = Boss(broker, connect), connect(to=broker, username="joe")
    joe.publish("kept", "x", 1, retain=True)
    joe.close()
    ann = connect(to=broker, username="ann")
    ann.subscribe("kept")
    ann.message("kept", "x")
    broker.path("down", "")
    boss.say("hook", "recheck", subject, 1)

    def withheld():
        ann.subscribe("kept")
        return not ann.fence(ann)

    eventually(withheld)


def test_recheck_is_cheap_to_repeat(changes, connect):
    """Asked 5,000 times it is done a few times, and the last change counts."""
    broker, _ = changes
    boss = Boss(broker, connect)
    many = [connect(to=broker, username="ann") for _ in range(20)]
    joe = connect(to=broker, username="joe")

    def looked_up():
        return broker.metric("gatehouse_plugin_answers_total", instance="probe", hook="lookup")

    for subject in ("everyone -", "principal ann"):
        before = looked_up()
        boss.say("thread", "recheck", subject, 2500)
        eventually(lambda: looked_up() >= before + 20)
        assert looked_up() <= before + 20 * 40
    broker.path("down", "")
    boss.say("thread", "recheck everyone", "-", 1)
    joe.expect_disconnect(0x87)
    for one in many:
        one.quiet()


# ---- inject

@BOTH
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_inject(broker, boss, connect, where, qos):
    """To all subscribers on all workers; what is retained is there for those who come later."""
    many = [connect(to=broker, username="ann") for _ in range(8)]
    for one in many:
        one.subscribe("news/+", qos=2)
    boss.say(where, "inject", "news/a", qos, 0, 0, 1, "hello world")
    boss.say(where, "inject", "news/kept", qos, 1, 60, 1, "stays")
    for one in many:  # two topics have no order
        got = {m.topic: (m.payload, m.qos, m.retain) for m in (one.message(), one.message())}
        assert got == {"news/a": (b"hello world", qos, False), "news/kept": (b"stays", qos, False)}
    late = connect(to=broker, username="ann")
    late.subscribe("news/#", qos=2)
    got = late.message("news/kept", "stays", qos=qos, retain=True)
    assert 0 < got.properties["message_expiry"] <= 60


def test_injected_retained_message_is_cleared(broker, boss, connect):
    boss.say("hook", "inject", "kept", 1, 1, 0, 1, "x")
    boss.say("hook", "inject", "kept", 1, 1, 0, 1)
    ann = connect(to=broker, username="ann")
    ann.subscribe("kept")
    assert ann.fence(ann) == []


def test_injected_messages_expire(broker, boss, connect):
    boss.say("hook", "inject", "kept", 1, 1, 1, 1, "x")

    def gone():
        ann = connect(to=broker, username="ann")
        ann.subscribe("kept")
        return ann.fence(ann) == []

    eventually(gone)


def test_injected_messages_keep_their_order(broker, boss, connect):
    ann = connect(to=broker, username="ann")
    ann.subscribe("o", qos=1)
    for i in range(100):
        boss.client.publish("act/thread", "inject o 1 0 0 1 %d" % i)
    for i in range(100):
        ann.message("o", str(i))


def test_who_is_told_and_asked_of_an_injected_message(make_broker, connect):
    """Nobody is asked whether it may be published, each subscriber whether it may have it; others are told, the injector not."""
    answers = [*login("boss"), *login("ann"), rule("authorize", "deny", action="receive", topic="b", client="c2"), rule("authorize")]
    broker = make_broker({**config(*answers), "plugins": {
        "probe": probe(*answers, file="@DIR@/probe.jsonl", calls=True, events=["publish"]), "actor": actor()}})
    boss, probed = Boss(broker, connect), Journal(broker)
    one, two = connect("c1", to=broker, username="ann"), connect("c2", to=broker, username="ann")
    for client in (one, two):
        client.subscribe("a", "b")
    boss.say("thread", "inject", "b", 0, 0, 0, 1, "x")
    one.message("b", "x")
    boss.say("thread", "inject", "a", 0, 0, 0, 1, "y")
    one.message("a", "y")
    two.message("a", "y")
    told = probed.wait(kind="publish", topic="b")[0]
    assert told["origin"] == "actor" and "client" not in told and told["bytes"] == 1
    assert probed.calls(hook="authorize", topic="b", action=1) == []
    assert len(probed.calls(hook="authorize", topic="b", action=3)) == 2
    assert boss.journal.events(topic="a") == [] == boss.journal.events(topic="b")


def test_injected_message_is_nobodys_own(broker, boss, connect):
    """No-local compares client ids: a client of the instance's name is another."""
    one = connect("actor", to=broker, username="ann")
    one.subscribe("a", no_local=True)
    boss.say("hook", "inject", "a", 0, 0, 0, 1, "x")
    one.message("a", "x")


@pytest.mark.parametrize("words", ["a/+ 0 0 0 1 x", "# 0 0 0 1 x", " 0 0 0 1 x", "a 3 0 0 1 x", "a 0 0 0 1 " + "x" * 1100,
                                   "x" * 300 + " 0 0 0 1 x"])
def test_no_message(make_broker, connect, words):
    """Neither topic nor QoS, or larger than the broker's own limits; what a listener allows is for its clients."""
    own = config(limits={"packet-size": 1024, "packet-size-before-login": 1024, "topic-length": 200})
    own["listeners"]["test"]["limits"] = {"packet-size": 65536, "topic-length": 4096}
    boss = Boss(make_broker(own), connect)
    boss.say("hook", "inject", words, rc=-1)
    boss.say("hook", "inject", "a 0 0 0 1", "x" * 1000)


def test_inject_is_bounded(broker, boss, connect):
    """While its worker is behind, it is told so; afterwards all that was taken has arrived, and it goes on."""
    ann = connect(to=broker, username="ann")
    ann.subscribe("much", "after")
    boss.say("hook", "inject", "much", 0, 0, 0, 50000, "x" * 3000, rc=-3)

    def taken():
        before = len(boss.journal.lines(what="act"))
        boss.client.publish("act/hook", "inject after 1 0 0 1 x", 1)
        return boss.journal.wait(before + 1, what="act")[-1]["rc"] == 0

    eventually(taken)


# ---- attach

def test_attach(broker, boss, connect):
    """One slot a connection: replaced, found again, freed when the connection ends; on its worker."""
    other = connect("c1", to=broker, username="ann")
    boss.say("hook", "attach", "one")
    assert boss.say("hook", "attached", rc=1)["text"] == "one"
    other.publish("act/hook", "attached", 1)
    boss.journal.wait(what="act", verb="attached", rc=0)
    other.publish("act/hook", "attach other", 1)
    boss.client.publish("act/hook", "attach two", 1)
    assert boss.journal.wait(verb="freed", text="one")[0]["rc"] == 1
    other.close()
    assert boss.journal.wait(verb="freed", text="other")[0]["rc"] == 1
    assert boss.say("hook", "attached", rc=1)["text"] == "two"
    assert boss.journal.lines(verb="freed", text="two") == []


def test_attach_elsewhere_is_refused(broker, boss):
    boss.say("thread", "attach", "x", rc=-1)
    boss.say("thread", "attached", rc=0)


def test_attached_data_ends_with_the_identity(make_broker, connect):
    broker = make_broker(start=False)
    other = broker.path("other")
    broker.write(config(rule("lookup", user="boss", principal="boss", group="more", while_exists=other), *login("boss"),
                        rule("authorize")))
    broker.start()
    boss = Boss(broker, connect)
    boss.say("hook", "attach", "old")
    broker.path("other", "")
    boss.client.publish("act/hook", "recheck everyone - 1", 1)
    assert boss.journal.wait(verb="freed", text="old")[0]["rc"] == 1
    boss.say("hook", "attached", rc=0)
    boss.say("hook", "attach", "new")


def logins(workers=None, *answers):
    out = config(*answers, workers=workers, **{"attach-logins": True})
    out["listeners"]["test"]["authenticate"] = ["actor", "probe"]
    return out


def test_attached_data_moves_with_the_login(make_broker, connect):
    broker = make_broker(logins(4))
    journal = Journal(broker, "actor.jsonl")
    many = [connect("c%d" % i, to=broker, username="ann") for i in range(24)]
    for one in many:
        one.publish("act/hook", "attached", 1)
        assert journal.wait(what="act", verb="attached", text=one.client_id)[0]["rc"] == 1
        one.close()
        journal.wait(verb="freed", text=one.client_id, rc=1)


@pytest.mark.parametrize("knows", [True, False])
def test_attached_data_ends_before_its_instance(make_broker, connect, knows):
    """A reload: all of it is freed, then the old instance goes; the new one begins with nothing. Whether the identity is made anew
    by it or, where nobody knows it, stays."""
    people = login("ann") if knows else [rule("authenticate", user="ann", principal="ann")]
    broker = make_broker(logins(None, *people, rule("authorize", covers=True)))
    journal = Journal(broker, "actor.jsonl")
    many = [connect("c%d" % i, to=broker, username="ann") for i in range(300)]
    journal.wait(300, what="act", verb="attach")
    for turn in (1, 2):
        for one in many[:20]:
            one.publish("act/hook", "attach again", 1)
        broker.reload()
        journal.wait(turn, what="act", verb="destroy")
    verbs = [line["verb"] for line in journal.lines(what="act")]
    first = verbs.index("destroy")
    assert verbs[:first].count("freed") == verbs[:first].count("attach")
    assert verbs[first + 1:].count("freed") == verbs[first + 1:].count("attach")
    many[0].publish("act/hook", "attached", 1)
    journal.wait(what="act", verb="attached", rc=0)


def test_attached_under_reloads_and_logins(make_broker, connect):
    """Logins that move to their worker while the instance is replaced: everything is freed exactly once."""
    broker = make_broker(logins(4))
    journal = Journal(broker, "actor.jsonl")
    for _ in range(6):
        many = [Client(broker) for _ in range(30)]
        for one in many:
            one.send(one.connect_packet(username="ann"))
        broker.reload()
        for one in many:
            one.expect(2, reason=0)
            one.close()
    broker.stop()
    verbs = [line["verb"] for line in journal.lines(what="act")]
    assert verbs.count("attach") == verbs.count("freed") == 180


# ---- ban

REFUSED = {5: 0x8a, 4: 5, 3: 5}
VERSIONS = pytest.mark.parametrize("version", [5, 4, 3])


@VERSIONS
@pytest.mark.parametrize("subject", ["client bad", "principal joe"])
def test_ban(broker, boss, dial, connect, version, subject):
    """Who is connected is sent away and can't come back, until it is lifted; others notice nothing."""
    bad, ann = connect("bad", version, to=broker, username="joe"), connect(to=broker, username="ann")
    boss.say("hook", "ban", subject, 100, "it was too loud")
    bad.expect_disconnect(0x98)
    dial("bad", version, to=broker).connect(username="joe", reason=REFUSED[version]).expect_closed()
    broker.wait_log(r"notice banned (client='bad'|user='joe') module='actor' seconds=100 reason='it was too loud'")
    broker.wait_log(r"login refused .*client='bad' .*reason='banned: it was too loud'")
    assert broker.metric("gatehouse_banned_total") == 1
    ann.quiet()
    boss.say("hook", "ban", subject, 0)
    dial("bad", version, to=broker).connect(username="joe").drop()


def test_banned_client_id_is_refused_before_a_module_is_asked(make_broker, connect, dial):
    answers = [*login("boss"), *login("joe"), rule("authorize")]
    broker = make_broker({**config(), "plugins": {"probe": probe(*answers, file="@DIR@/probe.jsonl", calls=True),
                                                  "actor": actor()}})
    Boss(broker, connect).say("hook", "ban client", "bad", 100)
    dial("bad", to=broker).connect(username="joe", reason=0x8a).expect_closed()
    assert Journal(broker).calls(hook="authenticate", client="bad") == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.0/8", "::ffff:127.0.0.1"])
def test_ban_an_address(make_broker, connect, dial, address):
    """Refused at accept, before a byte is read; other addresses and UNIX sockets aren't, nor is the administrator."""
    own = config()
    own["listeners"]["local"] = dict(own["listeners"]["test"], address="unix:@DIR@/mqtt.sock")
    broker = make_broker(own)
    joe = connect(to=broker, username="joe")
    boss = Boss(broker, lambda client_id, to, **how: connect(client_id, to=broker.path("mqtt.sock"), **how))
    boss.say("hook", "ban address", address, 100, "loud")
    joe.expect_disconnect(0x98)
    dial(to=broker).expect_closed()
    broker.wait_log(r"connection refused address='127.0.0.1' .*reason='banned: loud'")
    connect(to=broker.path("mqtt.sock"), username="joe").quiet()
    assert broker.metric("gatehouse_banned_total") == 1
    boss.say("hook", "ban address", "::/0", 100)
    boss.say("hook", "ban address", address, 0)
    connect(to=broker, username="joe").quiet()


def test_ban_ends_by_itself(broker, boss, dial, connect):
    boss.say("hook", "ban principal", "joe", 1)
    dial(to=broker).connect(username="joe", reason=0x8a)
    eventually(lambda: dial(to=broker).connect(username="joe", reason=None).connack.reason == 0)


def test_ban_of_a_login_under_way(make_broker, connect, dial):
    """While a module thinks about it: a client id at once, a principal when it is known who it is."""
    slow = [rule("authenticate", user="slow", how="never"), rule("authenticate", user="snail", principal="joe", how="later")]
    broker = make_broker(config(*slow, *login("boss"), rule("authorize"), limits={"hook-timeout": "1m", "connect-timeout": "1m"}))
    boss, one, two = Boss(broker, connect), dial("slow", to=broker), dial("c2", to=broker)
    one.send(one.connect_packet(username="slow"))
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 1)
    boss.say("hook", "ban principal", "joe", 100)
    boss.say("hook", "ban client", "slow", 100)
    two.send(two.connect_packet(username="snail"))
    for client in (one, two):
        client.expect(2, reason=0x8a)
        client.expect_closed()


def test_ban_is_told(make_broker, connect):
    broker = make_broker(config(events=["ban"]))
    boss = Boss(broker, connect)
    boss.say("thread", "ban principal", "joe", 7, "loud")
    boss.say("thread", "ban principal", "joe", 0)
    boss.say("thread", "ban principal", "joe", 0)
    boss.say("thread", "ban address", "192.0.2.0/24", 9)
    told = boss.journal.wait(3, what="event", kind="ban")
    told = [(e["subject_kind"], e["subject"], e["code"], e["count"], e["text"], e["module"]) for e in told]
    assert sorted(told) == [(3, "joe", 0, 7, "loud", "actor"), (3, "joe", 1, 0, "", "actor"),
                            (4, "192.0.2.0/24", 0, 9, "", "actor")]
    assert told.index((3, "joe", 0, 7, "loud", "actor")) < told.index((3, "joe", 1, 0, "", "actor"))


@pytest.mark.parametrize("words", ["connection 7", "everyone x", "client ", "address localhost", "9 x"])
def test_no_ban(broker, boss, words):
    boss.say("hook", "ban", words, 10, rc=-1)


def test_bans_are_bounded(make_broker, connect):
    broker = make_broker(config(limits={"bans": 2}, events=["limit"]))
    boss = Boss(broker, connect)
    boss.say("hook", "ban client", "a", 100)
    boss.say("hook", "ban client", "b", 1)
    assert not boss.journal.events(kind="limit")
    boss.say("hook", "ban client", "c", 100, rc=-3)
    boss.journal.wait(kind="limit", text="bans", count=1, module="actor")
    boss.say("hook", "ban client", "a", 100)

    def room():
        before = len(boss.journal.lines(what="act"))
        boss.client.publish("act/hook", "ban client c 100", 1)
        return boss.journal.wait(before + 1, what="act")[-1]["rc"] == 0

    eventually(room)


def test_classes_for_a_time_are_bounded(make_broker, connect):
    broker = make_broker(config(limits={"bans": 1, "classes": {"slow": {}}}, events=["limit"]))
    boss = Boss(broker, connect)
    boss.say("thread", "class client", "a", 100, "slow")
    boss.say("thread", "class client", "b", 100, "slow", rc=-3)
    boss.journal.wait(kind="limit", text="bans", count=1, module="actor")


# ---- replay

CONNECT, SUBSCRIBE = 1 << 3, 1 << 6


def test_replay(make_broker, connect):
    """What is true already, as often as it is asked for, and to who asks alone: connections, and the subscriptions of offline
    sessions too."""
    broker = make_broker({**config(), "plugins": {
        "probe": probe(*login("joe"), *login("boss"), rule("authorize"), file="@DIR@/probe.jsonl", events=["connect", "subscribe"]),
        "actor": actor()}})
    many = [connect("c%d" % i, to=broker, username="joe") for i in range(30)]
    for one in many:
        one.subscribe("own/" + one.client_id, "$share/g/all", qos=1)
    away = connect("away", to=broker, username="joe", properties={"session_expiry": 100})
    away.subscribe("away", qos=2)
    away.close()
    boss, probed = Boss(broker, connect), Journal(broker)
    before = len(probed.events())
    assert boss.journal.events(kind="connect") == [] == boss.journal.events(kind="subscribe")
    boss.say("thread", "replay", CONNECT)
    told = boss.journal.wait(31, kind="connect", code=1)
    assert sorted(e["client"] for e in told) == sorted([one.client_id for one in many] + ["boss"])
    assert {e["username"] for e in told} == {"joe", "boss"} and boss.journal.events(kind="subscribe") == []
    boss.say("hook", "replay", SUBSCRIBE)
    told = boss.journal.wait(61, kind="subscribe", code=1)
    wanted = [("own/" + one.client_id, None, 1) for one in many] + [("all", "g", 1)] * 30 + [("away", None, 2)]
    assert sorted(map(str, wanted)) == sorted(str((e["topic"], e.get("share"), e["qos"])) for e in told)
    assert len(probed.events()) == before


def test_replay_of_nothing(broker, boss):
    boss.say("hook", "replay", 1 << 5, rc=-1)


def test_replay_and_reload(make_broker, connect):
    """An instance that is replaced meanwhile hears no more, and goes."""
    broker = make_broker(config())
    many = [connect(to=broker, username="joe") for _ in range(50)]
    for one in many:
        one.subscribe(*["%s/%d" % (one.client_id, i) for i in range(50)])
    boss = Boss(broker, connect)
    for turn in range(1, 4):
        for _ in range(5):
            boss.client.publish("act/hook", "replay %d" % (CONNECT | SUBSCRIBE))
        broker.reload()
        boss.journal.wait(turn, what="act", verb="destroy")
    boss.say("hook", "replay", CONNECT)


# ---- usage

def sums(events, client):
    mine = [e for e in events if e["client"] == client]
    return sum(e["received"] for e in mine), sum(e["sent"] for e in mine)


@WORKERS
def test_usage(make_broker, connect, workers):
    """Each second of a client with traffic is told once; together they are what it sent and got. Who is idle isn't told."""
    broker = make_broker(config(events=["usage"], workers=workers))
    boss, one, two, idle = (Boss(broker, connect), connect("c1", to=broker, username="joe"),
                            connect("c2", to=broker, username="joe"), connect("idle", to=broker, username="joe"))
    two.subscribe("a")
    for burst in range(3):
        for _ in range(20):
            one.publish("a", "x", 1)
        boss.journal.wait(burst + 1, kind="usage", client="c1")
    eventually(lambda: sums(boss.journal.events(kind="usage"), "c2") == (0, 60))
    events = boss.journal.events(kind="usage")
    assert sums(events, "c1") == (60, 0)
    assert 3 <= len([e for e in events if e["client"] == "c1"]) <= 10
    assert not [e for e in events if e["client"] == "idle"]
    idle.publish("b", "x", 1)
    idle.close()  # before its second is over
    assert boss.journal.wait(kind="usage", client="idle")[0]["received"] == 1


def test_usage_begins_when_somebody_wants_it(make_broker, connect):
    """What came before a reload isn't told."""
    broker = make_broker(config())
    one = connect("c1", to=broker, username="joe")
    for _ in range(2000):
        one.publish("a", "x")
    one.ping()
    broker.write(config(events=["usage"]))
    broker.reload()
    journal = Journal(broker, "actor.jsonl")

    def told():
        one.publish("a", "x", 1)
        return journal.events(kind="usage", client="c1")

    assert eventually(told)[0]["received"] < 2000
    broker.write(config())
    broker.reload()
    journal.wait(2, what="act", verb="destroy")
    before = len(journal.events(kind="usage"))
    one.publish("a", "x", 1)
    one.close()
    assert len(journal.events(kind="usage")) == before
