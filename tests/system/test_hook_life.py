# SPDX-License-Identifier: Apache-2.0
"""How instances come and go while the broker serves: alone, slow ones, one of them changed, one that doesn't let go."""
import os
import shutil
import signal
import subprocess
import time

import pytest

from gatehouse import CONNACK, Client
from gatehouse.broker import DEADLINE, GATEHOUSECTL, GATEHOUSED, MODULES, Broker
from gatehouse.probe import Journal, eventually, needs_modules

pytestmark = [needs_modules, pytest.mark.threads]
RIGHTS = {"authorize": ["life"]}


def life(**options):
    return dict({"file": "life.jsonl"}, **{key.replace("_", "-"): value for key, value in options.items()})


def config(**options):
    return {"plugins": {"life": life(**options)}, "limits": {"hook-timeout": "200ms"}}


def words(broker, name="life", **fields):
    """What has happened to the instances of this name, apart from threads and events."""
    return [one["what"] for one in Journal(broker, "life.jsonl").lines(name=name, **fields) if one["what"] not in ("event", "thread stop")]


def rows(broker, name="life"):
    return [row for row in broker.ctl("plugins") if row["instance"] == name]


def states(broker, name="life"):
    return [row["state"] for row in rows(broker, name)]


def become(broker, *wanted):
    eventually(lambda: words(broker) == list(wanted))


def touch(broker, name):
    return broker.path(name, "")


