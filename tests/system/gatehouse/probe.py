# SPDX-License-Identifier: Apache-2.0
"""The test module probe (tests/plugins): its configuration, and what it writes down."""
import json
import os
import time

import pytest

from .broker import DEADLINE

needs_modules = pytest.mark.skipif(os.environ.get("GATEHOUSE_SHARED", "yes") != "yes", reason="test modules are files")

def probe(*answers, **options):
    """The section of an instance: rules, first match first. Underscores are dashes: client_id="x", on_error="next"."""
    section = {"module": "probe"}
    section.update((key.replace("_", "-"), value) for key, value in options.items())
    if answers:
        section["answers"] = [{key.replace("_", "-"): value for key, value in one.items()} for one in answers]
    return section


def rule(hook, answer="allow", **more):
    return dict({"hook": hook, "answer": answer}, **more)


def login(user, **more):
    """Lets a user in, and knows it at a later look."""
    return [rule(hook, user=user, **dict({"principal": user}, **more)) for hook in ("authenticate", "lookup")]


class Journal:
    """The file of an instance, as a list of dicts."""

    def __init__(self, broker, name="probe.jsonl"):
        self.path = os.path.join(broker.directory, name)

    def lines(self, **fields):
        if not os.path.exists(self.path):
            return []
        with open(self.path) as text:
            whole = text.read()
        got = [json.loads(line) for line in whole[:whole.rfind("\n") + 1].splitlines()]
        return [one for one in got if all(one.get(k) == v for k, v in fields.items())]

    def events(self, **fields):
        return self.lines(what="event", **fields)

    def calls(self, **fields):
        return self.lines(what="call", **fields)

    def wait(self, count=1, timeout=DEADLINE, **fields):
        """At least so many lines with these fields."""
        end = time.monotonic() + timeout
        while True:
            found = self.lines(**fields)
            if len(found) >= count:
                return found
            assert time.monotonic() < end, "%d of %d lines with %r:\n%s" % (
                len(found), count, fields, "\n".join(map(str, self.lines()[-40:])))
            time.sleep(0.01)


def eventually(condition, timeout=DEADLINE):
    """Asks until it is true: for what nobody is told of."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.01)
