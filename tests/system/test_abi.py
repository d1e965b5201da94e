# SPDX-License-Identifier: Apache-2.0
"""A module that was built with the headers of an earlier edition of the ABI works in this broker."""
import pytest

from gatehouse.probe import eventually, needs_modules

pytestmark = [needs_modules, pytest.mark.threads]
HOW = {"password": "secret"}


def config(*users):
    return {"plugins": {"old": {"module": "abi-0-1", "password": "secret", "users": {one: {"group": "plant"} for one in users}}},
            "limits": {"failed-login-delay": "0"}}


LISTENER = {"anonymous": False, "authenticate": ["old"], "authorize": ["old"]}


@pytest.fixture
def broker(make_broker):
    return make_broker(config("joe", "later"), listener=LISTENER)


def test_lets_in_and_refuses(broker, connect):
    connect(username="joe", **HOW)
    connect(username="joe", password="wrong", reason=0x86)
    connect(username="nobody", reason=0x86, **HOW)
    broker.wait_log("login failed .*user='joe'.*wrong password for joe")


def test_answers_later(broker, connect):
    """By a ticket, from a thread of its own."""
    connect(username="later", **HOW).publish("plant/a", qos=1)


def test_rights(broker, connect):
    """Of its groups; with a limit; RECEIVE is covered."""
    joe = connect(username="joe", **HOW)
    joe.subscribe("plant/#", "other/#", qos=2, reasons=[1, 0x87])
    joe.publish("other/a", qos=1, reason=0x87)
    joe.publish("plant/a", "hello", qos=1, reason=0)
    joe.message("plant/a", "hello", qos=1)
    assert broker.metric("gatehouse_plugin_answers_total", instance="old", hook="authorize", verdict="allow") == 2


def test_events_and_metrics(broker, connect):
    connect(username="joe", **HOW)
    connect(username="joe", password="wrong", reason=0x86)
    assert broker.metric("gatehouse_abi_0_1_logins_total", instance="old") == 1
    assert broker.metric("gatehouse_abi_0_1_threads", instance="old") >= 1


def test_is_replaced(broker, connect):
    """At a reload: who it no longer knows has to go, who it knows stays; its threads have ended."""
    joe, later = connect(username="joe", **HOW), connect(username="later", **HOW)
    threads = broker.metric("gatehouse_abi_0_1_threads", instance="old")
    broker.write(config("joe"), LISTENER)
    broker.reload()
    later.expect_disconnect(0x87)
    joe.publish("plant/a", qos=1)
    eventually(lambda: broker.metric("gatehouse_abi_0_1_threads", instance="old") == threads)
