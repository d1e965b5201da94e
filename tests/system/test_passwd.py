# SPDX-License-Identifier: Apache-2.0
"""gatehouse-passwd(1) as a person and as a script use it. No password may ever show up in what it prints."""
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import termios
import time

import pytest

pytestmark = pytest.mark.smoke

TOOL = os.path.join(os.environ.get("GATEHOUSE_BUILDDIR", "."), "plugins/auth-file/gatehouse-passwd")
SECRET = "Ur-sieben+Zwerge.42"
OTHER = "Acht#Riesen=im%Wald.17"
MOSQUITTO = shutil.which("mosquitto_passwd")


def version():
    return subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout


needs_pwquality = pytest.mark.skipif("libpwquality, " not in version(), reason="built without libpwquality")


def run(*args, password=None, code=0):
    """Runs the tool with the password on standard input; its output, which holds no password."""
    done = subprocess.run([TOOL, *map(str, args)], input=password or "", capture_output=True, text=True, timeout=60)
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    for secret in (SECRET, OTHER, password):
        assert not secret or secret not in output
    return output


@pytest.fixture
def passwd(tmp_path):
    """A file with one user, alice."""
    path = tmp_path / "passwd"
    run("--create", "add", path, "alice", password=SECRET)
    return path


class Terminal:
    """The tool at a terminal of its own."""

    def __init__(self, *args):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(TOOL, [TOOL, *map(str, args)])

    def expect(self, text, seconds=20):
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no '{text}' in {self.seen!r}"
            self.seen += os.read(self.fd, 4096).decode()
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def wait(self):
        """All that was printed to the end, and the status."""
        while True:
            try:
                more = os.read(self.fd, 4096)
            except OSError:  # the other side is closed
                break
            if not more:
                break
            self.seen += more.decode()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        assert SECRET not in self.seen and OTHER not in self.seen
        return status


# ---- files and users -------------------------------------------------------------------------------------------------


def test_create_is_for_the_owner_alone_and_never_overwrites(passwd):
    assert stat.S_IMODE(passwd.stat().st_mode) == 0o600
    before = passwd.read_bytes()
    assert "already" in run("-c", "add", passwd, "bob", password=SECRET, code=3)
    assert passwd.read_bytes() == before
    assert "No such file" in run("add", passwd.parent / "none", "bob", password=SECRET, code=3)
    assert not (passwd.parent / "none").exists()


def test_life_of_a_user(passwd):
    run("add", passwd, "bob", "--groups", "staff|ops", "--client-id", "x-{username}", "--expires", "2031-02-03", password=OTHER)
    assert "bob\tactive\tyescrypt\tstaff|ops\tx-{username}\t2031-02-03\n" in run("list", passwd)
    run("verify", passwd, "bob", password=OTHER)
    run("verify", passwd, "bob", password=SECRET, code=1)
    run("change", passwd, "bob", password=SECRET)
    run("verify", passwd, "bob", password=SECRET)
    run("set", passwd, "bob", "--disable", "--groups", "", "--expires", "never")
    assert "bob\tdisabled\tyescrypt\t-\tx-{username}\t-\n" in run("list", passwd)
    run("set", passwd, "bob", "--enable", "-i", "")
    assert "bob\tactive\tyescrypt\t-\t-\t-\n" in run("list", passwd)
    run("delete", passwd, "bob")
    assert "bob" not in run("list", passwd)
    run("verify", passwd, "alice", password=SECRET)


def test_the_rest_of_the_file_stays(tmp_path):
    path = tmp_path / "passwd"
    run("-c", "add", path, "alice", password=SECRET)
    alice = path.read_bytes().strip()
    text = b"# a comment \n\n  " + alice + b" :groups=a \r\nnonsense\nlast" + alice[5:]
    path.write_bytes(text)
    run("add", path, "new", password=OTHER)
    run("delete", path, "new")
    assert path.read_bytes() == text + b"\n"
    run("change", path, "alice", password=OTHER)
    before, _, behind = text.partition(alice)
    now = path.read_bytes()
    assert now.startswith(before + b"alice:$y$") and now.endswith(behind + b"\n") and now != text + b"\n"


