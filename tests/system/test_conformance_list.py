# SPDX-License-Identifier: Apache-2.0
"""conformance.md and the tests agree."""
import ast
import glob
import os
import re

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = re.compile(r"\| MQTT-([0-9.]+-[0-9]+) \| ([^|]+) \| ([^|]+) \|$")
ID = re.compile(r"\[(3\.1\.1 )?MQTT-([0-9.]+-[0-9]+)\]")

pytestmark = pytest.mark.smoke


def rows():
    """(standard, id, words, last column) of each row of the list."""
    standard = None
    with open(os.path.join(HERE, "conformance.md"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("## MQTT "):
                standard = line.split()[2]
            elif line.startswith("| MQTT-"):
                found = ROW.match(line.rstrip("\n"))
                assert found, line
                yield (standard,) + found.groups()


def claims():
    """(file::test): the (standard, id) in its docstring; all tests are there."""
    out = {}
    for path in glob.glob(os.path.join(HERE, "test_*.py")):
        with open(path, encoding="utf-8") as text:
            tree = ast.parse(text.read())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found = ID.findall(ast.get_docstring(node) or "")
                out["%s::%s" % (os.path.basename(path), node.name)] = ["3.1.1" if old else "5.0" for old, _ in found], [i for _, i in found]
    return {name: list(zip(*both)) for name, both in out.items()}


def test_each_statement_once():
    seen = [(standard, number) for standard, number, _, _ in rows()]
    assert len(seen) == len(set(seen))
    assert sum(s == "3.1.1" for s, _ in seen) > 120 and sum(s == "5.0" for s, _ in seen) > 220


def test_tests_of_the_list_exist_and_say_so():
    known = claims()
    for standard, number, _, last in rows():
        named = re.findall(r"`([^`]+)`", last)
        assert named or last.startswith(("not done: ", "n/a: ")), "%s %s: %s" % (standard, number, last)
        for test in named:
            assert test in known, "%s %s names %s" % (standard, number, test)
            assert (standard, number) in known[test], "%s doesn't say that it shows %s of %s" % (test, number, standard)


def test_what_tests_claim_is_in_the_list():
    listed = {(standard, number, test) for standard, number, _, last in rows() for test in re.findall(r"`([^`]+)`", last)}
    claimed = {(standard, number, test) for test, ids in claims().items() for standard, number in ids}
    assert not claimed - listed


def test_at_most_five_a_test():
    assert {test: ids for test, ids in claims().items() if len(ids) > 5} == {}
