# SPDX-License-Identifier: Apache-2.0
"""Configuration as an administrator meets it: each mistake is one line that says where, what and what was expected."""
import os
import re
import subprocess

import pytest

from gatehouse import DEADLINE, Broker, Client
from gatehouse.broker import GATEHOUSED, SOURCES, module_arguments

A = 'listeners:\n  a: { address: "127.0.0.1:1883", anonymous: yes }\n'
B = "listeners:\n  a:\n    address: 127.0.0.1:1883\n    anonymous: yes\n"

# name: file, place of the error in it, words that the error has
MISTAKES = {
    "unknown key": (B + "    athenticate: [x]\n", "5:5", ["unknown key 'athenticate'", "'authenticate'"]),
    "unknown key at the top": (A + "limit: {}\n", "3:1", ["unknown key 'limit'", "'limits'"]),
    "unknown key in limits": (A + "limits:\n  paket-size: 1k\n", "4:3", ["unknown key 'paket-size'", "'packet-size'"]),
    "unknown key in limits of a listener": (B + "    limits: { connections: 5 }\n", "5:15", ["connections"]),
    "nobody let in": ("listeners:\n  a:\n    address: 127.0.0.1:1\n", "3:5", ["'a'", "authenticate", "anonymous: yes"]),
    "no rights": ("listeners:\n  a: { address: '127.0.0.1:1', authenticate: [u] }\nplugins:\n  u: { module: auth-file, file: p }\n",
                  "2:6", ["'a'", "authorize"]),
    "empty list": ("listeners:\n  a:\n    address: 127.0.0.1:1\n    authenticate: []\n    authorize: none\n", "4:19",
                   ["empty list"]),
    "not in plugins": ("listeners:\n  a:\n    address: 127.0.0.1:1\n    authenticate: [x]\n    authorize: none\n", "4:20",
                       ["'x'", "plugins"]),
    "nothing there is like it": (B.replace("yes", "no") + "    authenticate: [anybody-else]\n    authorize: none\nplugins:\n  users: { module: auth-file, file: p }\n"
                                 "  more: { module: auth-file, file: p }\n", "5:20", ["'anybody-else'", "plugins, which has 'users', 'more'"]),
    "no plugins": (B + "    authorize: [rights]\n", "5:17", ["there is no 'rights' in plugins, which is empty"]),
    "anyone": (B + "    authorize: [anyone]\n", "5:17", ["there is no 'anyone' in plugins", "'authorize: none'"]),
    "anonymous": ("listeners:\n  a:\n    address: 127.0.0.1:1\n    authenticate: [anonymous]\n    authorize: none\n", "4:20",
                  ["there is no 'anonymous' in plugins", "'anonymous: yes'"]),
    "a class without limits": (A + "limits:\n  classes:\n    small:\n", "5:11", ["'small': expected a value", "an empty map is {}"]),
    "classes of a listener": (B + "    limits: { classes: { small: {} } }\n", "5:15", ["'classes' is of the whole broker", "'limits' at the top"]),
    "yes or no": ("listeners:\n  a:\n    address: 127.0.0.1:1\n    anonymous: maybe\n", "4:16", ["yes or no", "'maybe'"]),
    "comment for a value": ("listeners:\n  a:\n    address: 127.0.0.1:1\n    client-id: #x\n", "4:15",
                            ["expected a value", "'#' begins a comment in YAML, write '#' in quotes"]),
    "map for a value": (B + "    client-id: {username}\n", "5:25", ["expected a value", "'{' begins a map", "quotes"]),
    "alias for a value": (B + "    client-id: *x\n", "5:16", ["'*' begins an alias", "quotes"]),
    "value missing": (A + "limits:\n  packet-size:\n", "4:15", ["expected a value"]),
    "size": (A + "limits: { packet-size: 5q }\n", "3:24", ["'packet-size'", "64k", "'5q'"]),
    "size below": (A + "limits: { packet-size: 5 }\n", "3:24", ["64 to 268435460", "'5'"]),
    "size overflow": (A + "limits: { packet-size: 99999999999999999999 }\n", "3:24", ["'packet-size'", "9999'"]),
    "negative": (A + "limits: { subscriptions: -1 }\n", "3:26", ["'-1'"]),
    "duration": (A + "limits: { connect-timeout: 10 }\n", "3:28", ["duration", "10s", "'10'"]),
    "not to be unlimited": (A + "limits: { connect-timeout: unlimited }\n", "3:28", ["connect-timeout", "'unlimited'"]),
    "word": (A + "log: { level: loud }\n", "3:15", ["debug", "'loud'"]),
    "log file without a name": (A + "log: { target: file }\n", "3:", ["file"]),
    "workers": ("workers: 99\n" + A, "1:10", ["1 to 64", "'99'"]),
    "profile": ("profile: high\n" + A, "1:10", ["profile", "not checked yet"]),
    "no listener": ("workers: 2\n", "1:1", ["listeners"]),
    "empty file": ("", "1:1", ["listeners"]),
    "a list": ("- a\n- b\n", "1:1", ["expected a map"]),
    "tab": ("listeners:\n\ta: b\n", "2:1", []),
    "anchor": ('listeners:\n  a: &x { address: "127.0.0.1:1", anonymous: yes }\n', "2:6", ["anchor", "quotes"]),
    "tag": ("workers: !!int 2\n" + A, "1:10", ["tag"]),
    "twice": (B + "    anonymous: yes\n", "5:5", ["'anonymous' stands twice", "line 4"]),
    "second document": (A + "---\nworkers: 1\n", "3:1", ["second document"]),
    "not closed": ("listeners: { a: [\n", "2:1", []),
    "port": ("listeners:\n  a:\n    address: 127.0.0.1:99999\n    anonymous: yes\n", "3:14", ["127.0.0.1:99999"]),
    "include missing": ("include: [nope.yaml]\n" + A, "1:11", ["nope.yaml", "No such file"]),
    "template": (B + '    client-id: "{user}"\n', "5:16", ["{username}"]),
    "unknown module": (A + "plugins:\n  x: { module: auth-fil, file: foo }\n", "4:", ["auth-fil'", "did you mean 'auth-file'"]),
    "unknown key of a module": (A + "plugins:\n  x: { module: auth-file, fiel: foo }\n", "4:27", ["'fiel'", "'file'"]),
    "option of a module missing": (A + "plugins:\n  x: { module: auth-file }\n", "4:3", ["'file' is missing"]),
    "file of a module missing": (A + "plugins:\n  x: { module: auth-file, file: foo }\n", "4:33", ["foo", "No such file"]),
    "module in a wrong list": ("listeners:\n  a:\n    address: 127.0.0.1:1\n    authenticate: [acl]\n    authorize: none\n"
                               "plugins:\n  acl: { file: acl }\n", "4:20", ["'acl'", "authenticate"]),
}


