# SPDX-License-Identifier: Apache-2.0
"""acl in the broker: what rules allow, where a right takes effect, and what no client can make of its own name."""
import os

import pytest

from gatehouse import Broker, Will, has_module
from gatehouse.broker import SOURCES, free_port
from gatehouse.users import entry, secret

pytestmark = pytest.mark.skipif(not (has_module("acl") and has_module("auth-file")), reason="without acl or auth-file")

# Beyond alice and bob, with alice's password
USERS = ("device-1", "device-2", "mallory", "admin", "+", "#", "a/b", "$SYS", "carol")
LISTENERS = {"any": {}, "own": {"client-id": "{username}"}, "strict": {"on-deny": "disconnect"}}


class Ruled:
    """Three listeners (see above) over the same users and rules; anonymous clients come in too."""

    def __init__(self):
        self.ports = {name: free_port() for name in LISTENERS}
        self.broker = Broker(start=False)
        self.broker.path("passwd", entry("alice", "groups=staff|night") + entry("bob") +
                         "".join(entry(user, like="alice") for user in USERS if user != "#") +
                         entry("dev", "client-id=dev-7", like="alice"))
        self.rules("", False)
        usual = {"anonymous": True, "authenticate": ["users"], "authorize": ["acl"]}
        self.broker.write({"limits": {"failed-login-delay": "0"}, "listeners": {
            name: dict(usual, address="127.0.0.1:%d" % self.ports[name], **more) for name, more in LISTENERS.items()},
            "plugins": {"users": {"module": "auth-file", "file": "passwd"}, "acl": {"file": "acl"}}})
        self.broker.start()

    def rules(self, text, reload=True):
        self.broker.path("acl", text)
        if reload:
            self.broker.reload()


@pytest.fixture(scope="module")
def ruled():
    one = Ruled()
    with one.broker:
        yield one


@pytest.fixture
def of(ruled, connect):
    """of(user, client_id, listener="any"): connected; user None: anonymous."""

    def make(user=None, client_id=None, at="any", **how):
        if user is not None:
            how.update(username=user, password=secret("bob" if user == "bob" else "alice"))
        return connect(client_id, to=ruled.ports[at], **how)

    return make


def may_publish(client, topic):
    return client.publish(topic, "x", qos=1, reason=None if client.version < 5 else ANY).reason < 0x80


def may_subscribe(client, filter):
    client.unsubscribe(filter)
    return client.subscribe(filter, reasons=ANY).reasons[0] < 0x80


class Any:
    def __eq__(self, other):
        return True


ANY = Any()


@pytest.mark.smoke
def test_publish_subscribe_receive_and_nothing_else(ruled, of):
    ruled.rules("* p publish allow\n* s subscribe allow\n* b publish/subscribe allow\n* r receive allow\n")
    one = of()
    for topic, publish, subscribe in (("p", True, False), ("s", False, True), ("b", True, True), ("r", False, False), ("n", False, False)):
        assert may_publish(one, topic) == publish, topic
        assert may_subscribe(one, topic) == subscribe, topic
    for filter in ("#", "+", "b/#", "$share/g/n", "B"):
        assert not may_subscribe(one, filter)
    assert may_subscribe(one, "$share/g/b")


def test_denied_publish_of_each_version_and_qos(ruled, of):
    """MQTT 5: 0x87; older: acknowledged and dropped; QoS 0: dropped; counted."""
    ruled.rules("* ok/# publish/subscribe allow\n* no subscribe allow\n")
    watch = of()
    watch.subscribe("no", "ok/#")
    before = ruled.broker.metric("gatehouse_denied_total", action="publish")
    for version in (5, 4, 3):
        one = of(version=version)
        one.publish("no", "0")
        for qos in (1, 2):
            one.publish("no", "x", qos=qos, reason=0x87 if version == 5 else 0)
        one.publish("ok/1", "x", qos=1)
        watch.message("ok/1")
    assert ruled.broker.metric("gatehouse_denied_total", action="publish") == before + 9


