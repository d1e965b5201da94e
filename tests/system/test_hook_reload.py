# SPDX-License-Identifier: Apache-2.0
"""A reload replaces every instance, or none; questions that are open end where they were asked; and what was granted before is
asked again."""
import pytest

from gatehouse import CONNACK, PUBACK, Broker, SUBACK
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = needs_modules
USERS = {"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]}
RIGHTS = {"authorize": ["probe"]}


def config(*answers, **more):
    more.setdefault("file", "probe.jsonl")
    return {"plugins": {"probe": probe(*answers, **more)}, "limits": {"hook-timeout": "1500ms", "failed-login-delay": "0"}}


def life(broker):
    return [one["what"] for one in Journal(broker).lines() if one["what"] not in ("event", "call")]


def states(broker):
    return [(row["instance"], row["state"]) for row in broker.ctl("plugins")]


def start(make_broker, *answers, listener=RIGHTS, **more):
    return make_broker(config(*answers, **more), listener=listener)


def change(broker, *answers, listener=RIGHTS, **more):
    broker.write(config(*answers, **more), listener)
    broker.reload()


def test_life(make_broker):
    """create, each thread's start; the next one is shown its predecessor, which is destroyed when its threads have stopped."""
    broker = start(make_broker, events=["reload"])
    workers = broker.ctl("status")["workers"]
    first = ["create"] + ["thread start"] * workers
    Journal(broker).wait(len(first))
    assert life(broker) == first
    change(broker, events=["reload"])
    eventually(lambda: life(broker)[-1:] == ["destroy"])
    second = life(broker)[len(first):]
    assert second[0] == "create again" and sorted(second[1:-1]) == ["thread start"] * workers + ["thread stop"] * workers
    eventually(lambda: states(broker) == [("probe", "in force")])
    broker.stop()
    assert life(broker)[len(first) + len(second):] == ["thread stop"] * workers + ["destroy"]


def test_refused_reload(make_broker, connect):
    """The one that had been created is destroyed, and nothing had happened: calls, rights and figures are as before."""
    broker = start(make_broker, rule("authorize", topic="a"), events=["session"])
    client = connect(to=broker)
    client.publish("a", "", 1)
    before, rows = life(broker), broker.ctl("plugins")
    bad = config(rule("authorize", "deny"))
    bad["plugins"]["last"] = probe(fail="not today")
    broker.write(bad, RIGHTS)
    done = broker.run_ctl("reload")
    assert done.returncode == 1 and "not today" in done.stderr
    assert life(broker) == before + ["create again", "destroy"]
    assert broker.ctl("plugins") == rows
    client.publish("a", "", 1)
    client.publish("b", "", 1, reason=0x87)


@pytest.mark.parametrize("before", ["allow", "deny"])
@pytest.mark.parametrize("after", ["allow", "deny"])
def test_draining(make_broker, connect, before, after):
    """A question that is open at the reload is waited for where it was asked, and that instance drains; then those in force are
    asked: what they say holds."""
    broker = start(make_broker, rule("authorize", before, action="publish", topic="slow", how="later", delay="3s"), rule("authorize"))
    client, other = connect(to=broker), connect(to=broker)
    client.send(client.publish_packet("slow", "", 1, packet_id=1))
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 1)
    change(broker, rule("authorize", after, topic="slow"), rule("authorize"))
    assert states(broker) == [("probe", "in force"), ("probe", "draining")]
    assert "destroy" not in life(broker)
    reason = 0x10 if after == "allow" else 0x87
    other.publish("slow", "", 1, reason=reason)
    client.expect(PUBACK, packet_id=1, reason=reason)
    eventually(lambda: states(broker) == [("probe", "in force")])
    assert life(broker)[-1] == "destroy"


def test_never_answered(make_broker, connect, dial):
    """What is never answered holds the old instance until its deadline, not longer; then those in force are asked about a PUBLISH,
    while a login has failed."""
    never = [rule(hook, user="never", how="never") for hook in ("authenticate", "lookup")]
    broker = start(make_broker, *never, *login("joe"), rule("authorize", topic="never", how="never"), rule("authorize"), listener=USERS)
    joe, late = connect(to=broker, username="joe"), dial(to=broker)
    joe.send(joe.publish_packet("never", "", 1, packet_id=1))
    late.send(late.connect_packet(username="never"))
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 2)
    change(broker, *login("joe"), rule("authorize"), listener=USERS)
    assert ("probe", "draining") in states(broker)
    joe.expect(PUBACK, packet_id=1, reason=0x10)
    late.expect(CONNACK, reason=0x87)
    eventually(lambda: states(broker) == [("probe", "in force")])
    joe.publish("never", "", 1)


def test_exchange_ends_where_it_began(make_broker, dial):
    """An exchange stays with the instance that began it, though another with another password is in force."""
    method = {"auth_method": "CHALLENGE"}

    def steps(client, password):
        data = client.recv().properties["auth_data"]
        client.auth(0x18, dict(method, auth_data=data + password))
        return client.recv().reason

    def begin(broker):
        client = dial(to=broker)
        client.send(client.connect_packet(properties=dict(method, auth_data="joe")))
        return client

    listener = {"anonymous": False, "authenticate": ["challenge"]}
    broker = make_broker({"plugins": {"challenge": {"password": "old"}}}, listener=listener)
    client = begin(broker)
    eventually(lambda: broker.metric("gatehouse_challenge_states") == 1)
    broker.write({"plugins": {"challenge": {"password": "new"}}}, listener)
    broker.reload()
    assert states(broker) == [("challenge", "in force"), ("challenge", "draining")]
    assert steps(client, b":old") == 0
    assert steps(begin(broker), b":new") == 0
    eventually(lambda: states(broker) == [("challenge", "in force")])


