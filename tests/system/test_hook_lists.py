# SPDX-License-Identifier: Apache-2.0
"""What several modules of a list give together: an identity, limits of a right; and lists with a method in CONNECT."""
import pytest

from gatehouse import AUTH, CONNACK
from gatehouse.probe import Journal, eventually, needs_modules, probe, rule

pytestmark = needs_modules
REQUIRED = [{"required": "one"}, {"required": "two"}]


def lists(make_broker, one, two, kind="authenticate", **listener):
    """Two instances of probe in one realm, both required unless said otherwise."""
    listener.setdefault(kind, REQUIRED)
    if kind == "authenticate":
        listener.setdefault("anonymous", False)
    return make_broker({"plugins": {"one": probe(*one, realm="people", file="one.jsonl", calls=True),
                                    "two": probe(*two, realm="people", file="two.jsonl", calls=True)},
                        "limits": {"failed-login-delay": "0"}}, listener=listener)


def allow(**more):
    return [rule(hook, **more) for hook in ("authenticate", "lookup")]


# ---- identities

def test_groups_and_attributes_add_up(make_broker, connect):
    """Here shown by the client id that the listener wants: of the group from one, the attribute from the other."""
    broker = lists(make_broker, allow(principal="joe", group="pumps"), allow(attribute="dev=7"), **{"client-id": "{group}-{attr:dev}-{username}"})
    connect("pumps-7-joe", to=broker, username="x")
    connect("pumps-8-joe", to=broker, username="x", reason=0x85)
    connect("-7-joe", to=broker, username="x", reason=0x85)


def test_named_by_the_second(make_broker, connect):
    """Somebody must be named by the first that allows: an ALLOW for nobody is none."""
    broker = lists(make_broker, allow(group="g"), allow(principal="joe"))
    connect(to=broker, username="x", reason=0x87)
    broker.wait_log(r"login failed .*module='one' .*without naming a principal")


def test_earliest_expiry(make_broker, connect):
    """Logins end; the shorter of two holds."""
    broker = lists(make_broker, allow(principal="joe", expires_in=3600), allow(expires_in=1))
    connect(to=broker, username="x").expect_disconnect((0x87, 0x98))


@pytest.mark.parametrize("first, second, fine", [("id", None, True), (None, "id", True), ("id", "id", True), ("id", "di", False)])
def test_client_id(make_broker, connect, first, second, fine):
    """Any of them may say which id it must be; two that say different ones say no."""
    answers = [[rule("authenticate", principal="joe", **({"client_id": one} if one else {}))] for one in (first, second)]
    broker = lists(make_broker, *answers, **{"client-id": "bound"})
    connect("", to=broker, username="x", reason=0 if fine else 0x87)
    assert list(broker.clients()) == (["id"] if fine else [])


def test_client_id_beside_pass(make_broker, connect):
    broker = lists(make_broker, [rule("authenticate", "pass", client_id="id")], [rule("authenticate", principal="joe")],
                   authenticate=["one", "two"], **{"client-id": "bound"})
    connect("", to=broker, username="x")
    assert list(broker.clients()) == ["id"]


def test_nobody_is_asked_needlessly(make_broker, connect):
    """After the first opinion an optional one isn't asked; a required one always is."""
    broker = lists(make_broker, [rule("authenticate", user="a", principal="joe"), rule("authenticate", "deny", user="d")],
                   [rule("authenticate", principal="joe")], authenticate=["one", "two"])
    for user, reason in (("a", 0), ("d", 0x86), ("p", 0)):
        connect(to=broker, username=user, reason=reason)
    assert [one["user"] for one in Journal(broker, "two.jsonl").calls(hook="authenticate")] == ["p"]
    broker.write({"plugins": {"one": probe(rule("any", principal="joe"), realm="people"),
                              "two": probe(rule("any", principal="joe"), realm="people", file="two.jsonl", calls=True)}},
                 {"anonymous": False, "authenticate": ["one", {"required": "two"}]})
    broker.reload()
    connect(to=broker, username="both")
    assert Journal(broker, "two.jsonl").calls(hook="authenticate", user="both")


