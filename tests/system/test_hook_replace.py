# SPDX-License-Identifier: Apache-2.0
"""A module is replaced under load, again and again, with questions open each time: nothing is lost, doubled or out of order."""
import json
import os
import shutil
import subprocess

import pytest

from gatehouse import PUBACK
from gatehouse.broker import BUILD, DEADLINE, GATEHOUSED, MODULES, SANITIZED, Broker
from gatehouse.probe import eventually, needs_modules, probe, rule

pytestmark = needs_modules
MQBENCH = os.environ.get("MQBENCH", os.path.join(BUILD, "tests/bench/mqbench"))
RIGHTS = {"authorize": ["probe"]}
SLOW = rule("authorize", action="publish", topic="slow", how="later", delay="1500ms" if SANITIZED else "700ms")


@pytest.fixture
def served(tmp_path):
    """A broker whose module answers at once, but on the topic "slow"; and its module directory."""
    path = tmp_path / "modules"
    path.mkdir(mode=0o755)
    path.chmod(0o755)
    shutil.copy(os.path.join(MODULES, "probe.so"), path)
    broker = Broker({"plugins": {"probe": probe(SLOW, rule("authorize", covers=True))}}, start=False, listener=RIGHTS)
    broker.command = lambda: [GATEHOUSED, "-c", broker.file, "--plugin-directory", str(path)]
    broker.start()
    broker.modules = path
    try:
        yield broker
        broker.stop()
    finally:
        broker.remove()


def mapped(broker):
    with open("/proc/%d/maps" % broker.pid) as maps:
        return {line.split()[4] for line in maps if "probe.so" in line}


def load(broker, qos, seconds, clients):
    """Publisher N to subscriber N, each with 16 messages under way at most. It checks what arrives, and fails otherwise."""
    words = [MQBENCH, "pairs", "--json", "--port", broker.port, "--qos", qos, "--publishers", clients, "--window", 16, "--seconds", seconds,
             "--warmup", 0, "--timeout", 4 * DEADLINE]
    return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process):
    out, err = process.communicate(timeout=20 * DEADLINE)
    assert process.returncode == 0, out + err
    return json.loads(out)


def ask_slowly(broker, client):
    """A question that is open when this returns, and for a moment more."""
    def is_open():
        if broker.metric("gatehouse_plugin_pending", instance="probe") > 0:
            return True
        client.expect(PUBACK, packet_id=1, reason=0x10)  # it was over before we looked
        client.send(client.publish_packet("slow", "x", 1, packet_id=1))
        return False

    client.send(client.publish_packet("slow", "x", 1, packet_id=1))
    eventually(is_open)


def replace(broker, client):
    """A new file in the place of the old one, while a question to the old one is open; whichever instance answers it."""
    shutil.copy(broker.modules / "probe.so", broker.modules / "new")
    os.rename(broker.modules / "new", broker.modules / "probe.so")
    ask_slowly(broker, client)
    broker.ctl("plugin", "replace", "probe")
    client.expect(PUBACK, packet_id=1, reason=0x10)


def run(broker, connect, qos, clients, times):
    """Replaces it so many times, all of them while the load runs; what the runs of the load say."""
    client, runs = connect(to=broker), []
    seconds = 2 if times < 10 else 20
    generator = load(broker, qos, seconds, clients)
    for _ in range(times):
        if generator.poll() is not None:
            runs.append(result(generator))
            generator = load(broker, qos, seconds, clients)
        replace(broker, client)
    return runs + [result(generator)]


def is_clean(broker):
    """One instance, one file: the one that is there now."""
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force"])
    eventually(lambda: mapped(broker) == {str(os.stat(broker.modules / "probe.so").st_ino)})


@pytest.mark.threads
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_replaced_under_load(served, connect, qos):
    assert sum(one["received"] for one in run(served, connect, qos, 10, 5)) > 0
    is_clean(served)


@pytest.mark.long
def test_replaced_200_times(served, connect):
    """100 publishers and 100 subscribers for each QoS; memory stays where it was after the first replacements."""
    run(served, connect, 1, 100, 20)
    is_clean(served)
    before = served.memory()
    for qos, times in ((0, 67), (1, 67), (2, 66)):
        for one in run(served, connect, qos, 100, times):
            print("QoS %d: %d messages, %d a second" % (qos, one["received"], one["received_per_s"]))
    is_clean(served)
    grown = served.memory() - before
    print("memory: %+d KiB" % (grown // 1024))
    assert SANITIZED or grown < 8 << 20
