# SPDX-License-Identifier: Apache-2.0
"""What a module of the policy before still thinks about when a reload replaces it: the new policy decides."""
import pytest

from gatehouse import PUBACK, SUBACK
from gatehouse.probe import eventually, login, needs_modules, probe, rule

LATER = {"how": "later", "delay": "1500ms"}
LISTENER = {"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]}
USERS = login("joe") + login("ann")
ALL = [rule("authorize", action=action) for action in ("publish", "subscribe", "receive", "will")]


def config(answers):
    return {"plugins": {"probe": probe(*answers)}, "limits": {"hook-timeout": "10s", "connect-timeout": "20s"}}


@pytest.fixture
def policy(make_broker):
    """policy(rules): a broker with these before all others; policy.then(rules): instead of them, by a reload."""
    class Policy:
        def __call__(self, *answers):
            self.broker = make_broker(config(list(answers) + USERS + ALL), listener=LISTENER)
            return self.broker

        def then(self, *answers):
            asked = lambda: any(row["pending"] for row in self.broker.ctl("plugins"))
            eventually(asked)
            self.broker.write(config(list(answers) + USERS + ALL), LISTENER)
            self.broker.reload()
            assert asked(), "it was answered before the reload: nothing is shown"
    return Policy()


@needs_modules
def test_subscribe(policy, connect):
    """Allowed, and covered for all deliveries, by the one before: not by the present one."""
    broker = policy(rule("authorize", action="subscribe", topic="secret", covers="yes", **LATER))
    joe, ann = (connect(user, username=user, to=broker) for user in ("joe", "ann"))
    joe.send(joe.subscribe_packet([("secret", 1)], 7))
    policy.then(*[rule("authorize", "deny", topic="secret", action=action) for action in ("subscribe", "receive")])
    joe.expect(SUBACK)
    ann.publish("secret", "x", qos=1)
    assert joe.fence(ann) == []
    eventually(lambda: broker.ctl("status")["subscriptions"] == 0)


@needs_modules
def test_login(policy, dial):
    """Let in by the one before, unknown to the present one: gone, with the session."""
    broker = policy(rule("authenticate", user="joe", principal="joe", **LATER))
    joe = dial("joe", to=broker)
    joe.send(joe.connect_packet(username="joe", properties={"session_expiry": 100}))
    policy.then(rule("lookup", "deny", user="joe"), rule("authenticate", "deny", user="joe"))
    joe.drain()
    eventually(lambda: broker.ctl("status")["sessions"] == 0)


@needs_modules
@pytest.mark.parametrize("retain", [False, True])
def test_publish(policy, connect, retain):
    """Refused by the present one, also if it takes its time; nothing is delivered or kept."""
    broker = policy(rule("authorize", action="publish", topic="news", **LATER))
    joe, ann = (connect(user, username=user, to=broker) for user in ("joe", "ann"))
    ann.subscribe("news")
    joe.send(joe.publish_packet("news", "x", qos=1, retain=retain, packet_id=9))
    policy.then(rule("authorize", "deny", action="publish", topic="news", how="later", delay="100ms"))
    joe.expect(PUBACK, packet_id=9, reason=0x87)
    assert ann.fence(joe) == []
    assert broker.ctl("status")["retained"] == 0