@pytest.mark.parametrize("args, code, told", [
    (["add", "FILE", "alice"], 1, "already"),
    (["change", "FILE", "eve"], 1, "no user 'eve'"),
    (["delete", "FILE", "eve"], 1, "no user 'eve'"),
    (["verify", "FILE", "eve"], 1, "no user 'eve'"),
    (["add", "FILE", ""], 2, "empty name"),
    (["add", "FILE", "a:b"], 2, "':'"),
    (["add", "FILE", "#a"], 2, "'#'"),
    (["add", "FILE", " a"], 2, "blank"),
    (["add", "FILE", "a\nb"], 2, "control character"),
    (["add", "FILE", "bob", "-e", "tomorrow"], 2, "YYYY-MM-DD"),
    (["add", "FILE", "bob", "-i", "{clientid}"], 2, "{username}"),
    (["add", "FILE", "bob", "-g", "a||b"], 2, "empty name"),
    (["add", "FILE", "bob", "-H", "md5"], 2, "yescrypt"),
    (["set", "FILE", "alice"], 2, "expected --groups"),
    (["delete", "FILE", "alice", "-g", "x"], 2, "add and set only"),
    (["change", "-c", "FILE", "alice"], 2, "add only"),
    (["change", "FILE"], 2, "change FILE USER"),
    (["frob"], 2, "expected a command"),
    ([], 2, "expected a command"),
    (["--frob"], 2, "frob"),
])
def test_what_cant_be_done_is_told(passwd, args, code, told):
    before = passwd.read_bytes()
    assert told in run(*[passwd if a == "FILE" else a for a in args], password=SECRET, code=code)
    assert passwd.read_bytes() == before


def test_an_error_in_the_file_has_its_place(passwd):
    passwd.write_text("# x\nbob: canary-in-plain-text\n")
    for command in (["check"], ["list"]):
        output = run(*command, passwd, code=3)
        assert f"{passwd}:2:6: user 'bob': found a password in plain text" in output
        assert "canary" not in output
    run("add", passwd, "eve", password=SECRET, code=3)
    assert passwd.read_text() == "# x\nbob: canary-in-plain-text\n"


def test_rights_of_others_are_taken_away(passwd):
    passwd.chmod(0o644)
    assert "0644" in run("list", passwd) and "chmod g-w,o=" in run("check", passwd)
    run("set", passwd, "alice", "-g", "a")
    assert stat.S_IMODE(passwd.stat().st_mode) == 0o640


def test_nothing_is_left_behind_and_a_link_stays_one(passwd, tmp_path):
    link = tmp_path / "link"
    link.symlink_to("passwd")
    run("add", link, "bob", password=OTHER)
    assert link.is_symlink() and "bob" in passwd.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "passwd"]


def test_many_at_once_lose_nothing(passwd):
    jobs = [subprocess.Popen([TOOL, "add", passwd, f"user{i}"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            for i in range(8)]
    for job in jobs:
        job.stdin.write(OTHER.encode())
        job.stdin.close()
    for job in jobs:
        assert job.wait(60) == 0, job.stderr.read()
        job.stderr.close()
    assert {line.split("\t")[0] for line in run("list", passwd).splitlines()[1:]} == {"alice", *(f"user{i}" for i in range(8))}


# ---- hashes and policy -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, prefix", [
    ("yescrypt", "$y$j9T$"), ("argon2id", "$argon2id$v=19$m=19456,t=2,p=1$"), ("bcrypt", "$2b$12$"),
    ("sha512crypt", "$6$rounds=200000$"),
])
def test_kinds(passwd, kind, prefix):
    run("add", "--hash", kind, passwd, "bob", password=OTHER)
    assert f"bob:{prefix}" in passwd.read_text()
    run("verify", passwd, "bob", password=OTHER)
    run("verify", passwd, "bob", password=SECRET, code=1)


@pytest.mark.parametrize("command", [["add", "FILE", "bob"], ["change", "FILE", "alice"]])
@pytest.mark.parametrize("password", ["Kurz1!", "XxaliceBOB.alicebobxX", "", "two\nlines.Of+text", "x" * 70000])
def test_poor_passwords_are_refused(passwd, command, password):
    before = passwd.read_bytes()
    run(*[passwd if a == "FILE" else a for a in command], password=password, code=4)
    assert passwd.read_bytes() == before


def test_bcrypt_never_cuts(passwd):
    assert "72 bytes" in run("change", passwd, "alice", "-H", "bcrypt", password=SECRET * 4, code=4)