def gatehoused(*args, **how):
    return subprocess.run([GATEHOUSED, *map(str, args)], capture_output=True, text=True, timeout=DEADLINE, **how)


def check(path, *more):
    return gatehoused("-t", "-c", path, *module_arguments(), *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("config")
    (path / "acl").write_text("* # publish allow\n")
    return path


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_one_line_that_says_where(case, folder):
    text, place, words = MISTAKES[case]
    file = folder / "gatehouse.yaml"
    file.write_text(text)
    done = check(file)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and done.stdout == "", done
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("%s:%s" % (file, place)), lines[0]
    assert re.match(r":\d+:\d+: \S", lines[0][len(str(file)):]), lines[0]
    for word in words:
        assert word in lines[0]


def test_a_mistake_in_an_included_file_names_that_file(tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/one.yaml").write_text("limits:\n  packet-size: 2k\n  will-siez: 1k\n")
    (tmp_path / "g.yaml").write_text("include: [conf.d/*.yaml]\n" + A)
    done = check(tmp_path / "g.yaml")
    assert done.returncode == 1
    assert done.stderr.startswith("%s:3:3: " % (tmp_path / "conf.d/one.yaml")) and "will-size" in done.stderr


@pytest.mark.parametrize("content, words", [
    (b"listeners:\n  a: \xff\xfe\n", []), (b"listeners:\n  a: b\0c\n", []), (b"[" * 100000, []), (b"a: " * 50000, []),
    (b"x" * (2 << 20), ["1048576"]), (b"include: [" + b"a, " * 30000 + b"a]\n", ["20000"]),
], ids=["not UTF-8", "NUL", "deep", "deep maps", "long", "many"])
def test_files_that_are_no_configuration(tmp_path, content, words):
    (tmp_path / "g.yaml").write_bytes(content)
    done = check(tmp_path / "g.yaml")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and len(done.stderr) < 1000, done
    assert done.stderr.startswith(str(tmp_path / "g.yaml") + ":")
    for word in words:
        assert word in done.stderr


@pytest.mark.smoke
def test_check_config_of_what_is_right_writes_and_opens_nothing(tmp_path):
    (tmp_path / "g.yaml").write_text(A + "state-directory: state\ncontrol: { socket: ctl }\nlog: { target: file, file: log }\n")
    done = check(tmp_path / "g.yaml")
    assert done.returncode == 0 and done.stderr == "" and "fine" in done.stdout
    assert sorted(os.listdir(tmp_path)) == ["g.yaml"]


@pytest.mark.smoke
def test_a_start_with_a_mistake_ends_with_1_and_the_same_line(tmp_path):
    (tmp_path / "g.yaml").write_text(MISTAKES["size"][0])
    done = gatehoused("-c", tmp_path / "g.yaml")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.rstrip().endswith(check(tmp_path / "g.yaml").stderr.rstrip())


def test_what_cannot_be_had_ends_a_start_with_1(make_broker):
    first = make_broker()
    second = Broker(start=False)
    try:
        for config, words in (({"listeners": {"t": {"address": "127.0.0.1:%d" % first.port, "anonymous": True}}},
                               ["127.0.0.1:%d" % first.port, "in use"]),
                              ({"control": {"socket": first.socket}}, [first.socket, "another broker"]),
                              ({"state-directory": "/dev/null/x"}, ["/dev/null/x"]),
                              ({"log": {"target": "file", "file": "/dev/null/log"}}, ["/dev/null/log"])):
            second.write(config)
            done = gatehoused("-c", second.file)
            assert done.returncode == 1, (config, done)
            error = [line for line in done.stderr.splitlines() if " error " in line]
            assert len(error) == 1 and all(word in error[0] for word in words), done.stderr
    finally:
        second.remove()
    Client(first).connect().disconnect()


@pytest.mark.parametrize("args", [["--nonsense"], ["-p", "0"], ["-p", "65536"], ["-p", "x"], ["-c", "a", "-p", "1"], ["stray"],
                                  ["-c"]])
def test_a_wrong_command_line_ends_with_2(args):
    done = gatehoused(*args)
    assert done.returncode == 2 and "usage: gatehoused" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("file, words", [("/nonexistent/file", "No such file"), ("/", "not a regular file")])
def test_a_configuration_that_is_not_there(file, words):
    done = check(file)
    assert done.returncode == 1 and file in done.stderr and words in done.stderr


def test_version_and_help():
    assert re.match(r"gatehoused \d+\.\d+.*ABI \d+\.\d+", gatehoused("--version").stdout)
    assert "--check-config" in gatehoused("--help").stdout


# ---- --options

def options_of(text):
    """(name, default) of the tables that --options prints."""
    rows = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    return [(row[0], row[2]) for row in rows if len(row) >= 4 and re.fullmatch(r"[a-z-]+", row[0])]


def core_options():
    return gatehoused("--options", *module_arguments()).stdout.split("modules (")


def test_options_of_the_core_are_those_of_the_page():
    with open(os.path.join(SOURCES, "man/gatehouse.yaml.5")) as page:
        text = page.read()
    tables, _ = core_options()
    for name, default in options_of(tables):
        items = re.findall(r"^\.It Ic %s : .*$" % name, text, re.M)
        assert items, "no %s in gatehouse.yaml(5)" % name
        if default not in ("-", "required"):
            assert any(item.endswith("Pq " + default) for item in items), items


def test_options_of_every_module_without_configuration():
    modules = core_options()[1].split()[3:]
    assert {"acl", "auth-file"} <= set(modules)
    for module in modules:
        if module.startswith("broken") or module in ("life-later", "life-resident"):  # under another name
            continue
        done = gatehoused("--options", module, *module_arguments())
        assert done.returncode == 0 and done.stderr == "", done
        assert done.stdout.startswith(module + " ")
    assert ("rehash", "no") in options_of(gatehoused("--options", "auth-file", *module_arguments()).stdout)
    done = gatehoused("--options", "acll", *module_arguments())
    assert done.returncode == 1 and "no module 'acll'" in done.stderr and "'acl'" in done.stderr


# ---- what is shipped

def shipped(name):
    with open(os.path.join(SOURCES, "etc", name)) as file:
        return file.read()


def placed(text):
    """The file as it is shipped but for the port, and with a state of its own."""
    assert text.count("127.0.0.1:1883") == 1
    return text.replace("127.0.0.1:1883", "127.0.0.1:@PORT@") + '\nstate-directory: "@DIR@/state"\ncontrol: { socket: "@DIR@/control.sock" }\n'


@pytest.mark.smoke
def test_the_quickstart_configuration(tmp_path, make_broker):
    (tmp_path / "quickstart.yaml").write_text(shipped("quickstart.yaml"))
    assert check(tmp_path / "quickstart.yaml").returncode == 0
    broker = make_broker(placed(shipped("quickstart.yaml")))
    one = Client(broker, "one").connect()
    one.subscribe("hello/#")
    one.publish("hello/world", "hi")
    one.message("hello/world", "hi")
    one.subscribe("$SYS/#", reasons=[0x87])
    assert [line for line in broker.log() if "warning" in line and "authorize: none" in line]


PASSWORDS = {"alice": "Ur-sieben+Zwerge.42", "bob": "Acht#Riesen=im%Wald.17"}


def from_readme():
    """The three rules of README.md."""
    with open(os.path.join(SOURCES, "README.md")) as readme:
        block = re.search(r"^Write three rules[^|]*?\n\n((?:    .+\n)+)", readme.read(), re.M).group(1)
    rules = [line.strip() for line in block.splitlines()]
    assert len(rules) == 3
    return "\n".join(rules) + "\n"


def test_the_sample_configuration_with_users_and_rules_as_readme_says(make_broker):
    tool = os.path.join(os.environ.get("GATEHOUSE_BUILDDIR", SOURCES), "plugins/auth-file/gatehouse-passwd")
    broker = make_broker("", start=False)
    passwd = broker.path("passwd")
    for n, (user, password) in enumerate(PASSWORDS.items()):
        subprocess.run([tool, *(["--create"] if n == 0 else []), "add", passwd, user], input=password, text=True, check=True)
    broker.path("acl", from_readme(), mode=0o640)
    broker.write(placed(shipped("gatehouse.yaml")))
    assert check(broker.file).returncode == 0
    broker.start()
    alice = Client(broker, "one").connect(username="alice", password=PASSWORDS["alice"])
    bob = Client(broker, "two").connect(username="bob", password=PASSWORDS["bob"])
    alice.subscribe("plant/#")
    bob.publish("plant/bob/status", "up", qos=1)
    alice.message("plant/bob/status", "up")
    bob.publish("plant/alice/status", "up", qos=1, reason=0x87)
    bob.subscribe("plant/#", reasons=[0x87])
    bob.subscribe("plant/+/status")
    Client(broker).connect(reason=0x87)
    Client(broker).connect(username="alice", password=PASSWORDS["bob"], reason=0x86)


# ---- without configuration

def as_nobody():
    """A user with a home of its own, so that no directory of the system is touched."""
    if os.geteuid() != 0:
        return []
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    try:
        return words if subprocess.run(words + [GATEHOUSED, "--version"], capture_output=True).returncode == 0 else []
    except OSError:
        return []


@pytest.mark.smoke
def test_without_a_configuration_loopback_is_served_and_it_says_so(make_broker):
    broker = make_broker("", start=False, env={})
    os.chmod(broker.directory, 0o777)
    broker.env = {"HOME": broker.directory, "XDG_STATE_HOME": ""}
    broker.command = lambda: as_nobody() + [GATEHOUSED, "-p", str(broker.port)]
    broker.start(ready=r"listening on 127\.0\.0\.1:%d only: no listener configured, see gatehouse\.yaml\(5\)" % broker.port)
    Client(broker).connect().disconnect()
    listening = [line for line in broker.log() if "listening on" in line]
    assert all("127.0.0.1:" in line or "[::1]:" in line for line in listening), listening
    if any("[::1]" in line for line in listening):
        Client(("::1", broker.port)).connect().disconnect()
