# SPDX-License-Identifier: Apache-2.0
"""What modules have done beside their hooks: timers, watches, offloaded work, a directory, the figures; where each runs, and that all
of it ends with the instance."""
import os
import stat
import subprocess
import threading

import pytest

from gatehouse import SANITIZED, Client
from gatehouse.broker import GATEHOUSED, module_arguments
from gatehouse.probe import Journal, eventually, needs_modules

pytestmark = [needs_modules, pytest.mark.threads]
BOTH = pytest.mark.parametrize("module", ["worker", "worker-blocking"])


def config(tag="a", module="worker", **more):
    return {"plugins": {"w": dict({"module": module, "file": "work.jsonl", "tag": tag}, **more)}}


LISTENER = {"authorize": ["w"]}


def start(make_broker, *args, workers=None, **more):
    broker = make_broker({**config(*args, **more), **({"workers": workers} if workers else {})}, listener=LISTENER)
    return broker, Journal(broker, "work.jsonl")


def change(broker, *args, **more):
    broker.write(config(*args, **more), LISTENER)
    broker.reload()


def say(client, *words):
    client.publish("/".join(map(str, words)), "", 1)


def on_two_threads(broker, journal, connect):
    """Two clients whose hooks run on different workers, and those workers' threads."""
    found = {}
    for i in range(64):
        client = connect(to=broker)
        say(client, "stop", "find%d" % i)
        thread = journal.wait(what="stopped", name="find%d" % i)[0]["thread"]
        found.setdefault(thread, client)
        if len(found) == 2:
            return [(client, thread) for thread, client in found.items()]
    raise AssertionError("all clients are on one worker")


def between(journal, client, first, last):
    """What was written between the firings of two timers, one after the other, on this client's thread."""
    say(client, "timer", first, 30, 0)
    journal.wait(what="timer", name=first)
    say(client, "timer", last, 60, 0)
    journal.wait(what="timer", name=last)
    lines = journal.lines()
    names = [one.get("name") if one["what"] == "timer" else None for one in lines]
    return lines[names.index(first) + 1:names.index(last)]


# ---- timers

def test_timers_on_each_thread(make_broker):
    """One started by thread_start fires on that worker, with its local; one of create on the control thread, without."""
    broker, journal = start(make_broker, each="5ms", own="5ms")
    workers = broker.ctl("status")["workers"]
    eventually(lambda: len({one["thread"] for one in journal.lines(what="timer", name="each")}) == workers)
    own = journal.wait(3, what="timer", name="own")
    assert {one["thread"] for one in own} == {broker.pid} and not any(one["local"] for one in own)
    assert all(one["local"] and one["thread"] != broker.pid for one in journal.lines(what="timer", name="each"))


def test_timer_of_a_hook(make_broker, connect):
    """On the thread of the hook: once, or again and again until it is stopped there."""
    broker, journal = start(make_broker)
    client = connect(to=broker)
    say(client, "timer", "once", 0, 0)
    say(client, "timer", "again", 0, 1)
    lines = journal.wait(5, what="timer", name="again") + journal.wait(what="timer", name="once")
    started = journal.lines(what="started", name="again")[0]
    assert {one["thread"] for one in lines} == {started["thread"]} and all(one["local"] for one in lines)
    say(client, "stop", "again")
    after = journal.lines()
    after = after[[one["what"] for one in after].index("stopped"):]
    assert not [one for one in after if one["what"] == "timer"]
    assert [line["what"] for line in between(journal, client, "x", "y")] == ["started"]
    assert len(journal.lines(what="timer", name="once")) == 1


def test_stopped_from_another_thread(make_broker, connect):
    broker, journal = start(make_broker, workers=2)
    (one, here), (other, there) = on_two_threads(broker, journal, connect)
    say(one, "timer", "again", 0, 1)
    assert journal.wait(3, what="timer", name="again")[0]["thread"] == here
    say(other, "stop", "again")
    assert journal.wait(what="stopped", name="again")[0]["thread"] == there
    assert [line["what"] for line in between(journal, one, "x", "y")] == ["started"]