def test_a_nul_is_refused(passwd):
    done = subprocess.run([TOOL, "change", passwd, "alice"], input=b"Ur-sieben\0Zwerge.42", capture_output=True, timeout=60)
    assert done.returncode == 4


@needs_pwquality
def test_policy_can_be_another(passwd, tmp_path):
    conf = tmp_path / "pwquality.conf"
    conf.write_text("minlen = 40\n")
    assert "at least 40 bytes" in run("policy", "--policy", conf)
    run("change", passwd, "alice", "--policy", conf, password=OTHER, code=4)
    run("change", passwd, "alice", "--policy", tmp_path / "none", password=OTHER, code=3)
    run("verify", passwd, "alice", password=SECRET)


@needs_pwquality
def test_a_missing_dictionary_is_told(passwd, tmp_path):
    conf = tmp_path / "pwquality.conf"
    conf.write_text("dictpath = /nowhere/dict\n")
    assert "cracklib-runtime" in run("change", passwd, "alice", "--policy", conf, password=OTHER)
    assert "cracklib-runtime" in run("policy", "--policy", conf)


def test_policy_is_told():
    assert "at least" in run("policy")


def test_a_password_on_the_command_line_only_when_asked_for(passwd):
    run("add", passwd, "bob", f"--password-on-command-line={OTHER}")
    run("verify", passwd, "bob", password=OTHER)
    run("add", passwd, "carol", OTHER, code=2)


# ---- terminal --------------------------------------------------------------------------------------------------------


def test_asks_twice_without_echo(passwd):
    terminal = Terminal("change", passwd, "alice")
    terminal.expect("New password: ")
    assert not terminal.echoes()
    terminal.type(OTHER)
    terminal.expect("Again: ")
    terminal.type(OTHER)
    assert terminal.wait() == 0
    run("verify", passwd, "alice", password=OTHER)


def test_asks_once_to_verify(passwd):
    terminal = Terminal("verify", passwd, "alice")
    terminal.expect("Password: ")
    terminal.type(SECRET)
    assert terminal.wait() == 0
    assert "right password" in terminal.seen


def test_two_that_differ_change_nothing(passwd):
    terminal = Terminal("change", passwd, "alice")
    terminal.expect("New password: ")
    terminal.type(OTHER)
    terminal.expect("Again: ")
    terminal.type(SECRET)
    assert os.waitstatus_to_exitcode(terminal.wait()) == 4
    assert "differ" in terminal.seen
    run("verify", passwd, "alice", password=SECRET)


def test_interrupt_restores_the_terminal(passwd):
    terminal = Terminal("change", passwd, "alice")
    terminal.expect("New password: ")
    assert not terminal.echoes()
    os.write(terminal.fd, b"half\x03")
    deadline = time.monotonic() + 20
    while not terminal.echoes():
        assert time.monotonic() < deadline, "the terminal still hides what is typed"
        select.select([], [], [], 0.01)
    assert os.waitstatus_to_exitcode(terminal.wait()) == -signal.SIGINT
    run("verify", passwd, "alice", password=SECRET)


def test_what_needs_no_password_is_told_before_one_is_typed(passwd):
    terminal = Terminal("add", passwd, "alice")
    assert os.waitstatus_to_exitcode(terminal.wait()) == 1
    assert "already" in terminal.seen and "password:" not in terminal.seen


# ---- mosquitto's files -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not MOSQUITTO, reason="mosquitto_passwd isn't installed")
def test_works_on_a_mosquitto_file(tmp_path):
    path = tmp_path / "mosquitto"
    subprocess.run([MOSQUITTO, "-c", "-b", path, "alice", SECRET], check=True)
    subprocess.run([MOSQUITTO, "-H", "sha512", "-b", path, "bob", OTHER], check=True)
    path.chmod(0o600)
    assert "2 users, 2 with a weak hash" in run("check", path)
    run("verify", path, "alice", password=SECRET)
    run("verify", path, "alice", password=OTHER, code=1)
    run("verify", path, "bob", password=OTHER)
    bob = path.read_text().splitlines()[1]
    run("change", path, "alice", password=OTHER)
    assert path.read_text().splitlines()[1] == bob
    assert "2 users, 1 with a weak hash" in run("check", path)
