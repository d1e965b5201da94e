# SPDX-License-Identifier: Apache-2.0
"""Commands of modules, export and forget: rows, errors, later answers, secrets, and who is told of them."""
import json
import os
import pty
import re
import signal
import socket
import subprocess
import termios
import time

import pytest

from gatehouse import DEADLINE, Broker
from gatehouse.broker import GATEHOUSECTL, GATEHOUSED, SANITIZED
from gatehouse.probe import Journal, eventually, needs_modules, probe

pytestmark = [needs_modules, pytest.mark.threads]

LONG = 8000 if SANITIZED else 2000  # ms: for what is to be seen before it ends
CANARY = "canary-7Qx2-secret"
PLUGINS = {"clerk": {"keeps": ["pump-1", "joe"]}, "probe": probe(file="probe.jsonl", events=["admin"]),
           "archive": {"module": "clerk-blocking", "keeps": ["pump-1", "joe"]}}
both = pytest.mark.parametrize("instance", ["clerk", "archive"])


@pytest.fixture(scope="module")
def broker():
    with Broker({"plugins": PLUGINS, "log": {"level": "debug"}}) as one:
        yield one


def ctl(broker, *words, stdin="", code=0):
    """gatehousectl --json WORDS: its rows and what it says besides."""
    done = subprocess.run([GATEHOUSECTL, "--socket", broker.socket, "--json", *map(str, words)], input=stdin, capture_output=True,
                          text=True, timeout=DEADLINE + 40)
    assert done.returncode == code, done
    return json.loads(done.stdout) if done.stdout else None, done.stderr


