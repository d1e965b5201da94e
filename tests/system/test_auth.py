# SPDX-License-Identifier: Apache-2.0
"""Enhanced authentication, whose a session is, and what is denied. In docstrings, [MQTT-...] is of MQTT 5.0, [3.1.1 MQTT-...] of 3.1.1."""
import pytest

from gatehouse import AUTH, CONNACK, DISCONNECT, PINGREQ, PUBLISH, SUBSCRIBE, Broker, Client, Will, has_module, properties, text
from gatehouse.probe import eventually

pytestmark = pytest.mark.skipif(not (has_module("challenge") and has_module("probe")), reason="no test modules in this build")

METHOD = "CHALLENGE"


def answer(action, topic, verdict, **more):
    return dict({"hook": "authorize", "action": action, "topic": topic, "answer": verdict}, **more)


USERS = [{"hook": "authenticate", "user": u, "answer": "allow", "principal": u} for u in ("ann", "bob")]
RULES = [answer("publish", "no", "deny"), answer("subscribe", "no", "deny"), answer("will", "no", "deny"),
         {"hook": "authorize", "answer": "allow"}]


@pytest.fixture(scope="module")
def broker():
    config = {"plugins": {"challenge": {}, "probe": {"answers": USERS + RULES}}, "limits": {"failed-login-delay": 0},
              "listeners": {"test": {"address": "127.0.0.1:@PORT@", "anonymous": True, "authenticate": ["challenge", "probe"],
                                     "authorize": ["probe"]}}}
    with Broker(config) as one:
        yield one


def begin(dial, user="joe", client_id=None, **how):
    """CONNECT with the method, and the broker's challenge."""
    client = dial(client_id)
    client.send(client.connect_packet(properties=dict({"auth_method": METHOD, "auth_data": user}, **how)))
    client.challenge = client.expect(AUTH)
    return client


def reply(client, secret="secret", reason=0x18, **more):
    data = client.challenge.properties["auth_data"] + b":" + secret.encode()
    client.auth(reason, dict({"auth_method": METHOD, "auth_data": data}, **more))


def logged_in(dial, user="joe"):
    client = begin(dial, user)
    reply(client)
    client.expect(CONNACK, reason=0)
    return client


@pytest.mark.parametrize("user", ["joe", "slow"])
@pytest.mark.smoke
def test_exchange(dial, broker, user):
    """[MQTT-4.12.0-2] [MQTT-4.12.0-5] [MQTT-3.15.2-1]: AUTH 0x18, then CONNACK 0, both with the method of CONNECT."""
    client = begin(dial, user)
    assert client.challenge.reason == 0x18
    assert client.challenge.properties["auth_method"] == METHOD
    reply(client)
    connack = client.expect(CONNACK, reason=0)
    assert connack.properties["auth_method"] == METHOD and connack.properties["auth_data"] == b"welcome"
    client.quiet()
    assert broker.clients()[client.client_id]["user"] == user


def test_unknown_method(dial):
    """[MQTT-4.12.0-1]: 0x8C and the end."""
    client = dial()
    client.send(client.connect_packet(properties={"auth_method": "SCRAM-SHA-3"}))
    client.expect(CONNACK, reason=0x8c)
    client.expect_closed()


def test_wrong_answer(dial):
    """[MQTT-4.12.0-4]: a CONNACK of 0x80 or above, and the end."""
    client = begin(dial)
    reply(client, "wrong")
    assert client.expect(CONNACK).reason in (0x86, 0x87)
    client.expect_closed()


@pytest.mark.parametrize("kind, body", [(PINGREQ, b""), (PUBLISH, text("t") + b"\0x"), (SUBSCRIBE, b"\0\1\0" + text("t") + b"\0")])
def test_other_packets_during_the_exchange(dial, kind, body):
    """[MQTT-3.1.2-30]: nothing but AUTH and DISCONNECT before CONNACK."""
    client = begin(dial)
    client.send_packet(kind, body)
    got = client.drain()
    assert all(p.type == CONNACK and p.reason == 0x82 for p in got)


def test_disconnect_during_the_exchange(dial, broker):
    """[MQTT-3.1.2-30]: DISCONNECT ends it."""
    client = begin(dial)
    client.send_packet(DISCONNECT)
    client.drain()
    assert client.client_id not in broker.clients()


@pytest.mark.parametrize("reason", [0x00, 0x19])
def test_reason_of_a_clients_auth(dial, reason):
    """[MQTT-4.12.0-3]: 0x18, nothing else."""
    client = begin(dial)
    reply(client, reason=reason)
    got = client.drain()
    assert all(p.type == CONNACK and p.reason >= 0x80 for p in got)


