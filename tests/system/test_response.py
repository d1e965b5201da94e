# SPDX-License-Identifier: Apache-2.0
"""Response information: told to the MQTT 5 clients that ask for it, where the listener has some."""

import pytest

from gatehouse import Broker


@pytest.fixture(scope="module")
def broker():
    with Broker({}, listener={"response-information": "reply/{clientid}/"}) as running:
        yield running


def test_who_asks_is_told(connect, name):
    client = connect(name, properties={"request_response_info": 1})
    assert client.connack.properties["response_info"] == f"reply/{name}/"


@pytest.mark.parametrize("properties", [{}, {"request_response_info": 0}])
def test_who_does_not_ask_is_not(connect, name, properties):
    """[MQTT5 3.1.2.11.6]: a value of 0 forbids it."""
    assert "response_info" not in connect(name, properties=properties).connack.properties


def test_what_has_no_value_is_not_told(connect, name):
    """A client id that would become more levels gives nothing, rather than somebody else's topic."""
    client = connect(name + "/x", properties={"request_response_info": 1})
    assert "response_info" not in client.connack.properties


def test_older_versions_cannot_ask(connect, name):
    assert connect(name, version=4).connack.reason == 0
