# SPDX-License-Identifier: Apache-2.0
"""Other people's clients: mosquitto's tools, paho in Python and C, mqtt.js. Each with the versions that it speaks."""
import json
import os
import queue
import shutil
import subprocess
import time

import pytest

from gatehouse import DEADLINE

try:
    import paho.mqtt.client as paho
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions
except ImportError:
    paho = None

NODE_MQTT = "/usr/share/nodejs/mqtt"
HERE = os.path.dirname(os.path.abspath(__file__))


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, what


def subscribed(broker, client_id):
    return broker.clients().get(client_id, {}).get("subscriptions", 0) > 0


# ---- mosquitto_pub and mosquitto_sub

needs_mosquitto = pytest.mark.skipif(not shutil.which("mosquitto_sub"), reason="no mosquitto-clients")


def mosquitto(tool, broker, version, *words):
    return [tool, "-h", "127.0.0.1", "-p", str(broker.port), "-V", version, *words]


@needs_mosquitto
@pytest.mark.smoke
@pytest.mark.parametrize("version", ["31", "311", "5"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto(broker, version, qos, name):
    """[3.1.1 MQTT-7.0.0-2]: nothing but MQTT is needed."""
    sub = subprocess.Popen(mosquitto("mosquitto_sub", broker, version, "-i", name, "-t", name + "/#", "-q", qos, "-C", "3", "-F", "%t %q %p"),
                           stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: subscribed(broker, name), "mosquitto_sub doesn't get to subscribe")
        for n in range(3):
            subprocess.run(mosquitto("mosquitto_pub", broker, version, "-t", "%s/%d" % (name, n), "-q", qos, "-m", "message %d" % n),
                           check=True, timeout=DEADLINE)
        out, _ = sub.communicate(timeout=DEADLINE)
    finally:
        sub.kill()
    assert out.splitlines() == ["%s/%d %s message %d" % (name, n, qos, n) for n in range(3)]


@needs_mosquitto
@pytest.mark.parametrize("version", ["31", "311", "5"])
def test_mosquitto_retained_and_will(broker, version, name):
    pub = mosquitto("mosquitto_pub", broker, version)
    subprocess.run(pub + ["-t", name, "-r", "-q", "1", "-m", "kept"], check=True, timeout=DEADLINE)
    will = subprocess.Popen(mosquitto("mosquitto_sub", broker, version, "-i", name + "w", "-t", "x", "--will-topic", name + "/will",
                                      "--will-payload", "gone", "--will-qos", "1"))
    wait_until(lambda: subscribed(broker, name + "w"), "mosquitto_sub doesn't get to subscribe")
    sub = subprocess.Popen(mosquitto("mosquitto_sub", broker, version, "-i", name, "-t", name + "/#", "-q", "1", "-C", "2", "-F", "%t %r %p"),
                           stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: subscribed(broker, name), "mosquitto_sub doesn't get to subscribe")
        will.kill()
        out, _ = sub.communicate(timeout=DEADLINE)
    finally:
        sub.kill()
        will.kill()
        will.wait()
    assert out.splitlines() == [name + " 1 kept", name + "/will 0 gone"]


@needs_mosquitto
def test_mosquitto_properties(broker, name):
    subprocess.run(mosquitto("mosquitto_pub", broker, "5", "-t", name, "-r", "-q", "1", "-m", "x", "-D", "publish", "content-type", "text/x",
                             "-D", "publish", "user-property", "b", "1", "-D", "publish", "user-property", "a", "2", "-D", "publish",
                             "response-topic", "to/me", "-D", "publish", "message-expiry-interval", "100"), check=True, timeout=DEADLINE)
    out = subprocess.run(mosquitto("mosquitto_sub", broker, "5", "-t", name, "-C", "1", "-F", "%C %R %P"), check=True, timeout=DEADLINE,
                         capture_output=True, text=True).stdout
    assert out == "text/x to/me b:1 a:2\n"


@needs_mosquitto
def test_mosquitto_session(broker, name):
    sub = mosquitto("mosquitto_sub", broker, "311", "-i", name, "-c", "-t", name, "-q", "1")
    subprocess.run(sub + ["-E"], check=True, timeout=DEADLINE)
    for n in range(5):
        subprocess.run(mosquitto("mosquitto_pub", broker, "311", "-t", name, "-q", "1", "-m", str(n)), check=True, timeout=DEADLINE)
    out = subprocess.run(sub + ["-C", "5"], check=True, timeout=DEADLINE, capture_output=True, text=True).stdout
    assert out.split() == list("01234")


# ---- paho in Python

needs_paho = pytest.mark.skipif(paho is None, reason="no paho.mqtt")


class Paho:
    def __init__(self, broker, client_id, version, clean=True, will=None):
        self.messages, self.events = queue.Queue(), queue.Queue()
        options = {} if version == 5 else {"clean_session": clean}
        self.client = paho.Client(client_id, protocol={3: paho.MQTTv31, 4: paho.MQTTv311, 5: paho.MQTTv5}[version], **options)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_connect = lambda client, data, flags, *rest: self.events.put(("connect", flags["session present"], rest[0]))
        self.client.on_subscribe = lambda client, data, mid, *rest: self.events.put(("subscribe", rest[0]))
        if will:
            self.client.will_set(*will)
        more = {}
        if version == 5:
            props = Properties(PacketTypes.CONNECT)
            props.SessionExpiryInterval = 60
            more = {"clean_start": clean, "properties": props}
        self.client.connect("127.0.0.1", broker.port, **more)
        self.client.loop_start()
        self.connected = self.events.get(timeout=DEADLINE)

    def subscribe(self, *args, **how):
        self.client.subscribe(*args, **how)
        return self.events.get(timeout=DEADLINE)

    def message(self):
        return self.messages.get(timeout=DEADLINE)

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()


@needs_paho
@pytest.mark.smoke
@pytest.mark.parametrize("version", [3, 4, 5])
def test_paho(broker, version, name):
    sub, pub = Paho(broker, name + "s", version), Paho(broker, name + "p", version)
    try:
        assert sub.connected[2] == 0
        sub.subscribe(name + "/#", 2)
        for n in range(60):
            pub.client.publish(name + "/topic", "%d" % n, n % 3)
        got = [sub.message() for _ in range(60)]
        assert sorted(int(m.payload) for m in got) == list(range(60))
        assert all(m.qos == int(m.payload) % 3 and m.topic == name + "/topic" for m in got)
        for qos in range(3):
            assert [int(m.payload) for m in got if m.qos == qos] == list(range(qos, 60, 3))
    finally:
        sub.end()
        pub.end()


@needs_paho
@pytest.mark.parametrize("version", [4, 5])
def test_paho_session(broker, version, name):
    sub, pub = Paho(broker, name + "s", version, clean=False), Paho(broker, name + "p", version)
    try:
        sub.subscribe(name, 1)
        sub.end()
        for n in range(10):
            pub.client.publish(name, str(n), 1).wait_for_publish()
        sub = Paho(broker, name + "s", version, clean=False)
        assert sub.connected[1] == 1
        assert [int(sub.message().payload) for _ in range(10)] == list(range(10))
    finally:
        sub.end()
        pub.end()


@needs_paho
def test_paho_5(broker, name):
    sub, pub = Paho(broker, name + "s", 5), Paho(broker, name + "p", 5)
    try:
        sub.subscribe(name, options=SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True))
        props = Properties(PacketTypes.PUBLISH)
        props.UserProperty = [("b", "1"), ("a", "2")]
        props.ContentType, props.CorrelationData = "text/x", b"\0\1"
        props.MessageExpiryInterval, props.ResponseTopic = 100, "to/me"
        sub.client.publish(name, "mine", 1)
        pub.client.publish(name, "other's", 1, retain=True, properties=props)
        got = sub.message()
        assert got.payload == b"other's" and got.retain
        assert got.properties.UserProperty == [("b", "1"), ("a", "2")] and got.properties.ContentType == "text/x"
        assert got.properties.CorrelationData == b"\0\1" and got.properties.ResponseTopic == "to/me"
        assert 90 < got.properties.MessageExpiryInterval <= 100
    finally:
        sub.end()
        pub.end()


# ---- mqtt.js

MQTT_JS = """
const mqtt = require(process.argv[1]), port = process.argv[2], version = +process.argv[3], name = process.argv[4];
const options = { protocolVersion: version, protocolId: version === 3 ? 'MQIsdp' : 'MQTT', clientId: name, reconnectPeriod: 0 };
if (version === 5) options.properties = { receiveMaximum: 5 };
const client = mqtt.connect('mqtt://127.0.0.1:' + port, options);
const got = [];
client.on('error', e => { console.error(e); process.exit(1); });
client.on('message', (topic, payload, packet) => {
  got.push([topic, payload.toString(), packet.qos, packet.properties && packet.properties.userProperties || null]);
  if (got.length === 30) client.end(false, {}, () => console.log(JSON.stringify(got)));
});
client.on('connect', () => client.subscribe(name + '/#', { qos: 2 }, () => {
  const more = version === 5 ? { properties: { userProperties: { k: 'v' } } } : {};
  for (let n = 0; n < 30; n++) client.publish(name + '/long/topic', String(n), Object.assign({ qos: n % 3 }, more));
}));
"""


@pytest.mark.skipif(not (shutil.which("node") and os.path.isdir(NODE_MQTT)), reason="no node-mqtt")
@pytest.mark.parametrize("version", [3, 4, 5])
def test_mqtt_js(broker, version, name):
    done = subprocess.run(["node", "-e", MQTT_JS, NODE_MQTT, str(broker.port), str(version), name], capture_output=True, text=True,
                          timeout=2 * DEADLINE, env=dict(os.environ, NODE_PATH=os.path.dirname(NODE_MQTT)))
    assert done.returncode == 0 and done.stdout, done.stderr
    got = json.loads(done.stdout)
    assert sorted(int(payload) for _, payload, _, _ in got) == list(range(30))
    for topic, payload, qos, user in got:
        assert topic == name + "/long/topic" and qos == int(payload) % 3
        assert user == ({"k": "v"} if version == 5 else None)
    for qos in range(3):
        assert [int(p) for _, p, q, _ in got if q == qos] == list(range(qos, 30, 3))


# ---- paho in C


@pytest.fixture(scope="module")
def paho_c(tmp_path_factory):
    compiler, program = os.environ.get("CC", "cc").split(), tmp_path_factory.mktemp("paho") / "paho"
    if not shutil.which(compiler[0]) or not os.path.exists("/usr/include/MQTTClient.h"):
        pytest.skip("no libpaho-mqtt-dev")
    subprocess.run(compiler + ["-o", str(program), os.path.join(HERE, "paho.c"), "-lpaho-mqtt3c"], check=True)
    return str(program)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_paho_c(broker, paho_c, version, name):
    done = subprocess.run([paho_c, "tcp://127.0.0.1:%d" % broker.port, str(version), name], capture_output=True, text=True,
                          timeout=2 * DEADLINE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["%s %d message %d" % (name, n % 3, n) for n in range(9)]
