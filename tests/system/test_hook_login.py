# SPDX-License-Identifier: Apache-2.0
"""Who owns a session, what a refused CONNECT leaves (nothing), and wills that are judged twice."""
import pytest

from gatehouse import Broker, Will
from gatehouse.probe import login, needs_modules, probe, rule

pytestmark = needs_modules
KEPT = {"session_expiry": 300}


@pytest.fixture(scope="module")
def broker():
    """Two listeners whose users have the same names, in realms of their own; a third shares the first one's realm."""
    users = login("joe") + login("ann")
    plugins = {"a": probe(*users, rule("authenticate", user="bound", principal="joe", client_id="bound-id"),
                          rule("authenticate", user="broken", principal="x" * 257),
                          rule("authenticate", user="nameless"),
                          rule("authenticate", "error", user="error"), rule("authenticate", "deny", user="deny", reason=0x8A)),
               "b": probe(*users), "c": probe(*users, realm="a"),
               "rights": probe(rule("authorize", "deny", action="will", topic="forbidden"), rule("authorize"))}
    listeners = {"a": {"address": "127.0.0.1:@PORT@", "authenticate": ["a"], "authorize": ["rights"]},
                 "b": {"address": "unix:@DIR@/b", "authenticate": ["b"], "authorize": ["rights"]},
                 "c": {"address": "unix:@DIR@/c", "authenticate": ["c"], "authorize": ["rights"]},
                 "bound": {"address": "unix:@DIR@/bound", "authenticate": ["a"], "authorize": "none", "client-id": "bound"}}
    with Broker({"plugins": plugins, "listeners": listeners, "limits": {"failed-login-delay": "0"}}) as one:
        yield one


def owned(connect, name):
    """joe's kept session with a message in it."""
    joe = connect(name, username="joe", properties=KEPT)
    joe.subscribe(name, qos=1)
    joe.close()
    connect(username="joe").publish(name, "for joe", 1)


def resumed(connect, name, **how):
    joe = connect(name, username="joe", clean=False, properties=KEPT, **how)
    assert joe.connack.session_present
    joe.message(name, "for joe", qos=1)


@pytest.mark.parametrize("other, listener", [("ann", None), ("joe", "b")])
@pytest.mark.parametrize("clean", [False, True])
def test_anothers_session(broker, connect, name, other, listener, clean):
    """Neither resumed nor thrown away, by another name or by the same name of another realm."""
    owned(connect, name)
    connect(name, to=broker.path(listener) if listener else broker, username=other, clean=clean, reason=0x87)
    resumed(connect, name)


@pytest.mark.parametrize("other, listener", [("ann", None), ("joe", "b")])
@pytest.mark.parametrize("clean", [False, True])
def test_anothers_connection(broker, connect, name, other, listener, clean):
    """Not taken over either: who is connected notices nothing."""
    joe = connect(name, username="joe")
    connect(name, to=broker.path(listener) if listener else broker, username=other, clean=clean, reason=0x87)
    joe.quiet()


def test_same_realm(broker, connect, name):
    """By whichever instance joe of realm a comes, it is joe."""
    owned(connect, name)
    resumed(connect, name, to=broker.path("c"))
    old = connect(name, username="joe")
    connect(name, to=broker.path("c"), username="joe")
    old.expect_disconnect(0x8E)


REFUSED = [("nobody", 0x86, {}), ("error", 0x87, {}), ("deny", 0x8A, {}), ("broken", 0x87, {}), ("nameless", 0x87, {}),
           ("ann", 0x87, {}), ("joe", 0x87, {"will": Will("forbidden", "w", 1, True)})]


@pytest.mark.parametrize("user, reason, how", REFUSED)
@pytest.mark.parametrize("clean", [False, True])
def test_nothing_is_left(broker, connect, name, user, reason, how, clean):
    """A CONNECT that isn't accepted takes nothing over, ends no session, leaves no will and no retained message."""
    owned(connect, name)
    watcher = connect(username="joe")
    watcher.subscribe("w/" + name, "forbidden")
    sessions = broker.ctl("status")["sessions"]
    will = how.get("will") or Will("w/" + name, "w", 1, True)
    connect(name, username=user, clean=clean, will=will, reason=reason).expect_closed()
    connect(name + "-new", username=user if user != "ann" else "deny", clean=clean, will=will, properties=KEPT,
            reason=reason if user != "ann" else 0x8A).expect_closed()
    assert broker.ctl("status")["sessions"] == sessions
    assert watcher.fence(connect(username="joe")) == []
    later = connect(username="joe")
    later.subscribe("w/" + name, "forbidden")
    later.quiet()
    resumed(connect, name)


@pytest.mark.parametrize("user, reason, how", REFUSED)
def test_nobody_is_taken_over(connect, name, user, reason, how):
    joe = connect(name, username="joe", will=Will("w/" + name, "gone"))
    joe.subscribe("w/" + name)
    connect(name, username=user, reason=reason, **how)
    joe.quiet()


def test_bound_client_id(broker, connect):
    """client-id: bound wants a module to have named the id; that id is then the session's."""
    to = broker.path("bound")
    connect("what-i-like", to=to, username="joe", reason=0x85)
    assert connect("", to=to, username="bound").connack.properties["assigned_client_id"] == "bound-id"
    assert broker.clients()["bound-id"]["user"] == "joe"


# ---- wills: at CONNECT, and when they fire

def wills(verdict, **more):
    return {"plugins": {"probe": probe(rule("authorize", verdict, action="will", **more), rule("authorize"), file="probe.jsonl")},
            "limits": {"hook-timeout": "500ms"}}


@pytest.mark.parametrize("then, more", [("allow", {}), ("deny", {}), ("error", {}), ("pass", {}),
                                        ("allow", {"how": "never"}), ("allow", {"how": "later", "delay": "20ms"})])
def test_will_when_it_fires(make_broker, connect, name, then, more):
    """Allowed at CONNECT; what holds when it is due counts, and what can't be told then isn't allowed."""
    listener = {"authorize": ["probe"]}
    broker = make_broker(wills("allow"), listener=listener)
    watcher = connect(to=broker)
    watcher.subscribe(name)
    client = connect(to=broker, will=Will(name, "gone", 1), properties={"session_expiry": 60})
    broker.write(wills(then, **more), listener)
    broker.reload()
    mark = broker.mark()
    client.close()
    if then == "allow" and more.get("how") != "never":
        watcher.message(name, "gone")
    else:
        broker.wait_log(r"denied will .*topic='%s'" % name, after=mark)
    assert watcher.fence(connect(to=broker)) == []