@pytest.mark.parametrize("reason", [0x01, 0x80, 0x87])
def test_bad_reason_of_auth(dial, reason):
    """[MQTT-3.15.2-1]: a reason code that AUTH doesn't have."""
    client = logged_in(dial)
    client.auth(reason, {"auth_method": METHOD})
    client.expect_disconnect(0x82)


@pytest.mark.parametrize("method", [None, "OTHER"])
def test_method_of_auth(dial, method):
    """[MQTT-4.12.0-5]: each AUTH has the method of CONNECT."""
    client = begin(dial)
    client.auth(0x18, {"auth_method": method} if method else {})
    got = client.drain()
    assert all(p.type == CONNACK and p.reason == 0x82 for p in got)


@pytest.mark.parametrize("flags", [1, 2, 4, 8])
def test_flags_of_auth(dial, flags):
    """[MQTT-3.15.1-1]: zero."""
    client = logged_in(dial)
    client.send_packet(AUTH, b"\x19" + properties({"auth_method": METHOD}), flags)
    client.expect_disconnect(0x81)


def test_without_a_method(connect):
    """[MQTT-4.12.0-6] [MQTT-4.12.0-7]: no AUTH, no method in CONNACK; an AUTH of the client is a protocol error."""
    client = connect()
    assert "auth_method" not in client.connack.properties
    client.quiet()
    client.auth(0x19, {"auth_method": METHOD})
    client.expect_disconnect(0x82)


def test_reauthentication(dial):
    """[MQTT-4.12.1-1]: AUTH 0x19 begins it; meanwhile all goes on; AUTH 0 ends it."""
    client = logged_in(dial)
    client.subscribe("re", qos=1)
    for _ in range(2):
        client.auth(0x19, {"auth_method": METHOD, "auth_data": "joe"})
        client.challenge = client.expect(AUTH, reason=0x18)
        client.publish("re", "x", 1)
        client.message("re", "x")
        reply(client)
        done = client.expect(AUTH, reason=0)
        assert done.properties["auth_method"] == METHOD
    client.quiet()


def test_reauthentication_by_another_method(dial):
    """[MQTT-4.12.1-1]: it is CONNECT's."""
    client = logged_in(dial)
    client.auth(0x19, {"auth_method": "OTHER", "auth_data": "joe"})
    client.expect_disconnect(0x82)


def test_failed_reauthentication(dial, connect, name):
    """[MQTT-4.12.1-2]: DISCONNECT, and the end."""
    client = logged_in(dial)
    client.auth(0x19, {"auth_method": METHOD, "auth_data": "joe"})
    client.challenge = client.expect(AUTH)
    reply(client, "wrong")
    client.expect_disconnect((0x86, 0x87))


def test_auth_0x18_without_a_question(dial):
    """[MQTT-4.12.0-3]: an answer that nobody has asked for."""
    client = logged_in(dial)
    client.auth(0x18, {"auth_method": METHOD, "auth_data": "x"})
    client.expect_disconnect(0x82)


def test_auth_before_5(connect):
    """[3.1.1 MQTT-4.8.0-1]: 3.1.1 has no AUTH."""
    client = connect(version=4)
    client.send_packet(AUTH, b"")
    client.expect_closed()


# ---- whose a session is


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("clean", [False, True])
def test_session_of_another(connect, version, clean, name):
    """[MQTT-3.1.4-2]: not to be resumed, cleaned or taken over by another principal; its owner notices nothing."""
    owner = connect(name, version, clean=False, username="ann", properties={"session_expiry": 60})
    owner.subscribe(name, qos=1)
    refusal = 0x87 if version == 5 else 5
    for how in {"username": "bob"}, {}:
        other = connect(name, version, clean=clean, reason=refusal, will=Will(name, "never"), **how)
        assert not other.connack.session_present
        other.expect_closed()
    assert owner.fence(owner) == []
    owner.close()
    connect(name, version, clean=clean, username="bob", reason=refusal).expect_closed()
    connect().publish(name, "kept for her", 1)
    again = connect(name, version, clean=False, username="ann")
    assert again.connack.session_present
    again.message(name, "kept for her")


@pytest.mark.parametrize("version, reason", [(4, (4, 5)), (5, (0x86, 0x87))])
def test_unknown_user(connect, version, reason):
    """[MQTT-3.1.4-2]: told so, then closed."""
    client = connect(version=version, username="mallory", password="x", reason=None)
    assert client.connack.reason in reason and not client.connack.session_present
    client.expect_closed()


