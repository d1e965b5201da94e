# SPDX-License-Identifier: Apache-2.0
"""Each hook with each verdict, given at once, later by another thread, twice, too late, never."""
import pytest

from gatehouse import AUTH, CONNACK, PUBACK, Broker, Client, Closed, Will
from gatehouse.probe import Journal, eventually, needs_modules, probe, rule

pytestmark = needs_modules
VERDICTS = ("pass", "allow", "deny", "error", "nothing", "pending")
WAYS = ("now", "later", "twice")
SLOW = ("late", "never")
ACTIONS = ("publish", "subscribe", "receive", "will")
every_verdict = pytest.mark.parametrize("verdict", VERDICTS)
every_way = pytest.mark.parametrize("how", WAYS)


def answers():
    """User and topic say what is answered: "deny-later"."""
    out = []
    for verdict in VERDICTS:
        for how in WAYS + SLOW:
            word, kind = "%s-%s" % (verdict, how), {"late": {"how": "later", "delay": "2500ms"}}.get(how, {"how": how})
            out.append(rule("authenticate", verdict, user=word, principal="joe", why="because " + word, **kind))
            out += [rule("authorize", verdict, action=action, topic=word, why="because " + word, **kind)
                    for action in ("publish", "subscribe")]
            out += [rule("authorize", verdict, action=action, topic=action + "/" + word, **kind) for action in ("receive", "will")]
    out += [rule("authorize", action=action) for action in ("publish", "subscribe", "receive")]
    return out + [rule("authenticate", user="joe", principal="joe")]


@pytest.fixture(scope="module")
def broker():
    plugins = {"probe": probe(*answers()), "challenge": {}}
    plugins.update(("at-" + verdict, probe(rule("accept", verdict))) for verdict in VERDICTS)
    listeners = {"main": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]},
                 "method": {"address": "unix:@DIR@/method", "authenticate": ["challenge"], "authorize": "none"}}
    for verdict in VERDICTS:
        listeners["at-" + verdict] = {"address": "unix:@DIR@/" + verdict, "anonymous": True, "authorize": "none",
                                      "authenticate": ["at-" + verdict]}
    config = {"listeners": listeners, "plugins": plugins,
              "limits": {"hook-timeout": "2s", "failed-login-delay": "0", "connect-timeout": "15s"}}
    with Broker(config) as one:
        yield one


def yes(verdict, how):
    return verdict == "allow" and how in WAYS


@every_verdict
def test_accept(broker, dial, verdict):
    """It can only refuse; what wants to answer later, or makes no sense, refuses too."""
    client = dial(to=broker.path(verdict))
    try:
        client.connect()
        accepted = True
    except (Closed, BrokenPipeError):
        accepted = False
    assert accepted == (verdict in ("pass", "allow"))
    if not accepted:
        broker.wait_log(r"connection refused.*module='at-%s'" % verdict)


@every_way
@every_verdict
def test_authenticate(broker, connect, verdict, how):
    user, mark = "%s-%s" % (verdict, how), broker.mark()
    refused = 0x86 if verdict in ("pass", "deny") and how in WAYS else 0x87
    client = connect(username=user, reason=0 if yes(verdict, how) else refused)
    if client.connack.reason == 0:
        assert broker.clients()[client.client_id]["user"] == "joe"
    elif verdict in ("deny", "error"):
        broker.wait_log(r"login failed .*user='%s' .*module='probe' .*because %s" % (user, user), after=mark)


@every_way
@every_verdict
def test_publish(broker, connect, verdict, how):
    """What is denied reaches nobody."""
    topic = "%s-%s" % (verdict, how)
    watcher, client = connect(username="joe"), connect(username="joe")
    watcher.subscribe("#")
    client.publish(topic, "x", 1, reason=None if yes(verdict, how) else 0x87)
    if yes(verdict, how):
        watcher.message(topic, "x")
    assert watcher.fence(client) == []


@every_way
@every_verdict
def test_subscribe(connect, verdict, how):
    client = connect(username="joe")
    topic = "%s-%s" % (verdict, how)
    client.subscribe(topic, reasons=[0 if yes(verdict, how) else 0x87])
    assert client.unsubscribe(topic).reasons == [0 if yes(verdict, how) else 0x11]


@every_way
@every_verdict
def test_receive(broker, connect, verdict, how):
    """Decided at once: whoever wants time is taken for a no, which is counted."""
    watcher, client = connect(username="joe"), connect(username="joe")
    watcher.subscribe("receive/#")
    before = broker.metric("gatehouse_denied_total", action="receive")
    client.publish("receive/%s-%s" % (verdict, how), "x")
    if yes(verdict, how) and how == "now":
        watcher.message(payload="x")
    assert watcher.fence(client) == []
    denied = broker.metric("gatehouse_denied_total", action="receive") - before
    assert denied == (0 if verdict == "allow" and how == "now" else 1)


@every_way
@every_verdict
def test_will(broker, connect, verdict, how):
    """At CONNECT: a client that may not have its will isn't let in, and leaves none."""
    topic = "will/%s-%s" % (verdict, how)
    watcher = connect(username="joe")
    watcher.subscribe("will/#")
    client = connect(username="joe", will=Will(topic, "gone"), reason=0 if yes(verdict, how) else 0x87)
    client.close()
    if yes(verdict, how):
        watcher.message(topic, "gone")
    assert watcher.fence(connect(username="joe")) == []


