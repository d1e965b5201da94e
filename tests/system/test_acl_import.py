# SPDX-License-Identifier: Apache-2.0
"""Debian's mosquitto with an acl_file by chance, and gatehouse-acl with the rules imported from it, judge alike."""
import getpass
import os
import random
import shutil
import socket
import subprocess
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from gatehouse import broker as gatehouse

TOOL = os.path.join(gatehouse.BUILD, "plugins/acl/gatehouse-acl")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

pytestmark = pytest.mark.skipif(not MOSQUITTO, reason="mosquitto is not installed")

SEEDS = [0, 1, 4, 5, 6, 7, 8]  # one file each
WHO, TOPICS = 4, 10  # reads and writes of each: 2 * WHO * TOPICS requests a file
USERS = ["anna", "bob", "joe smith", "x*"]
IDS = ["c1", "anna", "a", "c+", "x*"]
FILTERS = ["a", "a/b", "a/#", "+/b", "#", "$x/#", "a b/c", "+", "{a}/*", "read", "/a", "a/+/c", "$SYS/#"]
PATTERNS = ["a/%c", "%u/#", "%c/%u", "x%cy", "a/b", "$x/%u", "#", "%d/{%u}", "+/%c"]
NAMES = ["a", "a/b", "a/c1", "anna/x", "c1/anna", "xc1y", "$x/anna", "$x/a", "a b/c", "{a}/*", "b", "x/b", "%d/{bob}", "read",
         "a//c", "/a", "joe smith/a", "c1/b", "x/c1", "a/x*", "$SYS/a"]


def acl_file(chance):
    lines = ["# by chance", ""]
    for _ in range(12):
        if chance.random() < 0.3:
            lines.append("user %s" % chance.choice(USERS))
        word, topics = ("pattern", PATTERNS) if chance.random() < 0.3 else ("topic", FILTERS)
        access = chance.choice(["read", "write", "readwrite", "deny", "read", "write"])
        lines.append("%s %s  %s " % (word, access, chance.choice(topics)))
    # Who hears and says everything; last, so that lines before any user stay nobody's.
    lines += ["user judge", "topic readwrite #", "topic readwrite $x/#", "topic read $SYS/#"]
    return "\n".join(lines) + "\n"


@pytest.fixture
def server(tmp_path):
    """Starts a mosquitto with an acl_file; its port."""
    running = []

    def start(acl):
        port = gatehouse.free_port()
        config = tmp_path / "mosquitto.conf"
        config.write_text("listener %d 127.0.0.1\nallow_anonymous true\nsys_interval 0\nacl_file %s\nuser %s\n"
                          % (port, acl, getpass.getuser()))
        process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(process)
        deadline = time.monotonic() + gatehouse.DEADLINE
        while True:
            assert process.poll() is None, "mosquitto ended"
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return port
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    yield start
    for process in running:
        process.terminate()
        process.wait(gatehouse.DEADLINE)


class Client:
    """Notes what it is delivered. Acknowledgements come behind what was sent before them, so they tell when all is there."""

    def __init__(self, port, client_id, user=None):
        self.heard, self.acknowledged, self.event = set(), set(), threading.Condition()
        self.mqtt = mqtt.Client(client_id, protocol=mqtt.MQTTv311)
        if user:
            self.mqtt.username_pw_set(user, "")
        self.mqtt.on_message = lambda c, u, m: self.heard.add(m.topic)
        self.mqtt.on_connect = lambda c, u, f, rc: self.note(("connected", rc))
        self.mqtt.on_subscribe = lambda c, u, mid, granted: self.note(mid)
        self.mqtt.on_publish = lambda c, u, mid: self.note(mid)
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        self.wait(("connected", 0))

    def note(self, what):
        with self.event:
            self.acknowledged.add(what)
            self.event.notify_all()

    def wait(self, what):
        with self.event:
            assert self.event.wait_for(lambda: what in self.acknowledged, gatehouse.DEADLINE), what

    def subscribe(self, *filters):
        for topic in filters:
            self.wait(self.mqtt.subscribe(topic, 1)[1])

    def publish(self, topics):
        for topic in topics:
            self.wait(self.mqtt.publish(topic, "x", 1).mid)

    def end(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def measured(port, who, topics):
    """What mosquitto lets `who` read, and write."""
    client_id, user = who
    judge, client = Client(port, "judge", "judge"), Client(port, client_id, user)
    client.subscribe("#", "$x/#", "$SYS/#")
    judge.publish(t for t in topics if not t.startswith("$SYS"))
    client.subscribe("done")
    read = set(client.heard)
    judge.subscribe("#", "$x/#", "$SYS/#")
    client.publish(topics)
    judge.subscribe("done")
    written = set(judge.heard)
    client.end()
    judge.end()
    return read, written


def answered(rules, who, act, topic):
    client_id, user = who
    command = [TOOL, "test", str(rules), "--client", client_id, "--bound", act, topic]
    done = subprocess.run(command + (["--user", user] if user else []), capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0, done.stdout


@pytest.mark.parametrize("seed", SEEDS)
def test_judges_as_mosquitto_does(server, tmp_path, seed):
    chance = random.Random(seed)
    acl, rules = tmp_path / "acl_file", tmp_path / "acl"
    acl.write_text(acl_file(chance))
    rules.write_bytes(subprocess.run([TOOL, "import", str(acl)], capture_output=True, check=True, timeout=60).stdout)
    rules.chmod(0o600)
    port, verdicts = server(acl), set()
    for _ in range(WHO):
        who = chance.choice(IDS), chance.choice(USERS + [None])
        topics = chance.sample(NAMES, TOPICS)
        read, written = measured(port, who, topics)
        for topic in topics:
            for act, theirs in ("--receive", topic in read), ("--publish", topic in written):
                if topic.startswith("$SYS") and act == "--receive":
                    continue  # nobody could have published it
                ours, why = answered(rules, who, act, topic)
                verdicts.add((act, theirs))
                assert ours == theirs, "%s %s by %r: %s\n%s" % (act, topic, who, why, acl.read_text())
        for topic in "#", "$x/#":
            assert answered(rules, who, "--subscribe", topic)[0]
    assert len(verdicts) == 4  # else chance has asked for nothing, and another seed is needed
