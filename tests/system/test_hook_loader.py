# SPDX-License-Identifier: Apache-2.0
"""Modules that must not be loaded, and lists that make no sense: each is refused, for the reason that is true."""
import os
import re
import shutil
import subprocess

import pytest

from gatehouse import Broker
from gatehouse.broker import GATEHOUSED, MODULES
from gatehouse.probe import eventually, needs_modules, probe, rule

pytestmark = needs_modules


@pytest.fixture
def directory(tmp_path):
    """A module directory of our own, of the right owner and mode, with the module probe in it."""
    path = tmp_path / "modules"
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    shutil.copy(os.path.join(MODULES, "probe.so"), path)
    return path


def check(module, directory=MODULES, **more):
    """gatehoused -t with an instance of this module: its exit code and what it says."""
    broker = Broker({"plugins": {"one": dict({"module": module}, **more)}}, start=False)
    try:
        done = subprocess.run([GATEHOUSED, "-t", "-c", broker.file, "--plugin-directory", str(directory)],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    finally:
        broker.remove()


def refused(module, pattern, directory=MODULES):
    code, said = check(module, directory)
    assert code not in (0, -6, -11), said
    assert re.search(pattern, said), said
    assert re.search(r"gatehouse.yaml:\d+:\d+: ", said), "where it stands: " + said
    assert len(said.strip().splitlines()) == 1, said


def test_renamed_over(directory):
    """A new file in the place of the old one is what a reload loads; the old one is unmapped."""
    broker = Broker({"plugins": {"probe": probe(rule("authorize"), file="probe.jsonl")}}, start=False, listener={"authorize": ["probe"]})
    broker.command = lambda: [GATEHOUSED, "-c", broker.file, "--plugin-directory", str(directory)]

    def mapped():
        with open("/proc/%d/maps" % broker.pid) as maps:
            return {line.split()[4] for line in maps if "probe.so" in line}

    try:
        broker.start()
        for _ in range(3):
            before = mapped()
            shutil.copy(directory / "probe.so", directory / "new")
            os.rename(directory / "new", directory / "probe.so")
            broker.reload()
            eventually(lambda: mapped() == {str(os.stat(directory / "probe.so").st_ino)})
            assert mapped() != before
        broker.stop()
    finally:
        broker.remove()


def test_fine(directory):
    code, said = check("probe", directory)
    assert code == 0, said


@pytest.mark.parametrize("module, pattern", [
    ("nothing-like-it", r"no module 'nothing-like-it' in /"),
    ("prob", r"no module 'prob' .*did you mean 'probe'"),
    ("../probe", r"'../probe' is no name of a module"),
    ("broken-minor", r"broken-minor.so: it is built for ABI 0\.3, this broker has 0\.2"),
    ("broken-major", r"broken-major.so: it is built for ABI 1\.2, this broker has 0\.2"),
    ("broken-flags", r"broken-flags.so: it has flags .*0x40000000"),
    ("broken-no-create", r"broken-no-create.so: its descriptor lacks 'create'"),
    ("broken-no-hook", r"broken-no-hook.so: its descriptor lacks a hook"),
    ("broken-command", r"broken-command.so: command 'List all': its name isn't words"),
    ("broken-name", r"broken-name.so: it calls itself 'another'"),
    ("broken-undefined", r"broken-undefined.so: undefined symbol: broken_not_there"),
    ("broken-no-descriptor", r"no module: it has no descriptor 'broken_no_descriptor_LTX_gatehouse_plugin'"),
])
def test_refused(module, pattern):
    refused(module, pattern)


@pytest.mark.parametrize("content, pattern", [
    (b"", r"file too short"), (b"#!/bin/sh\nexit 0\n" * 20, r"invalid ELF header"), (b"\x7fELF" + b"\0" * 2000, r"ELF")])
def test_not_a_shared_object(directory, content, pattern):
    (directory / "text.so").write_bytes(content)
    (directory / "text.so").chmod(0o755)
    refused("text", r"text\.so: .*" + pattern, directory)


def compiler():
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


@pytest.mark.skipif(not compiler(), reason="no C compiler")
def test_missing_dependency(directory, tmp_path):
    """The library that isn't there is named, not the module that is."""
    source = tmp_path / "empty.c"
    source.write_text("int nothing_in_here;\n")
    library = tmp_path / "libgh-not-there.so.7"
    subprocess.run([compiler(), "-shared", "-fPIC", "-Wl,-soname,libgh-not-there.so.7", "-o", library, source], check=True)
    subprocess.run([compiler(), "-shared", "-fPIC", "-Wl,--no-as-needed", "-o", directory / "needy.so", source, library], check=True)
    library.unlink()
    (directory / "needy.so").chmod(0o755)
    refused("needy", r"libgh-not-there\.so\.7: cannot open shared object file", directory)


@pytest.mark.parametrize("mode, who", [(0o775, "its group"), (0o777, "everybody")])
@pytest.mark.parametrize("what", ["file", "directory"])
def test_writable_by_others(directory, mode, who, what):
    path = directory / "probe.so" if what == "file" else directory
    path.chmod(mode)
    refused("probe", r"%s may be written to by %s \(mode 0%o\): chmod go-w %s" % (path, who, mode, path), directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["file", "directory"])
def test_of_another_user(directory, what):
    path = directory / "probe.so" if what == "file" else directory
    os.chown(path, 12345, 0)
    refused("probe", r"%s belongs to user 12345" % path, directory)


def test_not_a_plain_file(directory):
    (directory / "link.so").symlink_to(directory / "probe.so")
    (directory / "folder.so").mkdir()
    for name in ("link", "folder"):
        refused(name, r"%s\.so isn't a plain file" % name, directory)


def test_create_says_no():
    """What the module itself says, at the option it names."""
    code, said = check("probe", fail="the moon is not full")
    assert code != 0 and re.search(r"gatehouse.yaml:\d+:\d+: 'one': the moon is not full", said), said


def test_a_running_broker_refuses_too(make_broker, connect):
    """Each of these reloads changes nothing."""
    broker = make_broker({"plugins": {"probe": probe()}})
    client = connect(to=broker)
    for module in ("broken-undefined", "broken-no-create", "broken-minor", "not-there"):
        broker.write({"plugins": {"probe": probe(), module: {}}})
        done = broker.run_ctl("reload")
        assert done.returncode == 1 and module in done.stderr, done.stderr
    assert [row["instance"] for row in broker.ctl("plugins")] == ["probe"]
    client.quiet()


@pytest.mark.parametrize("listener, pattern", [
    ({"anonymous": False, "authenticate": []}, r"authenticate"),
    ({"anonymous": False}, r"authenticate.*anonymous|anonymous.*authenticate"),
    ({"authorize": []}, r"authorize"),
    ({"authorize": ["prob"]}, r"'prob'.*did you mean 'probe'"),
    ({"authorize": ["probe", "probe"]}, r"'probe'.*twice"),
    ({"authorize": ["challenge"]}, r"'challenge'.*authorize"),
    ({"authenticate": ["acl"], "anonymous": False}, r"'acl'"),
    ({"message": []}, r"'message': an empty list"),
    ({"message": ["prob"]}, r"'prob'.*did you mean 'probe'"),
    ({"message": ["probe", "probe"]}, r"'probe'.*twice"),
    ({"message": ["challenge"]}, r"'challenge' can't stand in message: .*no publish hook"),
])
def test_lists_without_sense(listener, pattern):
    """An empty list never means that everything is allowed; an instance must have a hook for its list."""
    broker = Broker({"plugins": {"probe": probe(), "challenge": {}, "acl": {"file": "acl"}}}, start=False, listener=listener)
    try:
        broker.path("acl", "")
        done = subprocess.run(broker.command() + ["-t"], capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode != 0 and re.search(r"gatehouse.yaml:\d+:\d+: .*" + pattern, said), said
    finally:
        broker.remove()


def test_an_instance_that_nobody_asks_is_told():
    """It would look as if its rules were in force; an observer needn't be in a list."""
    code, said = check("probe")
    assert code == 0 and re.search(r"warning \S+/gatehouse.yaml:\d+:\d+: 'one' stands in no listener's list: nobody asks it", said), said