def test_blocking_instance_drains(make_broker, dial):
    listener = {"anonymous": False, "authenticate": ["sleeper"]}
    broker = make_broker({"plugins": {"sleeper": {"threads": 1}}}, listener=listener)
    clients = [dial(to=broker) for _ in range(3)]
    for one in clients:
        one.send(one.connect_packet(username="sleep-300", password="secret"))
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="sleeper") == 3)
    broker.write({"plugins": {"sleeper": {"threads": 1, "password": "changed"}}}, listener)
    broker.reload()
    assert ("sleeper", "draining") in states(broker)
    late = dial(to=broker).connect(username="x", password="changed")
    assert [one.expect(CONNACK).reason for one in clients] == [0, 0, 0]
    eventually(lambda: states(broker) == [("sleeper", "in force")])
    late.quiet()


# ---- lookup: what was granted is asked again

def test_user_is_gone(make_broker, connect):
    """DENY ends connection and session, also one that nobody is connected to; others notice nothing."""
    broker = start(make_broker, *login("joe"), *login("ann"), rule("authorize"), listener=USERS)
    joe, ann = connect("j", to=broker, username="joe", properties={"session_expiry": 300}), connect(to=broker, username="ann")
    connect("away", to=broker, username="joe", properties={"session_expiry": 300}).close()
    eventually(lambda: "away" not in broker.clients())
    mark = broker.mark()
    change(broker, rule("lookup", "deny", user="joe", why="deleted"), *login("ann"), rule("authenticate", user="j2", principal="joe"),
           rule("authorize"), listener=USERS)
    joe.expect_disconnect(0x87)
    for client_id in ("j", "away"):
        broker.wait_log(r"session revoked .*client='%s' .*module='probe' reason='deleted'" % client_id, after=mark)
    eventually(lambda: broker.ctl("status")["sessions"] == 1)
    ann.quiet()
    assert not connect("j", to=broker, username="j2", clean=False, properties={"session_expiry": 300}).connack.session_present


@pytest.mark.parametrize("answer, how", [("pass", "now"), ("error", "now"), ("nothing", "now"), ("allow", "never"), ("pending", "now")])
def test_lookup_leaves_what_was(make_broker, connect, answer, how):
    """PASS, and whatever can't be told: the login stands as it was."""
    broker = start(make_broker, *login("joe", group="staff"), rule("authorize"), listener=USERS)
    joe = connect(to=broker, username="joe")
    joe.subscribe("a", qos=1)
    change(broker, rule("lookup", answer, how=how), rule("authorize", user="joe"), calls=True, listener=USERS)
    Journal(broker).wait(what="call", hook="lookup", user="joe")
    Journal(broker).wait(what="call", hook="authorize", topic="a")  # is asked after it
    joe.publish("a", "x", 1)
    joe.message("a", "x")


@pytest.mark.parametrize("how", ["now", "later", "twice"])
def test_another_name(make_broker, connect, how):
    """A lookup that says the client is somebody else ends the session."""
    broker = start(make_broker, *login("joe"), rule("authorize"), listener=USERS)
    joe = connect(to=broker, username="joe")
    change(broker, rule("lookup", user="joe", principal="jack", how=how), rule("authorize"), listener=USERS)
    joe.expect_disconnect(0x87)


@pytest.mark.parametrize("how", ["now", "later"])
def test_group_changes(make_broker, connect, how):
    """ALLOW replaces what the module gave: rights by group (here acl's) follow, live subscriptions too."""
    def both(group):
        made = config(*login("joe", group=group, how=how))
        made["plugins"]["acl"] = {"file": "acl"}
        return made

    listener = dict(USERS, authorize=["acl"])
    broker = Broker(both("staff"), start=False, listener=listener)
    try:
        broker.path("acl", "* staff/# publish/subscribe allow group=staff\n* guests/# publish/subscribe allow group=guests\n")
        broker.start()
        joe = connect(to=broker, username="joe")
        joe.subscribe("staff/#")
        joe.subscribe("guests/#", reasons=[0x87])
        broker.write(both("guests"), listener)
        broker.reload()
        eventually(lambda: broker.ctl("status")["subscriptions"] == 0)
        joe.publish("staff/a", "", 1, reason=0x87)
        joe.subscribe("guests/#")
        joe.publish("guests/a", "x", 1)
        joe.message("guests/a", "x")
        broker.stop()
    finally:
        broker.remove()


def test_rights_are_asked_again(make_broker, connect):
    """A live subscription that is no longer granted ends; one that can't be told stays."""
    broker = start(make_broker, rule("authorize"))
    client, other = connect(to=broker), connect(to=broker)
    client.subscribe("lost", "unknown", "kept")
    change(broker, rule("authorize", "deny", action="subscribe", topic="lost"), rule("authorize", "error", action="subscribe", topic="unknown"),
           rule("authorize"))
    eventually(lambda: broker.ctl("status")["subscriptions"] == 2)
    for topic in ("lost", "unknown", "kept"):
        other.publish(topic, "x", 1)
    assert [client.message().topic for _ in range(2)] == ["unknown", "kept"]
    assert client.unsubscribe("lost", "unknown").reasons == [0x11, 0]
    client.send(client.subscribe_packet([("lost", 0)], 9))
    client.expect(SUBACK, packet_id=9, reasons=[0x87])
