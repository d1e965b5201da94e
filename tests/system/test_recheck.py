# SPDX-License-Identifier: Apache-2.0
"""After a policy change, when a module can't say what it would say now: asked again, and not for ever."""
import os

import pytest

from gatehouse import Will
from gatehouse.probe import eventually, login, needs_modules, probe, rule

pytestmark = [needs_modules, pytest.mark.threads]
KEEP = {"session_expiry": 300}


def config(*answers, grace="1h"):
    return {"plugins": {"probe": probe(*answers)}, "limits": {"recheck-grace": grace},
            "listeners": {"test": {"address": "127.0.0.1:@PORT@", "authenticate": ["probe"], "authorize": ["probe"]}}}


def change(broker, *answers, **how):
    broker.write(config(*answers, **how))
    broker.reload()


@pytest.fixture
def broker(make_broker):
    return make_broker(config(*login("joe"), *login("ann"), rule("authorize")))


def here_and_away(broker, connect):
    connect("away", to=broker, username="joe", properties=KEEP).close()
    return connect("here", to=broker, username="joe", properties=KEEP)


def away_is(broker, what):
    broker.wait_log(r"%s .*client='away'" % what)


def test_asked_again_until_it_can_be_answered(broker, connect):
    """First the directory is away; what it says when it is back ends those who are gone from it."""
    joe, ann = here_and_away(broker, connect), connect(to=broker, username="ann")
    down = broker.path("down", "")
    change(broker, rule("lookup", "error", while_exists=down, why="directory away"), rule("lookup", "deny", user="joe"),
           *login("ann"), rule("authorize"))
    broker.wait_log(r"warning can't be checked again now.* module='probe' reason='directory away'")
    eventually(lambda: broker.metric("gatehouse_recheck_failures_total") >= 6)  # three clients, more than once
    joe.publish("a", "x", 1)
    os.unlink(down)
    joe.expect_disconnect(0x87)
    away_is(broker, "session revoked")
    ann.quiet()


def test_not_for_ever(broker, connect):
    """recheck-grace: then it ends as if it had been denied, connected or not."""
    joe = here_and_away(broker, connect)
    change(broker, rule("lookup", "error", user="joe"), *login("ann"), rule("authorize"), grace="2s")
    joe.publish("a", "x", 1)
    joe.expect_disconnect(0x87)
    away_is(broker, "session revoked")
    broker.wait_log(r"session revoked .*client='away' .*reason='could not be checked for recheck-grace'")


def test_filters_too(broker, connect):
    joe = connect(to=broker, username="joe")
    joe.subscribe("a/#", "b")
    down = broker.path("down", "")
    change(broker, *login("joe"), rule("authorize", "error", action="subscribe", topic="a/#", while_exists=down),
           rule("authorize", "deny", action="subscribe", topic="a/#"), rule("authorize"))
    eventually(lambda: broker.metric("gatehouse_recheck_failures_total") >= 1)
    assert broker.ctl("status")["subscriptions"] == 2
    os.unlink(down)
    eventually(lambda: broker.ctl("status")["subscriptions"] == 1)
    joe.quiet()


def test_another_policy_change_does_not_begin_the_grace_anew(broker, connect):
    joe = connect(to=broker, username="joe")
    for _ in range(3):
        change(broker, rule("lookup", "error", user="joe"), rule("authorize"), grace="3s")
    joe.expect_disconnect(0x87)


def test_who_logs_in_again_is_known_again(broker, connect):
    here_and_away(broker, connect)
    failing = [rule("lookup", "error", user="joe"), rule("authenticate", principal="joe"), rule("authorize")]
    change(broker, *failing, grace="3s")
    eventually(lambda: broker.metric("gatehouse_recheck_failures_total") >= 2)
    back = connect("away", to=broker, username="joe", clean=False, properties=KEEP)
    assert back.connack.session_present
    broker.wait_log(r"session revoked .*client='here'")
    back.quiet()


@pytest.mark.parametrize("answers", [[rule("lookup", "error", user="joe")],
                                     [*login("joe"), rule("authorize", "error", action="publish", user="joe")]])
def test_author_of_a_retained_message(broker, connect, answers):
    """Delivered within the time, and asked about again each time; afterwards not."""
    joe = connect(to=broker, username="joe")
    joe.publish("kept", "x", 1, retain=True)
    joe.close()
    ann = connect(to=broker, username="ann")
    change(broker, *answers, *login("ann"), rule("authorize"), grace="2s")
    ann.subscribe("kept")
    ann.message("kept", "x", retain=True)

    def withheld():
        ann.subscribe("kept")
        return not ann.fence(ann)

    eventually(withheld)


def test_a_will_of_an_author_who_cannot_be_looked_up(broker, connect):
    """It is published now: what can't be told isn't allowed."""
    joe = connect(to=broker, username="joe", will=Will("gone", "x"))
    ann = connect(to=broker, username="ann")
    ann.subscribe("gone")
    change(broker, rule("lookup", "error", user="joe"), *login("ann"), rule("authorize"))
    joe.drop()
    eventually(lambda: broker.metric("gatehouse_dropped_total", reason="author") == 1)
    assert ann.fence(ann) == []


def test_a_lower_qos_reaches_shared_members(broker, connect):
    joe, ann = connect(to=broker, username="joe"), connect(to=broker, username="ann")
    joe.subscribe("plain", "$share/g/shared", qos=2)
    change(broker, *login("joe"), *login("ann"), rule("authorize", user="joe", max_qos=1), rule("authorize"))
    broker.clients()  # until then a QoS 2 message isn't theirs any more
    for topic in ("plain", "shared"):
        ann.publish(topic, "x", 2)
        joe.message(topic, "x", qos=1)