def begin(broker, *command):
    """gatehousectl in the background."""
    return subprocess.Popen([GATEHOUSECTL, "--socket", broker.socket, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process, code=0):
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == code, out + err
    return out + err


def at_once(broker):
    """The control thread and the workers serve: nobody waits for a second."""
    began = time.monotonic()
    broker.ctl("status")
    client = Client(broker).connect()
    client.publish("a", "x", 1)
    client.close()
    assert time.monotonic() - began < 1 or os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("no", "")


# ---- alone

def test_alone_at_start(make_broker):
    """Before anybody is let in; once."""
    broker = make_broker(config(), listener=RIGHTS)
    assert words(broker) == ["create", "created", "alone"]
    Client(broker).connect().close()
    broker.stop()
    assert words(broker) == ["create", "created", "alone", "destroy"]


def test_alone_waits_at_start():
    """A blocking one takes its time; the listeners open when it is through."""
    broker = Broker({"plugins": {"life": life(module="life-blocking", alone_while="hold")}}, start=False, listener=RIGHTS)
    try:
        touch(broker, "hold")
        broker.process = subprocess.Popen(broker.command(), stderr=subprocess.DEVNULL)
        become(broker, "create", "created", "alone")
        assert broker.run_ctl("status").returncode == 3
        client = Client(broker)
        client.send(client.connect_packet())
        client.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        os.unlink(broker.path("hold"))
        client.expect(CONNACK, reason=0)
        assert Journal(broker, "life.jsonl").lines(what="alone")[0]["local"] == 1, "on a thread of the instance"
        broker.process.terminate()
        assert broker.process.wait(DEADLINE) == 0
    finally:
        broker.remove()


@pytest.mark.parametrize("module", ["life", "life-blocking"])
def test_alone_after_the_predecessor(make_broker, connect, module):
    """It comes when the one before is destroyed, and not before; one that was replaced meanwhile is passed over."""
    broker = make_broker(config(module=module, destroy_while="hold"), listener=RIGHTS)
    touch(broker, "hold")
    first = ["create", "created", "alone"]
    become(broker, *first)
    broker.reload()
    assert states(broker) == ["in force", "draining"]
    connect(to=broker).publish("a", "x", 1)
    broker.reload()
    eventually(lambda: states(broker) == ["in force", "draining", "draining"])
    assert words(broker) == first + ["create again", "created"] * 2
    os.unlink(broker.path("hold"))
    become(broker, *first + ["create again", "created"] * 2 + ["destroy", "destroy", "alone"])
    eventually(lambda: states(broker) == ["in force"])


@pytest.mark.parametrize("module", ["life", "life-blocking"])
@pytest.mark.parametrize("more", [{}, {"on_error": "next"}])
def test_alone_fails(make_broker, connect, module, more):
    """Whatever it is asked fails, with its reason, until it is replaced."""
    broker = make_broker({"plugins": {"life": life(module=module), "seen": life(module="life")}, "limits": {"failed-login-delay": "0"}},
                         listener=RIGHTS)
    client = connect(to=broker)
    client.publish("a", "x", 1)
    broker.write({"plugins": {"life": life(module=module, alone_fails="the port is taken", **more), "seen": life(module="life")},
                  "limits": {"failed-login-delay": "0"}}, RIGHTS)
    mark = broker.mark()
    broker.reload()
    broker.wait_log(r"module 'life' has failed.*the port is taken", after=mark)
    row, = rows(broker)
    assert row["state"] == "failed" and "the port is taken" in row["reason"]
    client.publish("b", "x", 1, reason=0x87)
    if not more:
        assert "the port is taken" in broker.run_ctl("--json", "explain", "publish", "b").stdout
    Journal(broker, "life.jsonl").wait(what="event", name="seen", module="life", code=3)
    assert not [one for one in Journal(broker, "life.jsonl").events(name="life") if one["code"] == 3], "it isn't told"
    broker.write({"plugins": {"life": life(module=module), "seen": life(module="life")}}, RIGHTS)
    broker.reload()
    eventually(lambda: states(broker) == ["in force"])
    client.publish("b", "x", 1)


# ---- slow ones

def test_slow_create(make_broker, connect):
    """A create of minutes stops nobody; whoever reloads meanwhile is served by one further reload."""
    broker = make_broker(config(create_while="hold"), listener=RIGHTS)
    client = connect(to=broker)
    touch(broker, "hold")
    reload = begin(broker, "reload")
    eventually(lambda: words(broker)[-1:] == ["create again"])
    for _ in range(3):
        at_once(broker)
        client.publish("a", "x", 1)
    others = [begin(broker, "reload") for _ in range(2)]
    broker.signal(signal.SIGHUP)
    at_once(broker)
    assert reload.poll() is None and [one.poll() for one in others] == [None, None]
    os.unlink(broker.path("hold"))
    assert [end(one) for one in [reload] + others] == ["reloaded\n"] * 3
    eventually(lambda: states(broker) == ["in force"])
    assert words(broker).count("create again") == 2 and broker.ctl("status")["generation"] == 3


@pytest.mark.long
def test_longer_than_a_client_may(make_broker):
    """gatehousectl gets its answer even if the change takes longer than a control client is waited for."""
    broker = make_broker(config(create_while="hold"), listener=RIGHTS)
    touch(broker, "hold")
    reload = begin(broker, "reload")
    with pytest.raises(subprocess.TimeoutExpired):
        reload.wait(33)
    os.unlink(broker.path("hold"))
    assert end(reload) == "reloaded\n"


def test_end_while_one_is_created(make_broker):
    """What has been created is destroyed; what doesn't come back in time is left behind."""
    broker = make_broker(config(create_delay="1s"), listener=RIGHTS)
    broker.ctl("status")
    broker.signal(signal.SIGHUP)
    eventually(lambda: words(broker)[-1:] == ["create again"])
    broker.stop()
    assert words(broker)[-3:] == ["created", "destroy", "destroy"]


def test_end_while_one_hangs(make_broker):
    broker = make_broker(config(create_while="hold"), listener=RIGHTS)
    touch(broker, "hold")
    broker.ctl("status")
    broker.signal(signal.SIGHUP)
    eventually(lambda: words(broker)[-1:] == ["create again"])
    began = time.monotonic()
    broker.stop()
    assert time.monotonic() - began < DEADLINE


# ---- one of them

@pytest.fixture
def modules(tmp_path):
    """A module directory of our own, with `life` in it."""
    path = tmp_path / "modules"
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    shutil.copy(os.path.join(MODULES, "life.so"), path)
    return path


@pytest.fixture
def two(make_broker, modules):
    """A broker with two instances of `life`, of which the first has all rights."""
    made = {"plugins": {"life": life(create_fails_while="broken"), "other": life(module="life")}, "limits": {"hook-timeout": "200ms"}}
    broker = Broker(made, start=False, listener=RIGHTS)
    broker.command = lambda: [GATEHOUSED, "-c", broker.file, "--plugin-directory", str(modules)]
    # What is resident libltdl keeps to the end of the process, and forgets where.
    broker.env = {"LSAN_OPTIONS": "print_suppressions=0:suppressions=" + broker.path("leaks", "leak:lt__malloc\n")}
    broker.start()
    yield broker
    try:
        broker.stop()
    finally:
        broker.remove()


def mapped(broker):
    with open("/proc/%d/maps" % broker.pid) as maps:
        return {line.split()[4] for line in maps if "life.so" in line}


def put_in_place(modules, name):
    shutil.copy(os.path.join(MODULES, name + ".so"), modules / "new")
    os.rename(modules / "new", modules / "life.so")


def test_reload_one(two, connect):
    """It alone is created anew, beside its predecessor."""
    client = connect(to=two)
    assert two.ctl("plugin", "reload", "life") == {}
    become(two, "create", "created", "alone", "create again", "created", "destroy", "alone")
    assert words(two, "other") == ["create", "created", "alone"]
    Journal(two, "life.jsonl").wait(what="event", name="other", module="life", code=1)
    client.publish("a", "x", 1)
    assert two.ctl("status")["generation"] == 2


def test_settings_in_force(two):
    """What the file says now is for a whole reload."""
    two.write({"plugins": {"life": life(alone_fails="changed")}, "limits": {"hook-timeout": "200ms"}}, RIGHTS)
    two.ctl("plugin", "reload", "life")
    eventually(lambda: states(two) == ["in force"])
    assert states(two, "other") == ["in force"]
    two.reload()
    eventually(lambda: states(two) == ["failed"])
    assert states(two, "other") == []


def test_reload_keeps_the_code(two, modules):
    """A new file is for `replace`."""
    before = mapped(two)
    put_in_place(modules, "life-later")
    two.ctl("plugin", "reload", "life")
    eventually(lambda: states(two) == ["in force"])
    assert [row["version"] for row in rows(two)] == ["1"] and mapped(two) == before


def test_replace(two, modules, connect):
    """New code, which isn't shown the old instance; the old code is unmapped with its last instance."""
    client = connect(to=two)
    client.subscribe("a", qos=1)
    before = mapped(two)
    put_in_place(modules, "life-later")
    now = {str(os.stat(modules / "life.so").st_ino)}
    two.ctl("plugin", "replace", "life")
    eventually(lambda: states(two) == ["in force"])
    assert [row["version"] for row in rows(two)] == ["2"] and [row["version"] for row in rows(two, "other")] == ["1"]
    assert words(two, version="2") == ["create", "created", "alone"]
    assert mapped(two) == before | now
    two.ctl("plugin", "replace", "other")
    eventually(lambda: mapped(two) == now)
    client.publish("a", "x", 1)
    client.message("a", "x")


def test_resident(two, modules, connect):
    """What its libraries have left behind may still run: its code stays, whatever comes of its instances. Other code goes."""
    put_in_place(modules, "life-resident")
    resident = {str(os.stat(modules / "life.so").st_ino)}
    for name in ("life", "other"):
        two.ctl("plugin", "replace", name)
    eventually(lambda: mapped(two) == resident)
    put_in_place(modules, "life-later")
    later = {str(os.stat(modules / "life.so").st_ino)}
    for name in ("life", "other"):
        two.ctl("plugin", "replace", name)
    eventually(lambda: states(two) + states(two, "other") == ["in force"] * 2)
    assert [row["version"] for row in rows(two)] == ["2"]
    assert mapped(two) == resident | later
    for name in ("life", "other"):
        two.ctl("plugin", "disable", name)
    eventually(lambda: mapped(two) == resident)
    assert states(two) + states(two, "other") == ["disabled"] * 2
    two.ctl("plugin", "enable", "life")
    assert mapped(two) == resident | later
    connect(to=two).publish("a", "x", 1)


def test_resident_disabled(two, modules):
    """The last instance of it goes."""
    put_in_place(modules, "life-resident")
    resident = {str(os.stat(modules / "life.so").st_ino)}
    for name in ("life", "other"):
        two.ctl("plugin", "replace", name)
        two.ctl("plugin", "disable", name)
    eventually(lambda: states(two) + states(two, "other") == ["disabled"] * 2)
    eventually(lambda: mapped(two) == resident)
    two.reload()
    assert mapped(two) == resident
    two.ctl("plugin", "enable", "life")
    assert states(two) == ["in force"] and mapped(two) == resident


def test_replace_the_same(two):
    """The file is as it was: a successor like any other."""
    before = mapped(two)
    two.ctl("plugin", "replace", "life")
    become(two, "create", "created", "alone", "create again", "created", "destroy", "alone")
    assert mapped(two) == before


@pytest.mark.parametrize("more", [{}, {"on_error": "next"}])
def test_disable_and_enable(two, connect, dial, modules, more):
    """What is disabled denies, and isn't loaded; a reload leaves it so."""
    made = {"plugins": {"life": life(**more)}, "limits": {"hook-timeout": "200ms"}}
    two.write(made, dict(RIGHTS, authenticate=["life"]))
    two.reload()
    client = connect(to=two)
    client.publish("a", "x", 1)
    two.ctl("plugin", "disable", "life")
    client.publish("a", "x", 1, reason=0x87)
    eventually(lambda: states(two) == ["disabled"])
    row, = rows(two)
    assert row["reason"] == "disabled" and row["version"] == "1"
    eventually(lambda: not mapped(two))
    answer = two.run_ctl("--json", "explain", "publish", "a")
    assert answer.returncode == 1 and "disabled" in answer.stdout
    with pytest.raises(AssertionError):  # not even accepted: its accept hook fails
        dial(to=two).connect()
    two.reload()
    assert states(two) == ["disabled"] and not mapped(two)
    client.publish("a", "x", 1, reason=0x87)
    done = two.run_ctl("plugin", "disable", "life")
    assert done.returncode == 1 and "already" in done.stderr
    two.ctl("plugin", "enable", "life")
    client.publish("a", "x", 1)
    eventually(lambda: states(two) == ["in force"])
    assert mapped(two)
    eventually(lambda: words(two)[-3:] == ["create", "created", "alone"])
    done = two.run_ctl("plugin", "enable", "life")
    assert done.returncode == 1 and "isn't disabled" in done.stderr


def test_told(two):
    """Observers are told of each: unloaded, loaded, replaced."""
    for verb in ("disable", "enable", "replace", "reload"):
        two.ctl("plugin", verb, "life")
    told = [one["code"] for one in Journal(two, "life.jsonl").events(name="other", module="life")]
    assert told[-4:] == [2, 0, 1, 1]


@pytest.mark.parametrize("verb", ["reload", "replace"])
def test_disabled_comes_back(two, connect, verb):
    two.ctl("plugin", "disable", "life")
    two.ctl("plugin", verb, "life")
    assert states(two)[0] == "in force"
    connect(to=two).publish("a", "x", 1)


@pytest.mark.parametrize("verb", ["reload", "replace"])
def test_one_that_fails(two, modules, connect, verb):
    """The old one stays, and nothing had happened."""
    client = connect(to=two)
    before, seen = two.ctl("plugins"), words(two)
    touch(two, "broken")
    if verb == "replace":
        put_in_place(modules, "broken-name")
    done = two.run_ctl("plugin", verb, "life")
    assert done.returncode == 1 and ("life.so" if verb == "replace" else "gatehouse.yaml") in done.stderr
    assert two.ctl("plugins") == before
    assert words(two) == seen + ([] if verb == "replace" else ["create again", "destroy"])
    client.publish("a", "x", 1)
    two.wait_log(r"plugin 'life' can't be %s" % verb)


def test_stays_disabled(two):
    """What can't be created isn't enabled."""
    two.ctl("plugin", "disable", "life")
    touch(two, "broken")
    done = two.run_ctl("plugin", "enable", "life")
    assert done.returncode == 1 and "not while this is there" in done.stderr
    assert states(two)[0] == "disabled"


def test_words(two):
    done = two.run_ctl("plugin", "reload", "lief")
    assert done.returncode == 4 and "did you mean 'life'" in done.stderr
    assert two.run_ctl("plugin", "stop", "life").returncode == 2
    assert two.run_ctl("plugin", "reload").returncode == 2
    two.ctl("plugin", "reload", "life")
    two.wait_log(r"control command.*command='plugin reload life'")


# ---- one that doesn't let go

def test_stuck_job(make_broker, connect):
    """It is named, once; everybody goes on, and so does the next change. The end doesn't wait for it."""
    broker = make_broker(config(module="life-blocking", work_while="hold"), listener=RIGHTS)
    client = connect(to=broker)
    touch(broker, "hold")
    client.publish("wait", "x", 1, reason=0x87)  # its time is over
    broker.ctl("plugin", "reload", "life")
    assert [(row["state"], row["running"]) for row in rows(broker)] == [("in force", 0), ("draining", 1)]
    mark = broker.mark()
    for _ in range(2):
        broker.reload()
    client.publish("a", "x", 1)
    eventually(lambda: states(broker) == ["in force", "draining"])
    line = broker.wait_log(r"module 'life' \(configuration 1\) doesn't let go: 1 jobs running, 0 tickets", after=mark)
    at_once(broker)
    assert line and "alone" not in words(broker)[3:]
    os.unlink(broker.path("hold"))
    eventually(lambda: states(broker) == ["in force"])
    eventually(lambda: words(broker)[-1] == "alone")
    assert len([one for one in broker.log() if "doesn't let go" in one]) == 1


def test_drains_at_the_end(make_broker, connect):
    """Its threads are stopped too."""
    broker = make_broker({"plugins": {"life": life(module="life-blocking", work_while="hold")}}, listener=RIGHTS)
    workers = broker.ctl("status")["workers"]
    client = connect(to=broker)
    touch(broker, "hold")
    client.send(client.publish_packet("wait", "x", 1, packet_id=1))
    eventually(lambda: rows(broker)[0]["running"] == 1)
    broker.reload()
    assert states(broker) == ["in force", "draining"]
    broker.signal(signal.SIGTERM)
    broker.wait_log("shutting down")
    os.unlink(broker.path("hold"))
    assert broker.wait() == 0
    assert words(broker).count("destroy") == 2
    stopped = [one["local"] for one in Journal(broker, "life.jsonl").lines(what="thread stop")]
    assert len(stopped) == 2 * (workers + 4)


def test_stuck_destroy(make_broker, connect):
    broker = make_broker(config(destroy_while="hold"), listener=RIGHTS)
    client = connect(to=broker)
    touch(broker, "hold")
    broker.reload()
    broker.wait_log(r"module 'life' \(configuration 1\) doesn't let go: .*destroy")
    broker.reload()
    client.publish("a", "x", 1)
    assert states(broker) == ["in force", "draining", "draining"]
    began = time.monotonic()
    broker.stop()
    assert time.monotonic() - began < DEADLINE