def test_on_deny_disconnect(ruled, of):
    ruled.rules("* ok publish/subscribe allow\n")
    for version in (5, 4, 3):
        for qos in (0, 1, 2):
            one = of(at="strict", version=version)
            one.publish("ok", "x", qos=1)
            one.send(one.publish_packet("no", "x", qos))
            one.expect_disconnect(0x87)
    one = of(at="strict")
    one.subscribe("no", reasons=[0x87])  # that can be told
    of(at="strict", version=4).subscribe("no", reasons=[0x80])
    one.ping()


def test_a_will_needs_the_right_to_publish(ruled, of):
    ruled.rules("* ok publish/subscribe allow\n")
    of(will=Will("ok", "x"))
    assert of(will=Will("no", "x"), reason=None).connack.reason == 0x87
    assert of(version=4, will=Will("no", "x"), reason=None).connack.reason == 5


def test_a_deny_that_merely_overlaps_is_applied_at_each_delivery(ruled, of):
    """Also where it says more than a SUBSCRIBE can tell: size, retain flag."""
    ruled.rules("* o/secret/# subscribe deny\n* o/+/# receive deny size<=2 retain\n* o/# publish/subscribe allow\n")
    sub, pub = of(), of()
    pub.publish("o/secret/kept", "retained", qos=1, retain=True)
    pub.publish("o/kept/small", "12", qos=1, retain=True)
    pub.publish("o/kept/large", "123", qos=1, retain=True)
    sub.subscribe("o/#", qos=1)
    sub.message("o/kept/large", "123")
    for topic in ("o/secret", "o/secret/x", "o/open", "o/secret/y/z"):
        pub.publish(topic, "live", qos=1)
    sub.message("o/open", "live")
    assert sub.fence(publisher(ruled, of, pub)) == []
    assert not may_subscribe(sub, "o/secret/x")
    assert not may_subscribe(sub, "o/secret/#")


def publisher(ruled, of, client):
    """The same client, and everybody may do what a fence does."""
    with open(ruled.broker.path("acl")) as file:
        ruled.rules("* fence/# publish/subscribe allow\n" + file.read())
    return client


def test_a_filter_is_allowed_by_a_rule_that_covers_it(ruled, of):
    ruled.rules("* c/+/x subscribe allow\n* d/# subscribe allow\n* e subscribe allow\n* # subscribe allow user=alice\n")
    one = of("bob")
    for filter, allowed in (("c/1/x", True), ("c/+/x", True), ("c/#", False), ("c/+/+", False), ("d", True), ("d/#", True),
                            ("d/+/e/#", True), ("+", False), ("+/#", False), ("e/#", False), ("e", True), ("$SYS/#", False)):
        assert may_subscribe(one, filter) == allowed, filter
    alice = of("alice")
    assert may_subscribe(alice, "#") and may_subscribe(alice, "+/x") and not may_subscribe(alice, "$SYS/#")


def test_covered_subscriptions_still_lose_their_right_at_a_reload(ruled, of):
    ruled.rules("* v/# publish/subscribe allow\n* fence/# publish/subscribe allow\n")
    sub, pub = of(), of()
    sub.subscribe("v/#")
    pub.publish("v/1", "x")
    sub.message("v/1")
    ruled.rules("* v/2 subscribe deny\n* v/# publish/subscribe allow\n* fence/# publish/subscribe allow\n")
    pub.publish("v/2", "x")
    pub.publish("v/3", "x")
    sub.message("v/3")
    assert sub.fence(pub) == []


# ---- Table 9-1

def table():
    with open(os.path.join(SOURCES, "plugins/acl/table-9-1.acl")) as file:
        return file.read()


@pytest.mark.smoke
def test_table_9_1_is_the_table(ruled):
    rows = [line.split() for line in table().splitlines() if line and not line.startswith("#")]
    assert rows == [["device-*", "devices/{clientid}/#", "publish", "allow"], ["device-*", "commands/{clientid}", "subscribe", "allow"],
                    ["admin", "#", "publish/subscribe", "allow"], ["*", "$SYS/#", "subscribe", "deny"]]


