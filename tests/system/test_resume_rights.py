# SPDX-License-Identifier: Apache-2.0
"""A session that is resumed where its owner has fewer rights: what it had subscribed to is asked again."""
import pytest

from gatehouse.broker import Broker, free_port
from gatehouse.packet import PUBLISH
from gatehouse.users import entry, secret

EXPIRY = {"session_expiry": 60}


@pytest.fixture(scope="module")
def broker():
    """Everything is allowed on one listener, only open/# on the other."""
    running = Broker(start=False)
    running.narrow = free_port()
    running.path("passwd", entry("alice") + entry("bob"))
    running.path("acl", "* open/# publish/subscribe allow\n")
    running.write({
        "plugins": {"users": {"module": "auth-file", "file": "passwd"}, "acl": {"file": "acl"}},
        "listeners": {
            "wide": {"address": "127.0.0.1:%d" % running.port, "authenticate": ["users"], "authorize": "none"},
            "narrow": {"address": "127.0.0.1:%d" % running.narrow, "authenticate": ["users"], "authorize": ["acl"]},
        },
    })
    running.start()
    yield running
    running.stop()
    running.remove()


def test_subscription_ends_with_the_right(broker, connect, name):
    """What waits for it and was covered where it was subscribed, what is in flight, and what is published later."""
    alice = {"username": "alice", "password": secret("alice"), "properties": EXPIRY}
    away = connect(name, **alice)
    away.subscribe("open/#", qos=1)
    away.subscribe("closed/#", qos=1)
    bob = connect(name + "-bob", username="bob", password=secret("bob"))
    bob.publish("closed/in-flight", "x", qos=1)
    away.expect(PUBLISH, topic="closed/in-flight")
    away.close()
    bob.publish("closed/while-away", "x", qos=1)
    back = connect(name, to=broker.narrow, clean=False, **alice)
    assert back.connack.session_present
    bob.publish("closed/now", "x", qos=1)
    bob.publish("open/now", "y", qos=1)
    back.message("open/now", "y", qos=1)
    assert broker.clients()[name]["subscriptions"] == 1