def test_timers_of_a_blocking_instance(make_broker, connect):
    """On a thread of the instance, whoever started them: create, thread_start or a hook."""
    broker, journal = start(make_broker, module="worker-blocking", each="5ms", own="5ms")
    client = connect(to=broker)
    say(client, "timer", "hook", 0, 1)
    for name in ("each", "own", "hook"):
        journal.wait(5, what="timer", name=name)
    lines = journal.lines(what="timer")
    assert len({one["thread"] for one in lines}) == 1 and all(one["local"] for one in lines)
    assert lines[0]["thread"] == journal.lines(what="started", name="hook")[0]["thread"] != broker.pid
    say(client, "stop", "hook")
    after = journal.lines()
    after = after[[one["what"] for one in after].index("stopped"):]
    assert not [one for one in after if one["what"] == "timer" and one["name"] == "hook"]


def test_without_a_loop(make_broker, connect):
    """Refused on a thread of the module's, and the log says so once."""
    broker, journal = start(make_broker)
    client = connect(to=broker)
    say(client, "wrong")
    say(client, "wrong")
    journal.wait(2, what="wrong")
    assert not journal.lines(what="not refused")
    broker.wait_log(r"module 'w': gh_timer_start is refused: on a thread without a loop")
    broker.wait_log(r"module 'w': gh_watch_start is refused: on a thread without a loop")
    assert len([line for line in broker.log() if "is refused" in line]) == 2


# ---- watches

def test_watch(make_broker, connect):
    """It is told on the thread that started it, whoever made the descriptor ready; only that thread stops it."""
    broker, journal = start(make_broker, workers=2)
    (one, here), (other, _) = on_two_threads(broker, journal, connect)
    say(one, "watch")
    for count in (1, 2):
        say(other, "write")
        line = journal.wait(count, what="watch")[-1]
        assert line["thread"] == here and line["local"]
    say(other, "unwatch")
    broker.wait_log(r"gh_watch_stop is refused: on another thread than that of the watch")
    say(other, "write")
    journal.wait(3, what="watch")
    say(one, "unwatch")
    say(other, "write")
    assert [line["what"] for line in between(journal, one, "x", "y")] == ["started"]
    assert len(journal.lines(what="watch")) == 3


def test_no_watch_of_a_blocking_instance(make_broker, connect):
    broker, journal = start(make_broker, module="worker-blocking")
    say(connect(to=broker), "watch")
    journal.wait(what="refused")
    broker.wait_log(r"gh_watch_start is refused: with GH_BLOCKING")


# ---- the rest

@BOTH
def test_offload(make_broker, connect, module):
    """Each piece once, on a thread that runs no hooks; what create asked for too."""
    broker, journal = start(make_broker, module=module)
    client = connect(to=broker)
    for i in range(100):
        say(client, "offload", "n%d" % i)
    lines = journal.wait(101, what="offload")
    assert sorted(one["name"] for one in lines) == sorted(["create"] + ["n%d" % i for i in range(100)])
    say(client, "stop", "nothing")
    hooks = {one["thread"] for one in journal.wait(what="stopped")} | {broker.pid}
    assert not hooks & {one["thread"] for one in lines} and not any(one["local"] for one in lines)


def test_directory(make_broker, connect):
    broker, journal = start(make_broker, directory=True)
    wanted = os.path.join(broker.directory, "state", "plugins", "w")
    assert journal.wait(what="directory")[0]["name"] == wanted
    assert stat.S_IMODE(os.stat(wanted).st_mode) == 0o700
    say(connect(to=broker), "directory")
    eventually(lambda: os.path.exists(os.path.join(wanted, "kept")))
    change(broker, "b", directory=True)
    assert journal.wait(tag="b", what="directory")[0]["name"] == wanted
    assert os.path.exists(os.path.join(wanted, "kept"))