def test_table_9_1_where_the_id_is_bound(ruled, of):
    ruled.rules(table())
    device = of("device-1", "device-1", at="own")
    admin = of("admin", "admin", at="own")
    for topic, allowed in (("devices/device-1/x", True), ("devices/device-1", True), ("devices/device-2/x", False), ("devices/+/x", False),
                           ("commands/device-1", False), ("x", False)):
        if "+" not in topic:
            assert may_publish(device, topic) == allowed, topic
    for filter, allowed in (("commands/device-1", True), ("commands/device-2", False), ("commands/+", False), ("commands/#", False),
                            ("devices/device-1/x", False), ("#", False), ("$SYS/#", False)):
        assert may_subscribe(device, filter) == allowed, filter
    for filter, allowed in (("#", True), ("devices/#", True), ("$SYS/#", False), ("$SYS/x", False)):
        assert may_subscribe(admin, filter) == allowed, filter
    assert may_publish(admin, "commands/device-1") and not may_publish(admin, "$SYS/x")
    device.message("commands/device-1", "x")
    admin.publish("commands/device-1", "go")
    device.message("commands/device-1", "go")


def test_table_9_1_gives_nothing_to_who_just_takes_the_id(ruled, of):
    """A user who calls himself `admin`, or `device-2`, where any client id is taken; the log has warned of these rules."""
    mark = ruled.broker.mark()
    ruled.rules(table())
    for line in (6, 7, 8):
        ruled.broker.wait_log(r"acl:%d: this rule goes by client id" % line, after=mark)
    for user, client_id in (("mallory", "admin"), ("mallory", "device-2"), (None, "admin"), ("admin", "admin")):
        one = of(user, client_id)
        for topic in ("x", "devices/device-2/x", "devices/admin/x", "commands/device-2"):
            assert not may_publish(one, topic)
            assert not may_subscribe(one, topic)
        assert not may_subscribe(one, "#")
        one.disconnect()
    assert of("mallory", "admin", at="own", reason=None).connack.reason >= 0x80
    dev = of("dev", "dev-7")  # the module names the id: bound on any listener
    ruled.rules("dev-7 t/{clientid} publish allow\n")
    assert may_publish(dev, "t/dev-7") and not may_publish(dev, "t/dev-8")


# ---- names

@pytest.mark.parametrize("user", ["+", "a/b", "$SYS"])
def test_a_user_name_never_becomes_a_wildcard_or_a_level(ruled, of, user):
    ruled.rules("* h/{username}/# publish/subscribe allow\n* {username}/x publish/subscribe allow\n* h/+/public publish/subscribe allow\n")
    one = of(user)
    for topic in ("h/alice/x", "h/a/b/x", "h/a/x", "alice/x", "$SYS/x", "a/b/x"):
        assert may_publish(one, topic) == (user == "$SYS" and topic == "h/$SYS/x"), topic
    for filter in ("h/+/#", "h/alice/#", "+/x", "#", "h/#", "$SYS/x", "h/a/b/#"):
        assert not may_subscribe(one, filter), filter
    assert may_publish(one, "h/z/public")
    alice = of("alice")
    assert may_publish(alice, "h/alice/x") and may_subscribe(alice, "h/alice/+") and may_publish(alice, "alice/x")
    assert not may_publish(alice, "h/bob/x") and not may_subscribe(alice, "h/+/x")


@pytest.mark.parametrize("client_id", ["+", "#", "a/b", "$SYS", "x/#"])
def test_a_client_id_never_becomes_a_wildcard(ruled, of, client_id):
    """Where a listener trusts ids as they come (here by a deny, which counts anywhere): it matches more, never less."""
    ruled.rules("* d/{clientid}/# publish/subscribe allow\n* d/{clientid} publish/subscribe deny\n* d/# publish/subscribe allow user=bob\n")
    one = of(None, client_id)
    for topic in ("d/a/b", "d/a", "d/x/y", "d/$SYS/x"):
        assert not may_publish(one, topic)
    for filter in ("d/#", "d/+/#", "d/+", "#"):
        assert not may_subscribe(one, filter)