def test_too_late_and_never(broker, connect, dial):
    """The deadline denies and says so; the answer that comes afterwards changes nothing."""
    words = ["%s-%s" % (verdict, how) for verdict in ("allow", "pass", "error") for how in SLOW]
    mark, timeouts = broker.mark(), broker.metric("gatehouse_plugin_timeouts_total", instance="probe")
    ignored = broker.metric("gatehouse_tickets_ignored_total")
    logins = [dial() for _ in words]
    wills = [dial() for _ in words]
    publishers = [connect(username="joe") for _ in words]
    subscriber, watcher = connect(username="joe"), connect(username="joe")
    watcher.subscribe("#")
    for word, login, will, publisher in zip(words, logins, wills, publishers):
        login.send(login.connect_packet(username=word))
        will.send(will.connect_packet(username="joe", will=Will("will/" + word, "gone")))
        publisher.send(publisher.publish_packet(word, "x", 1, packet_id=1))
    subscriber.subscribe(*words, reasons=[0x87] * len(words))
    for word, login, will, publisher in zip(words, logins, wills, publishers):
        login.expect(CONNACK, reason=0x87)
        broker.wait_log(r"login failed .*user='%s' .*module='probe' .*in time" % word, after=mark)
        will.expect(CONNACK, reason=0x87)
        publisher.expect(PUBACK, packet_id=1, reason=0x87)
    assert broker.metric("gatehouse_plugin_timeouts_total", instance="probe") == timeouts + 4 * len(words)
    assert broker.metric("gatehouse_plugin_pending", instance="probe") == 0
    eventually(lambda: broker.metric("gatehouse_tickets_ignored_total") == ignored + 4 * len(words) // 2)
    subscriber.subscribe("fine")
    for publisher in publishers:
        publisher.quiet()
    assert watcher.fence(publishers[0]) == []


METHOD = {"auth_method": "CHALLENGE"}


def respond(client, user, password="secret", again=False):
    """Both steps of the client: the last packet of the broker."""
    if again:
        client.auth(0x19, dict(METHOD, auth_data=user))
    else:
        client.send(client.connect_packet(properties=dict(METHOD, auth_data=user)))
    first = client.recv()
    if first.type != AUTH:
        return first
    client.auth(0x18, dict(METHOD, auth_data=first.properties["auth_data"] + b":" + password.encode()))
    return client.recv()


@pytest.mark.parametrize("user, password, reason", [
    ("joe", "secret", 0), ("slow", "secret", 0), ("joe", "wrong", (0x86, 0x87)), ("", "", (0x86, 0x87)),
    ("error", "secret", 0x87), ("never", "secret", 0x87)])
def test_exchange(broker, dial, user, password, reason):
    """CONTINUE, then each verdict; nothing of an exchange outlives it."""
    client = dial(to=broker.path("method"))
    last = respond(client, user, password)
    assert last.type == CONNACK and last.reason in (reason if isinstance(reason, tuple) else (reason,)), last
    if reason == 0:
        assert last.properties["auth_data"] == b"welcome" and last.properties["auth_method"] == "CHALLENGE"
        assert broker.clients()[client.client_id]["user"] == user
    eventually(lambda: broker.metric("gatehouse_challenge_states") == 0)


def test_exchange_passed(broker, connect):
    """A method that no module takes up."""
    connect(to=broker.path("method"), properties={"auth_method": "OTHER", "auth_data": "x"}, reason=0x8C)


def test_exchange_abandoned(broker, dial):
    """The client goes between two steps, or while a module thinks."""
    for user, steps in (("joe", 1), ("never", 2)):
        client = dial(to=broker.path("method"))
        client.send(client.connect_packet(properties=dict(METHOD, auth_data=user)))
        first = client.expect(AUTH, reason=0x18)
        if steps == 2:
            client.auth(0x18, dict(METHOD, auth_data=first.properties["auth_data"] + b":secret"))
            eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="challenge") == 1)
        assert broker.metric("gatehouse_challenge_states") == 1
        client.close()
        eventually(lambda: broker.metric("gatehouse_challenge_states") == 0)
        assert broker.metric("gatehouse_plugin_pending", instance="challenge") == 0


@pytest.mark.parametrize("first, user, password, fine", [
    ("joe", "joe", "secret", True), ("slow", "slow", "secret", True), ("joe", "joe", "wrong", False),
    ("joe", "ann", "secret", False), ("joe", "error", "secret", False)])
def test_authenticated_again(broker, dial, first, user, password, fine):
    """By the same one it goes on; by another, or by nobody, it ends."""
    client = dial(to=broker.path("method"))
    assert respond(client, first).reason == 0
    last = respond(client, user, password, again=True)
    if fine:
        assert (last.type, last.reason) == (AUTH, 0) and last.properties["auth_data"] == b"welcome"
        client.quiet()
    else:
        client.inbox.append(last)
        client.expect_disconnect(0x87)
    eventually(lambda: broker.metric("gatehouse_challenge_states") == 0)


def test_the_log_says_why(broker, connect):
    """Whose rule it was, at every denial of rights."""
    mark = broker.mark()
    client = connect(username="joe")
    client.publish("deny-now", "x", 1, reason=0x87)
    broker.wait_log(r"denied publish .*client='%s' .*topic='deny-now' .*module='probe' .*because deny-now" % client.client_id, after=mark)


def test_events_are_told(make_broker, connect):
    """event has no verdict: it is told what was decided, of the kinds it asked for."""
    broker = make_broker({"plugins": {"probe": probe(rule("authorize", "deny", topic="x"), rule("authorize"),
                                                     file="probe.jsonl", events=["deny"])}},
                         listener={"authorize": ["probe"]})
    connect("one", to=broker).publish("x", "y", 1, reason=0x87)
    told, = Journal(broker).wait(what="event")
    assert (told["kind"], told["client"], told["topic"], told["module"]) == ("deny", "one", "x", "probe")