# ---- denied


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_denied_publish(connect, broker, version, qos):
    """[3.1.1 MQTT-3.3.5-2] [MQTT-3.4.2-1] [MQTT-3.5.2-1]: 0x87 in MQTT 5, a plain acknowledgement before; delivered to nobody, and counted."""
    denied = broker.metric("gatehouse_denied_total")
    sub, pub = connect(), connect(version=version)
    sub.subscribe("#", qos=2)
    pub.publish("no", "x", qos, reason=0x87 if version == 5 else 0)
    pub.publish("no", "x", qos, retain=True, reason=0x87 if version == 5 else 0)
    pub.publish("yes", "x", qos)
    sub.message("yes", "x", qos=qos)
    assert sub.fence(pub) == []
    assert broker.metric("gatehouse_denied_total") == denied + 2


@pytest.mark.parametrize("version", [3, 4, 5])
def test_denied_filter(connect, version):
    """[3.1.1 MQTT-3.8.4-5] [3.1.1 MQTT-3.9.3-2] [MQTT-3.8.4-7] [MQTT-3.9.3-2]: 0x87, before MQTT 5 0x80; in $share too; the others are granted."""
    client, failed = connect(version=version), 0x87 if version == 5 else 0x80
    client.subscribe(("yes", 1), ("no", 1), ("$share/g/no", 1), ("yes/too", 2), reasons=[1, failed, failed, 2])
    client.publish("yes", "x", 1)
    client.message("yes", "x")


@pytest.mark.parametrize("version", [3, 4, 5])
def test_denied_will(connect, version):
    """[MQTT-3.1.4-2]: no login."""
    connect(version=version, will=Will("no", "x"), reason=0x87 if version == 5 else 5).expect_closed()


@pytest.mark.parametrize("version", [4, 5])
def test_on_deny_disconnect(make_broker, version):
    """[3.1.1 MQTT-3.3.5-2]: or the connection ends, where on-deny says so; a denied filter is told by its code there too."""
    broker = make_broker({"plugins": {"probe": {"answers": RULES}}},
                         listener={"authorize": ["probe"], "on-deny": "disconnect"})
    client, sub = Client(broker, version=version).connect(will=Will("gone", "x")), Client(broker).connect()
    sub.subscribe("gone")
    client.send(client.publish_packet("no", "x", 1))
    client.expect_disconnect(0x87)
    sub.message("gone", "x")
    other = Client(broker, version=version).connect()
    other.subscribe(("yes", 1), ("no", 1), reasons=[1, 0x87 if version == 5 else 0x80])
    other.quiet()


# ---- how an exchange ends

def states(broker):
    return broker.metric("gatehouse_challenge_states", instance="challenge")


def in_a_login(dial, user):
    """A login that waits for the module's answer, or for the client's."""
    client = begin(dial, user)
    if user == "never":
        reply(client)
    return client


def again(dial, user):
    """The same of a client that is connected."""
    client = logged_in(dial)
    client.auth(0x19, {"auth_method": METHOD, "auth_data": user})
    client.challenge = client.expect(AUTH, reason=0x18)
    if user == "never":
        reply(client)
    return client


@pytest.mark.parametrize("user", ["joe", "never"])
@pytest.mark.parametrize("how", [in_a_login, again])
def test_an_exchange_ends_once_after_a_takeover(broker, dial, how, user):
    """Whoever takes the client id: its own exchange and that of whom it took it from are ended, each once."""
    eventually(lambda: states(broker) == 0)
    old = how(dial, user)
    eventually(lambda: states(broker) == 1)
    new = begin(dial, client_id=old.client_id)
    assert states(broker) == 2
    reply(new)
    new.expect(CONNACK, reason=0)
    if how is again:
        old.expect_disconnect(0x8E)
    else:
        assert states(broker) == 1  # it hasn't the id yet
        old.close()
    eventually(lambda: states(broker) == 0)
    new.quiet()
    new.disconnect()
    other = begin(dial)
    assert states(broker) == 1
    other.close()
    eventually(lambda: states(broker) == 0)


def test_an_exchange_that_takes_over_ends_once(broker, dial):
    """Two logins of one client id: the last that succeeds has it."""
    first = begin(dial)
    second = begin(dial, client_id=first.client_id)
    assert states(broker) == 2
    reply(second)
    second.expect(CONNACK, reason=0)
    assert states(broker) == 1
    reply(first)
    first.expect(CONNACK, reason=0)
    second.expect_disconnect(0x8E)
    eventually(lambda: states(broker) == 0)
    first.quiet()
    assert states(broker) == 0
    first.disconnect()