def test_anonymous_beside_a_list(make_broker, connect):
    """Who brings nothing is anonymous; who brings something must be right; a required one is asked about both."""
    broker = lists(make_broker, [rule("authenticate", user="joe", principal="joe")], [], authenticate=["one"], anonymous=True)
    connect(to=broker)
    connect(to=broker, username="joe")
    connect(to=broker, username="who", reason=0x86)
    connect(to=broker, version=4, username="who", reason=4)
    broker = lists(make_broker, [rule("authenticate", client="mine")], [], authenticate=[{"required": "one"}], anonymous=True)
    connect("mine", to=broker)
    connect("yours", to=broker, reason=0x87)


# ---- a method in CONNECT

@pytest.mark.parametrize("answer, how, fine", [("allow", "now", True), ("allow", "later", True), ("deny", "now", False), ("pass", "now", False),
                                               ("error", "later", False), (None, None, True)])
def test_beside_an_exchange(make_broker, dial, answer, how, fine):
    """A required module without exchange is asked by authenticate; an optional one (None) not at all."""
    entry = "probe" if answer is None else {"required": "probe"}
    rules = [rule("authenticate", answer or "deny", principal="joe", how=how or "now")]
    broker = make_broker({"plugins": {"challenge": {"realm": "people"}, "probe": probe(*rules, realm="people", file="p.jsonl", calls=True)},
                          "limits": {"failed-login-delay": "0"}},
                         listener={"anonymous": False, "authenticate": ["challenge", entry]})
    client = dial(to=broker)
    method = {"auth_method": "CHALLENGE"}
    client.send(client.connect_packet(username="ignored", properties=dict(method, auth_data="joe")))
    data = client.expect(AUTH, reason=0x18).properties["auth_data"]
    client.auth(0x18, dict(method, auth_data=data + b":secret"))
    client.expect(CONNACK, reason=0 if fine else 0x87 if answer == "error" else 0x86)
    assert len(Journal(broker, "p.jsonl").calls(hook="authenticate")) == (answer is not None)
    eventually(lambda: broker.metric("gatehouse_challenge_states") == 0)


# ---- limits of a right

def rights(make_broker, one, two):
    return lists(make_broker, [rule("authorize", **one)], [rule("authorize", **two)], kind="authorize")


def test_least_qos(make_broker, connect):
    """SUBSCRIBE: granted less; PUBLISH: denied beyond."""
    broker = rights(make_broker, {"max_qos": 2}, {"max_qos": 1})
    client = connect(to=broker)
    client.subscribe("a", qos=2, reasons=[1])
    client.publish("a", "x", 1)
    client.message("a", qos=1)
    client.publish("a", "x", 2, reason=0x87)
    client.quiet()


def test_least_size(make_broker, connect):
    broker = rights(make_broker, {"max_size": 5}, {"max_size": 9})
    client = connect(to=broker)
    client.subscribe("a")
    client.publish("a", "12345", 1)
    client.message("a", "12345")
    client.publish("a", "123456", 1, reason=0x87)
    client.quiet()


def test_no_retain(make_broker, connect):
    broker = rights(make_broker, {}, {"no_retain": True})
    client = connect(to=broker)
    client.publish("a", "x", 1, retain=True, reason=0x87)
    client.publish("a", "x", 1)
    assert broker.ctl("status")["retained"] == 0


@pytest.mark.parametrize("what", ["publish", "subscribe"])
def test_reason_and_disconnect(make_broker, connect, what):
    """A DENY may say which reason code, and that the connection ends."""
    broker = lists(make_broker, [rule("authorize", "deny", reason=0x97, topic="r"), rule("authorize", "deny", disconnect=True, topic="d")],
                   [], kind="authorize", authorize=["one"])
    client = connect(to=broker)
    if what == "publish":
        client.publish("r", "x", 1, reason=0x97)
        client.send(client.publish_packet("d", "x", 1))
    else:
        client.subscribe("r", reasons=[0x97])
        client.send(client.subscribe_packet([("d", 0)], 1))
    assert client.drain()[-1].reason == 0x87