def test_conditions(ruled, of):
    ruled.rules("* g/{group}/x publish allow\n* g/+/x publish deny group=night\n* u publish allow user=bob realm=users\n"
                "* n publish allow anonymous\n* i publish allow address=127.0.0.0/8\n* j publish allow address=192.0.2.0/24\n"
                "* l publish allow listener=own\n* t publish allow tls\n* q publish allow qos<=0\n* s publish allow size<=3\n"
                "* r publish allow no-retain\n* sq subscribe allow qos<=1\n")
    alice, bob, nobody = of("alice", "alice", at="own"), of("bob"), of()
    assert may_publish(alice, "g/staff/x") and may_publish(alice, "g/night/x") and not may_publish(alice, "g/z/x")
    assert not may_publish(bob, "g/staff/x")
    for topic, who in (("u", bob), ("n", nobody), ("l", alice)):
        for one in (alice, bob, nobody):
            assert may_publish(one, topic) == (one is who), topic
    assert may_publish(bob, "i") and not may_publish(bob, "j") and not may_publish(bob, "t")
    assert not may_publish(bob, "q")  # it was QoS 1
    bob.publish("s", "123", qos=1)
    bob.publish("s", "1234", qos=1, reason=0x87)
    bob.publish("r", "x", qos=1)
    bob.publish("r", "x", qos=1, retain=True, reason=0x87)
    assert bob.subscribe(("sq", 2), reasons=[1]).reasons == [1]


def test_a_shared_group_gives_it_to_a_member_who_may_have_it(ruled, of):
    ruled.rules("* g receive deny user=bob\n* # publish/subscribe allow\n")
    bob, alice, pub = of("bob"), of("alice"), of()
    bob.subscribe("$share/s/g", qos=1)
    alice.subscribe("$share/s/g", qos=1)
    for n in range(6):
        pub.publish("g", str(n), qos=1)
    assert sorted(alice.message("g").payload for _ in range(6)) == [b"%d" % n for n in range(6)]
    assert bob.fence(pub) == []
    alice.disconnect()
    before = ruled.broker.metric("gatehouse_dropped_total", reason="no member")
    pub.publish("g", "lost", qos=1)
    assert bob.fence(pub) == []
    assert ruled.broker.metric("gatehouse_dropped_total", reason="no member") == before + 1


def test_a_retained_message_whose_author_is_gone(ruled, of):
    """Another one of the same name isn't him; who only lost the right isn't heard either."""
    ruled.rules("* ra/# publish allow user=carol\n* # subscribe allow\n* fence/# publish allow\n")
    of("carol").publish("ra/1", "x", qos=1, retain=True)
    first = of()
    first.subscribe("ra/#")
    first.message("ra/1")
    ruled.rules("* ra/# publish allow user=bob\n* # subscribe allow\n* fence/# publish allow\n")
    late = of()
    late.subscribe("ra/#")
    assert late.fence(of("bob")) == []
    with open(ruled.broker.path("passwd")) as file:
        users = file.read()
    ruled.broker.path("passwd", users.replace(entry("carol", like="alice"), ""))
    ruled.rules("* ra/# publish allow\n* # subscribe allow\n* fence/# publish allow\n")
    later = of()
    later.subscribe("ra/#")
    assert later.fence(of("bob")) == []


def test_an_empty_file_denies_everything_and_says_so(ruled, of):
    mark = ruled.broker.mark()
    ruled.rules("# nothing\n")
    ruled.broker.wait_log("warning no rules in .*everything is denied", after=mark)
    one = of("alice")
    assert not may_publish(one, "x") and not may_subscribe(one, "x")
