# SPDX-License-Identifier: Apache-2.0
"""A broker that makes one mistake on demand; mqbench has to notice each of them."""

import json
import selectors
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

CONNECT, PUBLISH, PUBACK, SUBSCRIBE = 1, 3, 4, 8
CONNACK_OK, CONNACK_REFUSED = b"\x20\x02\x00\x00", b"\x20\x02\x00\x05"
# The message that goes wrong. The windows of the runs below are larger than what a mistake takes away.
WRONG = 40


def packets(buffer):
    """Cuts whole packets off the front of a bytearray: (first byte, body, the packet as it came)."""
    while len(buffer) >= 2:
        length, used = 0, 1
        while True:
            if used == len(buffer):
                return
            length |= (buffer[used] & 0x7F) << 7 * (used - 1)
            used += 1
            if not buffer[used - 1] & 0x80:
                break
        if len(buffer) < used + length:
            return
        whole = bytes(buffer[: used + length])
        del buffer[: used + length]
        yield whole[0], whole[used:], whole


class Faulty:
    """Serves exact filters at QoS 0 (and acknowledges QoS 1 publishers) until stopped."""

    def __init__(self, fault):
        self.fault = fault
        self.count = 0
        self.held = None
        self.subscribers = {}
        self.buffers = {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.ended, self.end = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.selector.register(self.ended, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.close()
        self.thread.join()
        for one in (*self.buffers, self.listener, self.ended):
            one.close()

    def serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.ended:
                    return
                if key.fileobj is self.listener:
                    client, _ = self.listener.accept()
                    self.buffers[client] = bytearray()
                    self.selector.register(client, selectors.EVENT_READ)
                else:
                    self.read_or_forget(key.fileobj)

    def read_or_forget(self, client):
        """mqbench resets its connections when it has seen enough, while something is sent to them."""
        try:
            self.read(client)
        except ConnectionError:
            pass

    def read(self, client):
        data = client.recv(65536)
        if not data:
            self.selector.unregister(client)
            return
        self.buffers[client] += data
        for first, body, whole in packets(self.buffers[client]):
            self.packet(client, first, body, whole)

    def packet(self, client, first, body, whole):
        if first >> 4 == CONNECT:
            client.sendall(CONNACK_REFUSED if self.fault == "refuse" else CONNACK_OK)
        elif first >> 4 == SUBSCRIBE:
            self.subscribe(client, body)
        elif first >> 4 == PUBLISH:
            self.publish(client, first, body, whole)

    def subscribe(self, client, body):
        length = int.from_bytes(body[2:4], "big")
        self.subscribers.setdefault(body[4 : 4 + length], []).append(client)
        client.sendall(b"\x90\x03" + body[:2] + (b"\x80" if self.fault == "deny" else b"\x00"))

    def publish(self, client, first, body, whole):
        length = int.from_bytes(body[:2], "big")
        topic = body[2 : 2 + length]
        if first & 0x06:
            packet_id = body[2 + length : 4 + length]
            whole = bytes([0x30, len(body) - 2]) + body[: 2 + length] + body[4 + length :]
            if not (self.fault == "silent" and self.count == WRONG):
                client.sendall(bytes([PUBACK << 4, 2]) + packet_id)
        receivers = self.subscribers.get(topic, [])
        for message, receiver in self.spoil(whole, receivers):
            receiver.sendall(message)

    def spoil(self, whole, receivers):
        """What is sent to whom; one message in the run isn't as it should be."""
        self.count += 1
        right = [(whole, one) for one in receivers]
        if self.held:
            late, self.held = self.held, None
            return right + late
        if self.count != WRONG:
            return right
        if self.fault == "drop":
            return []
        if self.fault == "repeat":
            return right + right
        if self.fault == "swap":
            self.held = right
            return []
        if self.fault == "misroute":
            return [(whole, one) for group in self.subscribers.values() for one in group]
        if self.fault == "shorten":
            return [(bytes([whole[0], whole[1] - 1]) + whole[2:-1], one) for one in receivers]
        if self.fault == "malform":
            return [(b"\x30\xff\xff\xff\xff\x01", one) for one in receivers]
        return right


ONE = "pairs --publishers 1 --window 4"
TWO = "pairs --publishers 2 --window 4"
FAN = "fanout --subscribers 3 --window 4"
# fault, scenario, exit status, word of the reason
CASES = (
    (None, ONE, 0, None),
    (None, TWO, 0, None),
    (None, FAN, 0, None),
    (None, ONE + " --qos 1", 0, None),
    ("drop", ONE, 1, "lost"),
    ("drop", FAN, 1, "lost"),
    ("repeat", ONE, 1, "duplicates"),
    ("repeat", FAN, 1, "duplicates"),
    ("swap", ONE, 1, "out_of_order"),
    ("swap", FAN, 1, "out_of_order"),
    ("misroute", TWO, 1, "misrouted"),
    ("shorten", ONE, 1, "misrouted"),
    ("malform", ONE, 1, "closed"),
    ("silent", ONE + " --qos 1", 1, "unacknowledged"),
    ("refuse", ONE, 2, "could connect"),
    ("deny", ONE, 2, "refused"),
)


def judge(mqbench, fault, scenario, status, reason):
    """None, or what mqbench should have said and didn't."""
    with Faulty(fault) as broker:
        command = [mqbench, *scenario.split(), "--json", "--port", str(broker.port)]
        command += ["--seconds", "0.1", "--warmup", "0", "--timeout", "10"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    said = (json.loads(done.stdout)["void"] if done.stdout else done.stderr) or ""
    if done.returncode != status or (reason or "") not in said:
        return f"exit status {done.returncode} '{said.strip()}', expected {status} '{reason}'"
    return None


def main():
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda case: judge(sys.argv[1], *case), CASES))
    for case, wrong in zip(CASES, verdicts):
        print(f"{case[0] or 'no fault'}, {case[1]}: {wrong or 'ok'}")
    return 1 if any(verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