def waiting(broker, *words):
    return subprocess.Popen([GATEHOUSECTL, "--socket", broker.socket, "--json", *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def pending(broker, instance):
    return sum(row["pending"] for row in broker.ctl("plugins") if row["instance"] == instance)


# ---- which there are

@both
def test_without_a_command_they_are_listed(broker, instance):
    rows, _ = ctl(broker, instance)
    assert rows == ctl(broker, instance, "help")[0]
    assert {"command": "later twice", "arguments": "MS WORD", "help": "says it twice"} in rows and len(rows) == 10
    table = broker.run_ctl(instance)
    assert table.returncode == 0 and re.search(r"^user add +NAME +tells its secret", table.stdout, re.M), table


@pytest.mark.parametrize("words", [["nonsense"], ["ech"], ["echo x"], ["user"], ["user", "remove"], [""]])
def test_a_wrong_command_tells_which_are_right(broker, words):
    done = broker.run_ctl("clerk", *words)
    assert done.returncode == 2 and done.stdout == "" and "clerk: no command '%s'" % words[0] in done.stderr
    assert re.search(r"^echo +WORD... +each word", done.stderr, re.M), done.stderr


def test_no_commands_and_no_instance(broker):
    for words, said in ((["probe"], "its module has no commands"), (["probe", "echo"], "its module has no commands"),
                        (["nobody", "echo"], "no such command")):
        done = broker.run_ctl(*words)
        assert done.returncode == 2 and said in done.stderr and done.stdout == "", done


def test_names_of_the_brokers_own_commands_are_taken():
    """Every word that gatehousectl says is its own can't be the name of an instance."""
    said = subprocess.run([GATEHOUSECTL, "--help"], capture_output=True, text=True).stdout
    words = set(re.findall(r"^  ([a-z]+)", said, re.M)) | {"plugin", "help"}
    assert {"status", "export", "forget", "explain"} <= words
    broker = Broker(start=False)
    try:
        for word in words:
            broker.write({"plugins": {word: {"module": "clerk"}}})
            done = subprocess.run(broker.command() + ["-t"], capture_output=True, text=True)
            assert done.returncode != 0 and re.search(r"gatehouse.yaml:\d+:\d+: no plugin can be named '%s'" % word, done.stderr), done
    finally:
        broker.remove()


# ---- rows and errors

@both
def test_rows(broker, instance):
    words = ["a", "", "two words", "ü", "\x1b[31m\n\t\"\\\u202e", "-x"]
    rows, said = ctl(broker, instance, "echo", "--", *words)
    assert said == "" and rows == [{"number": str(n + 1), "word": word} for n, word in enumerate(words)]
    assert list(rows[0]) == ["number", "word"]
    table = broker.run_ctl(instance, "echo", "--", *words).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]", table) and len(table.splitlines()) == 1 + len(words)
    assert ctl(broker, instance, "echo")[0] == []


def test_bytes_that_are_no_text(broker):
    done = subprocess.run([GATEHOUSECTL, "--socket", broker.socket, "--json", b"clerk", b"echo", b"a\xff\xfeb"], capture_output=True)
    assert done.returncode == 0 and json.loads(done.stdout)[0]["word"] == "a\ufffd\ufffdb"


@both
@pytest.mark.parametrize("words, code, said", [
    (["-4", "the disk is full"], 1, "the disk is full"), (["-4"], 1, "it failed and gives no reason"),
    (["-2", "no user 'joe'"], 4, "no user 'joe'"), (["-2"], 4, "there is no such thing"), (["-3"], 1, "too busy"),
    (["-1", "a name is wanted"], 2, "a name is wanted"), (["7"], 1, "no result"), (["1"], 1, "without a ticket"),
    (["0", "it said so"], 0, ""), (["-4", "\x1b[2J\nroot: fine"], 1, "\\x1b[2J\\nroot: fine")])
def test_errors(broker, instance, words, code, said):
    got = ctl(broker, instance, "fail", "--", *words, code=code)[1]
    assert said in got and len(got.splitlines()) == (code != 0), got


def test_wrong_arguments_tell_the_usage(broker):
    assert "usage: gatehousectl clerk later twice MS WORD" in ctl(broker, "clerk", "later", "twice", code=2)[1]


@both
def test_too_much_is_cut(broker, instance):
    rows, said = ctl(broker, instance, "flood", code=1)
    assert "16 MiB" in said and 15000 < len(rows) < 17000 and len(set(row["line"] for row in rows)) == 1
    assert ctl(broker, instance, "echo", "x")[0]


# ---- later

@both
def test_later_and_twice(broker, instance):
    assert ctl(broker, instance, "later", 50, "x")[0] == [{"word": "x"}]
    assert ctl(broker, instance, "later", 0, "y")[0] == [{"word": "y"}]
    before = broker.metric("gatehouse_tickets_ignored_total")
    assert ctl(broker, instance, "later", "twice", 20, "z")[0] == [{"word": "z"}]
    eventually(lambda: broker.metric("gatehouse_tickets_ignored_total") > before)
    many = [waiting(broker, instance, "later", n, n) for n in range(20)]
    assert [json.loads(one.communicate(timeout=DEADLINE)[0]) for one in many] == [[{"word": str(n)}] for n in range(20)]


@both
def test_who_waits_is_told_and_who_has_gone_is_not(broker, instance):
    one, other = waiting(broker, instance, "never"), waiting(broker, instance, "never")
    eventually(lambda: pending(broker, instance) == 2)
    one.kill()
    one.communicate()
    eventually(lambda: pending(broker, instance) == 1)
    assert ctl(broker, instance, "release")[0] == [{"held": "2", "heard": "1"}]
    assert json.loads(other.communicate(timeout=DEADLINE)[0]) == [{"word": "released"}] and other.returncode == 0
    assert pending(broker, instance) == 0


def request(*words):
    body = b"".join(word.encode() + b"\0" for word in words)
    return b"%d:%s" % (len(body), body)


def test_who_says_no_more_still_reads(broker):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(DEADLINE)
        one.connect(broker.socket)
        one.sendall(request("clerk", "later", "300", "x"))
        one.shutdown(socket.SHUT_WR)
        assert json.loads(one.makefile().read()) == {"ok": True, "rows": [{"word": "x"}]}


def test_a_module_that_sleeps_holds_up_nobody(broker):
    asleep = waiting(broker, "archive", "nap", LONG)
    eventually(lambda: pending(broker, "archive") == 1)
    queued = waiting(broker, "archive", "echo", "x")
    eventually(lambda: pending(broker, "archive") == 2)
    began = time.monotonic()
    assert ctl(broker, "clerk", "echo", "x")[0] and broker.ctl("status")
    assert asleep.poll() is None and queued.poll() is None and time.monotonic() - began < LONG / 1000
    assert json.loads(asleep.communicate(timeout=DEADLINE)[0]) == [{"local": "yes"}]  # on a thread of the instance
    assert json.loads(queued.communicate(timeout=DEADLINE)[0])
    assert ctl(broker, "clerk", "nap", 0)[0] == [{"local": "no"}]  # on the control thread


@pytest.mark.long
@both
def test_no_answer_in_time(broker, instance):
    began = time.monotonic()
    said = ctl(broker, instance, "never", code=1)[1]
    assert "no answer in time" in said and 29 < time.monotonic() - began < 35
    assert ctl(broker, instance, "release")[0] == [{"held": "1", "heard": "0"}]


@both
def test_a_reload_lets_it_come_to_its_end(make_broker, instance):
    """What was begun is ended by the old instance, which stays as long; new commands go to the new one."""
    broker = make_broker({"plugins": PLUGINS})
    one = waiting(broker, instance, "later", LONG, "old")
    eventually(lambda: pending(broker, instance) == 1)
    broker.reload()
    assert [row["state"] for row in broker.ctl("plugins") if row["instance"] == instance] == ["in force", "draining"]
    assert ctl(broker, instance, "release")[0] == [{"held": "0", "heard": "0"}]
    assert json.loads(one.communicate(timeout=DEADLINE)[0]) == [{"word": "old"}]
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force"] * 3)


@both
def test_the_end_waits_for_no_answer(make_broker, instance):
    broker = make_broker({"plugins": PLUGINS})
    waits = [waiting(broker, instance, "never"), waiting(broker, instance, "later", LONG, "x"), waiting(broker, "export", "client", "a")]
    eventually(lambda: pending(broker, instance) == 2)
    broker.stop()
    for one in waits:
        one.communicate(timeout=DEADLINE)


# ---- secrets

def nowhere(broker, secret):
    for line in broker.log():
        assert secret not in line, line
    for root, _, names in os.walk(broker.directory):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    assert secret.encode() not in file.read(), path


@both
def test_a_secret_by_a_pipe(broker, instance):
    for given, got in ((CANARY + "\n", CANARY), (CANARY, CANARY), (CANARY + "\nmore\n", CANARY), ("x" * 65535, "x" * 65535), (" ü ", " ü ")):
        assert ctl(broker, instance, "user", "add", "joe", stdin=given)[0] == [{"user": "joe", "secret": got}]
    for given, said in (("", "empty"), ("\n", "empty"), ("x" * 65536, "too long")):
        mark = broker.mark()
        assert said in ctl(broker, instance, "user", "add", "joe", stdin=given, code=2)[1]
        assert not [line for line in broker.log()[mark:] if "control command" in line]  # nothing has been done
    nowhere(broker, CANARY)


def test_nobody_is_told_the_secret(broker):
    name = "teller-%d" % time.monotonic_ns()
    ctl(broker, "clerk", "user", "add", name, stdin=CANARY)
    journal = Journal(broker)
    found = journal.wait(kind="admin", text="clerk user add " + name)
    assert len(found) == 1
    broker.wait_log(r"control command.*clerk user add " + name)
    nowhere(broker, CANARY)


def on_terminal(broker, *words):
    """gatehousectl on a terminal of its own: its pid and the terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(GATEHOUSECTL, [GATEHOUSECTL, "--socket", broker.socket, *words])
    return pid, fd


def read_until(fd, text):
    got, end = "", time.monotonic() + DEADLINE
    while text not in got and time.monotonic() < end:
        try:
            got += os.read(fd, 4096).decode()
        except OSError:
            break
    return got


def test_a_secret_on_the_terminal_is_not_shown(broker):
    pid, fd = on_terminal(broker, "clerk", "user", "add", "joe")
    try:
        assert "Secret: " in read_until(fd, "Secret: ")
        assert not termios.tcgetattr(fd)[3] & termios.ECHO
        os.write(fd, b"not-shown\n")
        shown = read_until(fd, "joe  ")
        assert shown.count("not-shown") <= 1, shown  # the row of the test module, no echo
        assert re.search(r"joe +not-shown", shown + read_until(fd, "\n\n")), shown
    finally:
        os.close(fd)
        assert os.waitpid(pid, 0)[1] == 0


def test_an_interrupted_question_gives_the_terminal_back(broker):
    pid, fd = on_terminal(broker, "clerk", "user", "add", "joe")
    read_until(fd, "Secret: ")
    assert not termios.tcgetattr(fd)[3] & termios.ECHO
    os.kill(pid, signal.SIGTERM)
    status = os.waitpid(pid, os.WUNTRACED)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM
    os.close(fd)


# ---- who is told

@both
def test_what_changes_something_is_told(broker, instance):
    journal, mark = Journal(broker), broker.mark()
    ctl(broker, instance, "echo", "untold")
    ctl(broker, instance, "write", "told", mark)
    found = journal.wait(kind="admin", text="%s write told %d" % (instance, mark))
    assert found[0]["username"] == "uid %d" % os.geteuid(), found
    broker.wait_log("control command.*write told %d" % mark, after=mark)
    assert not [line for line in broker.log()[mark:] if "untold" in line] and not journal.events(text=instance + " echo untold")


# ---- export, forget

def kept(instance, name, kind, **more):
    return dict({"instance": instance, "kept": name, "by": instance, "kind": kind}, **more)


def test_export_and_forget(make_broker):
    broker = make_broker({"plugins": PLUGINS})
    everybody = ("clerk", "archive")
    assert ctl(broker, "export", "client", "nobody")[0] == []
    rows = ctl(broker, "export", "client", "pump-1")[0]
    assert rows == [kept(one, "pump-1", "client") for one in everybody] and list(rows[0])[0] == "instance"
    assert ctl(broker, "export", "principal", "joe")[0] == [kept(one, "joe", "principal") for one in everybody]
    table = broker.run_ctl("export", "client", "pump-1")
    assert table.returncode == 0 and [line.split()[0] for line in table.stdout.splitlines()] == ["instance", *everybody]
    mark = broker.mark()
    assert ctl(broker, "forget", "client", "pump-1")[0] == [kept(one, "pump-1", "client") for one in everybody]
    assert ctl(broker, "export", "client", "pump-1")[0] == [] and ctl(broker, "export", "principal", "joe")[0]
    Journal(broker).wait(kind="admin", text="forget client pump-1")
    broker.wait_log("control command.*forget client pump-1", after=mark)
    assert not [line for line in broker.log() if "export" in line]


@pytest.mark.parametrize("words", [["export"], ["export", "client"], ["export", "dog", "x"], ["forget", "client", ""], ["forget", "client", "a", "b"],
                                   ["forget", "principal"]])
def test_subjects_that_are_none(broker, words):
    done = broker.run_ctl(*words)
    assert done.returncode == 2 and done.stderr and not done.stdout, done


def test_all_are_asked_even_if_one_fails(make_broker):
    plugins = {"first": {"module": "clerk", "keeps": ["x"], "subject": "later"}, "second": {"module": "clerk", "keeps": ["x"], "subject": "fail"},
               "third": {"module": "clerk-blocking", "keeps": ["x"], "subject": "fail"}, "mute": probe(),
               "fourth": {"module": "clerk-blocking", "keeps": ["x"], "subject": "later"}}
    broker = make_broker({"plugins": plugins})
    rows, said = ctl(broker, "forget", "client", "x", code=1)
    assert said == "gatehousectl: second: the archive is closed; third: the archive is closed\n"
    assert rows == [kept("first", "x", "client"), {"instance": "first", "word": "later"}, kept("second", "x", "client"),
                    kept("third", "x", "client"), kept("fourth", "x", "client"), {"instance": "fourth", "word": "later"}]
    table = broker.run_ctl("export", "client", "x")
    assert table.returncode == 1 and "second: the archive is closed" in table.stderr and "later" in table.stdout


@pytest.mark.long
def test_who_never_answers_is_named(make_broker):
    broker = make_broker({"plugins": {"mute": {"module": "clerk", "subject": "never"}, "clerk": {"keeps": ["x"]}}})
    rows, said = ctl(broker, "export", "client", "x", code=1)
    assert rows == [kept("clerk", "x", "client")] and said == "gatehousectl: mute: no answer in time\n"
    assert ctl(broker, "mute", "release")[0] == [{"held": "1", "heard": "0"}]


@pytest.mark.threads
@pytest.mark.parametrize("module", ["clerk", "clerk-blocking"])
def test_about_a_subject_once(make_broker, module):
    """An answer about a client that comes twice, or when nobody waits any more, is ignored."""
    broker = make_broker({"plugins": {"slow": {"module": module, "keeps": ["x"], "subject": "never"}, "quick": {"module": module}}})
    gone = waiting(broker, "export", "client", "x")
    eventually(lambda: pending(broker, "slow") == 1)
    gone.kill()
    gone.communicate()
    eventually(lambda: pending(broker, "slow") == 0)
    assert ctl(broker, "slow", "release")[0] == [{"held": "1", "heard": "0"}]
    for verb in ("export", "forget"):
        one = waiting(broker, verb, "client", "x")
        eventually(lambda: pending(broker, "slow") == 1)
        assert ctl(broker, "slow", "release", "keep")[0] == [{"held": "1", "heard": "1"}]
        told = json.loads(one.communicate(timeout=DEADLINE)[0])
        assert one.returncode == 0 and told == [kept("slow", "x", "client"), {"instance": "slow", "word": "released"}]
        assert ctl(broker, "slow", "release")[0] == [{"held": "1", "heard": "0"}]
    assert pending(broker, "slow") == 0 and broker.ctl("status")


@pytest.mark.threads
@pytest.mark.parametrize("module", ["clerk", "clerk-blocking"])
def test_a_subject_at_unload(make_broker, module):
    """Who is to be replaced still says what it has kept; for that long it stays, and the next request goes to its successor."""
    plugins = {"slow": {"module": module, "keeps": ["x"], "subject": "later", "delay": "%dms" % LONG}, "quick": {"module": module, "keeps": ["x"]}}
    broker = make_broker({"plugins": plugins})
    one = waiting(broker, "forget", "client", "x")
    eventually(lambda: pending(broker, "slow") == 1)
    plugins["slow"] = {"module": module}
    broker.write({"plugins": plugins})
    broker.reload()
    assert sorted(row["state"] for row in broker.ctl("plugins") if row["instance"] == "slow") == ["draining", "in force"]
    assert ctl(broker, "export", "client", "x")[0] == [kept("quick", "x", "client")]
    told = json.loads(one.communicate(timeout=DEADLINE)[0])
    assert one.returncode == 0 and told == [kept("slow", "x", "client"), {"instance": "slow", "word": "later"}, kept("quick", "x", "client")]
    eventually(lambda: sorted(row["state"] for row in broker.ctl("plugins")) == ["in force"] * 2)


@pytest.mark.parametrize("module", ["clerk", "clerk-blocking"])
def test_a_subject_that_is_open_at_the_end(make_broker, module):
    """Who asked isn't told that it was done; the broker ends in time."""
    broker = make_broker({"plugins": {"slow": {"module": module, "keeps": ["x"], "subject": "never"}}})
    one = waiting(broker, "forget", "client", "x")
    eventually(lambda: pending(broker, "slow") == 1)
    began = time.monotonic()
    broker.stop()
    out, err = one.communicate(timeout=DEADLINE)
    assert one.returncode != 0 and not out and err, (out, err)
    assert time.monotonic() - began < DEADLINE


# ---- hostile

@pytest.mark.parametrize("raw", [b"5+:clerk", b"6+1:clerk\0", b"6+65536:clerk\0", b"6+18446744073709551615:clerk\0x", b"+1:", b"6+-1:clerk\0"])
def test_hostile_secrets(broker, raw):
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(DEADLINE)
        one.connect(broker.socket)
        one.sendall(raw)
        one.shutdown(socket.SHUT_WR)
        got = one.makefile().read()
    assert not got or json.loads(got)["ok"] is False
    assert broker.ctl("status")


def test_a_secret_that_nobody_wanted(broker):
    for words in (("status",), ("clerk", "echo", "x")):
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(DEADLINE)
            one.connect(broker.socket)
            one.sendall(request(*words).replace(b":", b"+%d:" % len(CANARY), 1) + CANARY.encode())
            got = one.makefile().read()
        assert json.loads(got)["ok"] is True and CANARY not in got
    nowhere(broker, CANARY)


def test_it_can_be_loaded_with_what_it_is_called():
    """-t makes no difference between a module with hooks and one with commands alone."""
    broker = Broker({"plugins": {"clerk": {}, "clerk-blocking": {}}}, start=False)
    try:
        done = subprocess.run([GATEHOUSED, "-t"] + broker.command()[1:], capture_output=True, text=True)
        assert done.returncode == 0 and "warning" not in done.stderr, done
    finally:
        broker.remove()