def test_directory_is_not_made_by_a_check(make_broker):
    """--check-config calls create, which learns the name; nothing is made, and no timer runs."""
    broker = make_broker(config(directory=True, own="1ms"), listener=LISTENER, start=False)
    done = subprocess.run([GATEHOUSED, "--check-config", "-c", broker.file] + module_arguments(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = Journal(broker, "work.jsonl").lines()
    assert lines[0]["name"] == os.path.join(broker.directory, "state", "plugins", "w")
    assert [one["what"] for one in lines] == ["directory", "offload", "destroy"]
    assert not os.path.exists(os.path.join(broker.directory, "state"))


@BOTH
def test_metrics_each(make_broker, connect, module):
    """On whichever thread: all there are, as they are now."""
    broker, journal = start(make_broker, module=module)
    client, _ = connect(to=broker), connect(to=broker)
    say(client, "metrics")
    line = journal.wait(what="metrics")[0]
    assert line["connections"] == 2
    assert line["count"] >= len({(row["name"], row["labels"]) for row in broker.ctl("metrics")}) // 2


# ---- their end

def ended(journal, tag, timers=True):
    """The instance is gone: on each thread nothing came after its thread_stop, and nothing at all after destroy."""
    lines = journal.lines(tag=tag)
    assert lines[-1]["what"] == "destroy", lines[-5:]
    for stop in [i for i, one in enumerate(lines) if one["what"] == "thread stop"]:
        after = [one for one in lines[stop + 1:] if one["thread"] == lines[stop]["thread"] and one["what"] != "destroy"]
        assert not after, after[:3]
    return not timers or any(one["what"] == "timer" for one in lines)


@BOTH
def test_reload(make_broker, connect, module):
    """While the old instance drains, here until its offloaded work is done, its timers fire on; then they end, before it does."""
    options = {"each": "2ms", "own": "2ms", "module": module, "until": "done"}
    broker, journal = start(make_broker, **options)
    journal.wait(3, tag="a", what="timer", name="own")
    say(connect(to=broker), "hold")
    change(broker, "b", **options)
    for name in ("each", "own"):
        mark = len(journal.lines(tag="a", name=name))
        journal.wait(mark + 3, tag="a", name=name)
        journal.wait(3, tag="b", name=name)
    assert [row["state"] for row in broker.ctl("plugins")] == ["in force", "draining"]
    broker.path("done", "")
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force"])
    mark = len(journal.lines(tag="b", name="own"))
    journal.wait(mark + 5, tag="b", name="own")
    assert ended(journal, "a") and journal.lines(tag="a", what="held")
    broker.stop()
    assert ended(journal, "b")


def test_refused_reload(make_broker):
    """Timers of an instance that never was in force never fire; what it offloaded was done before it went."""
    broker, journal = start(make_broker, own="2ms")
    bad = config("b", own="1ms")
    bad["plugins"]["last"] = {"module": "worker", "file": "other.jsonl", "tag": "c", "fail": "not today"}
    broker.write(bad, LISTENER)
    assert broker.run_ctl("reload").returncode == 1
    mark = len(journal.lines(tag="a"))
    journal.wait(mark + 5, tag="a")
    assert [one["what"] for one in journal.lines(tag="b")] == ["offload", "destroy"]
    assert [one["what"] for one in Journal(broker, "other.jsonl").lines()] == ["destroy"]


@BOTH
def test_under_load(make_broker, module):
    """Timers started and stopped on all threads, offloaded work, and reloads beneath: every instance ends in order."""
    broker, journal = start(make_broker, "t0", each="1ms", own="1ms", module=module)
    rounds, failures = (10 if SANITIZED else 30), []

    def busy(number):
        try:
            client = Client(broker).connect()
            for i in range(rounds):
                for word in ("timer/n%d/%d/%d" % (number, i % 3, i % 4), "offload/o%d" % number, "stop/n%d" % ((number + i) % 6)):
                    client.publish(word, "", 1)
                if module == "worker" and i % 5 == 0:
                    client.publish("watch", "", 1)
                    client.publish("write", "", 1)
            client.close()
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=busy, args=(number,), daemon=True) for number in range(6)]
    for one in threads:
        one.start()
    count = 0
    while any(one.is_alive() for one in threads) or count < 3:
        count += 1
        change(broker, "t%d" % count, each="1ms", own="1ms", module=module)
    for one in threads:
        one.join()
    assert not failures, failures[0]
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force"])
    broker.stop()
    assert all(ended(journal, "t%d" % i, timers=False) for i in range(count + 1))
