# SPDX-License-Identifier: Apache-2.0
"""A client that does exactly what the test says: nothing is acknowledged, answered or sent by itself."""
import collections
import itertools
import socket
import struct
import time

from .broker import DEADLINE
from .packet import (AUTH, CONNACK, CONNECT, DISCONNECT, NAMES, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL,
                     SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, Packet, data, packet, properties, text)

serial = itertools.count(1)


class Closed(AssertionError):
    """The broker ended the connection where a packet was expected."""


class Will:
    def __init__(self, topic, payload=b"", qos=0, retain=False, properties=None):
        self.topic, self.payload, self.qos, self.retain, self.properties = topic, payload, qos, retain, properties


class Client:
    """to: a Broker, a port, or an address of socket.connect(). `connack` is the answer to connect()."""

    def __init__(self, to, client_id=None, version=5):
        address = ("127.0.0.1", getattr(to, "port", to)) if not isinstance(to, (tuple, str)) else to
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.version = version
        self.client_id = "c%d" % next(serial) if client_id is None else client_id
        self.buffer, self.inbox = bytearray(), collections.deque()
        self.ids = itertools.cycle(range(1, 65536))
        self.aliases = {}
        self.connack = None

    # ---- bytes

    def send(self, *raws):
        self.socket.sendall(b"".join(raws))

    def send_packet(self, kind, body=b"", flags=None):
        self.send(packet(kind, body, flags))

    def _fill(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)
        try:
            got = self.socket.recv(1 << 18)
        except (socket.timeout, TimeoutError):
            raise TimeoutError from None
        except ConnectionResetError:
            got = b""
        if not got:
            raise Closed("connection closed by the broker")
        self.buffer += got

    def _whole(self):
        """The first packet of the buffer, taken out of it; None: not whole yet."""
        n = shift = 0
        for at in range(1, 5):
            if at >= len(self.buffer):
                return None
            n |= (self.buffer[at] & 127) << shift
            shift += 7
            if self.buffer[at] < 128:
                break
        else:
            raise AssertionError("length of five bytes")
        if len(self.buffer) < at + 1 + n:
            return None
        raw = bytes(self.buffer[:at + 1 + n])
        del self.buffer[:at + 1 + n]
        return Packet(self.version, raw, raw[at + 1:])

    def _next(self, end):
        while True:
            found = self._whole()
            if found:
                return found
            self._fill(end)

    # ---- packets in

    def recv(self, timeout=DEADLINE):
        """The next packet, whatever it is. Closed or TimeoutError otherwise."""
        if self.inbox:
            return self.inbox.popleft()
        return self._next(time.monotonic() + timeout)

    def expect(self, kind, timeout=DEADLINE, **fields):
        """The next packet, which must be of this type and have these fields."""
        try:
            got = self.recv(timeout)
        except TimeoutError:
            raise AssertionError("no %s within %g s" % (NAMES[kind], timeout)) from None
        assert got.type == kind, "expected %s, got %r" % (NAMES[kind], got)
        for name, value in fields.items():
            assert getattr(got, name) == value, "expected %s=%r in %r" % (name, value, got)
        return got

    def wait_for(self, kind, timeout=DEADLINE, **fields):
        """The first packet of this type (and packet_id=, if given), while others wait in the inbox for recv()."""
        end, kept = time.monotonic() + timeout, collections.deque()
        try:
            while True:
                try:
                    got = self.inbox.popleft() if self.inbox else self._next(end)
                except TimeoutError:
                    raise AssertionError("no %s within %g s, but %r" % (NAMES[kind], timeout, list(kept)[:20])) from None
                except Closed:
                    raise Closed("closed instead of %s, after %r" % (NAMES[kind], list(kept)[-3:])) from None
                if got.type == kind and all(getattr(got, k) == v for k, v in fields.items()):
                    return got
                kept.append(got)
        finally:
            kept.extend(self.inbox)
            self.inbox = kept

    def expect_closed(self, timeout=DEADLINE):
        """Nothing more comes but the end of the connection."""
        try:
            got = self.recv(timeout)
        except Closed:
            return
        except TimeoutError:
            raise AssertionError("still connected after %g s" % timeout) from None
        raise AssertionError("expected the end, got %r" % got)

    def expect_disconnect(self, reason=None, timeout=DEADLINE):
        """MQTT 5: DISCONNECT with this reason (a number or several), then the end; older: the end alone."""
        got = None
        if self.version == 5:
            got = self.expect(DISCONNECT, timeout)
            wanted = (got.reason,) if reason is None else (reason,) if isinstance(reason, int) else reason
            assert got.reason in wanted, "expected 0x%02x, got %r" % (wanted[0], got)
        self.expect_closed(timeout)
        return got

    # ---- the usual packets

    def connect_packet(self, clean=True, keep_alive=60, username=None, password=None, will=None, properties=None):
        flags = 2 if clean else 0
        payload = text(self.client_id)
        if will:
            flags |= 4 | will.qos << 3 | (32 if will.retain else 0)
            payload += (_properties(will.properties) if self.version == 5 else b"") + text(will.topic) + text(will.payload)
        if username is not None:
            flags, payload = flags | 128, payload + text(username)
        if password is not None:
            flags, payload = flags | 64, payload + text(password)
        name = text("MQIsdp" if self.version == 3 else "MQTT")
        head = name + struct.pack(">BBH", self.version, flags, keep_alive)
        if self.version == 5:
            head += _properties(properties)
        return packet(CONNECT, head + payload)

    def connect(self, reason=0, **how):
        """CONNECT and its CONNACK, which must have this reason (None: whichever); how: see connect_packet()."""
        self.send(self.connect_packet(**how))
        self.connack = self.expect(CONNACK)
        assert reason is None or self.connack.reason == reason, "expected 0x%02x, got %r" % (reason, self.connack)
        return self

    def next_id(self):
        return next(self.ids)

    def publish_packet(self, topic, payload=b"", qos=0, retain=False, dup=False, packet_id=None, properties=None):
        head = text(topic)
        if qos:
            head += struct.pack(">H", packet_id if packet_id is not None else self.next_id())
        if self.version == 5:
            head += _properties(properties)
        return packet(PUBLISH, head + data(payload), (8 if dup else 0) | qos << 1 | (1 if retain else 0))

    def publish(self, topic, payload=b"", qos=0, reason=None, **how):
        """Sends, and sees the whole of QoS 1 and 2 through: PUBACK or PUBREC. reason: that it must have (0x00 or 0x10 if None)."""
        packet_id = how.pop("packet_id", None) or (self.next_id() if qos else None)
        self.send(self.publish_packet(topic, payload, qos, packet_id=packet_id, **how))
        if qos == 0:
            return None
        answer = self.wait_for(PUBACK if qos == 1 else PUBREC, packet_id=packet_id)
        assert answer.reason in ((0, 0x10) if reason is None else (reason,)), answer
        if qos == 2 and answer.reason < 0x80:
            self.ack(PUBREL, packet_id)
            self.wait_for(PUBCOMP, packet_id=packet_id)
        return answer

    def ack(self, kind, packet_id, reason=None, properties=None):
        body = struct.pack(">H", packet_id)
        if reason is not None or properties is not None:
            body += bytes([reason or 0])
        if properties is not None:
            body += _properties(properties)
        self.send_packet(kind, body)

    def finish(self, message):
        """Acknowledges a PUBLISH as its QoS demands, to the end."""
        if message.qos == 1:
            self.ack(PUBACK, message.packet_id)
        elif message.qos == 2:
            self.ack(PUBREC, message.packet_id)
            self.wait_for(PUBREL, packet_id=message.packet_id)
            self.ack(PUBCOMP, message.packet_id)
        return message

    def message(self, topic=None, payload=None, timeout=DEADLINE, **fields):
        """The next PUBLISH, acknowledged; topic aliases are resolved. Given values must be right."""
        got = self.wait_for(PUBLISH, timeout)
        alias = got.properties.get("topic_alias")
        if alias:
            got.topic = self.aliases.setdefault(alias, got.topic) if not got.topic else got.topic
            self.aliases[alias] = got.topic
        self.finish(got)
        assert topic is None or got.topic == topic, "expected topic %r, got %r" % (topic, got)
        assert payload is None or got.payload == data(payload), "expected payload %r, got %r" % (payload, got)
        for name, value in fields.items():
            assert getattr(got, name) == value, "expected %s=%r in %r" % (name, value, got)
        return got

    def subscribe(self, *filters, qos=0, properties=None, packet_id=None, no_local=False, retain_as_published=False,
                  retain_handling=0, reasons=None):
        """filters: texts, or (filter, options byte). reasons: those of the SUBACK; by default each filter must be granted."""
        packet_id = packet_id or self.next_id()
        options = qos | (4 if no_local else 0) | (8 if retain_as_published else 0) | retain_handling << 4
        pairs = [f if isinstance(f, tuple) else (f, options) for f in filters]
        self.send(self.subscribe_packet(pairs, packet_id, properties))
        answer = self.wait_for(SUBACK, packet_id=packet_id)
        assert answer.reasons == ([o & 3 for _, o in pairs] if reasons is None else reasons), answer
        return answer

    def subscribe_packet(self, pairs, packet_id, properties=None, flags=None):
        head = struct.pack(">H", packet_id) + (_properties(properties) if self.version == 5 else b"")
        return packet(SUBSCRIBE, head + b"".join(text(f) + bytes([o]) for f, o in pairs), flags)

    def unsubscribe(self, *filters, properties=None, packet_id=None):
        packet_id = packet_id or self.next_id()
        head = struct.pack(">H", packet_id) + (_properties(properties) if self.version == 5 else b"")
        self.send_packet(UNSUBSCRIBE, head + b"".join(text(f) for f in filters))
        return self.wait_for(UNSUBACK, packet_id=packet_id)

    def auth(self, reason=0, properties=None):
        self.send_packet(AUTH, bytes([reason]) + _properties(properties))

    def ping(self):
        """Everything that was sent before has been read by the broker when this returns."""
        self.send_packet(PINGREQ)
        return self.wait_for(PINGRESP)

    def quiet(self):
        """Nothing has come, up to now: the answer to a ping is the next packet."""
        self.send_packet(PINGREQ)
        self.expect(PINGRESP)

    def fence(self, publisher):
        """All that came before what the publisher sends now: packets, none acknowledged. QoS 0 overtakes what waits in a full
        window's queue, nothing else; MQTT keeps the order of one publisher, across workers too."""
        name = "fence/%s/%d" % (self.client_id, next(serial))
        self.subscribe(name)
        publisher.publish(name)
        before = []
        while True:
            got = self.recv()
            if got.type == PUBLISH and name in (got.topic, self.aliases.get(got.properties.get("topic_alias"))):
                break
            if got.type == PUBLISH and got.properties.get("topic_alias") and got.topic:
                self.aliases[got.properties["topic_alias"]] = got.topic
            before.append(got)
        self.unsubscribe(name)
        return before

    def disconnect(self, reason=None, properties=None):
        """Says good-bye and waits until the broker has closed: what follows from it has begun."""
        body = b"" if reason is None and properties is None else bytes([reason or 0])
        if properties is not None:
            body += _properties(properties)
        self.send_packet(DISCONNECT, body)
        self.drain()
        self.close()

    def drain(self, timeout=DEADLINE):
        """All packets until the broker closes."""
        got, end = [], time.monotonic() + timeout
        try:
            while True:
                got.append(self.recv(max(end - time.monotonic(), 0.001)))
        except Closed:
            return got

    def close(self, timeout=DEADLINE):
        """Gone, without DISCONNECT; the broker has noticed when this returns."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
            self.socket.settimeout(timeout)
            while self.socket.recv(1 << 18):
                pass
        except OSError:
            pass
        self.socket.close()

    def drop(self):
        """Gone, and nobody waits for it."""
        self.socket.close()

    def reset(self):
        """Gone with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def neighbour(broker, client_id):
    """A client on the worker of a connected one. What its fence() has seen, the other's session has too, connected or not."""
    worker = broker.clients()[client_id]["worker"]
    while True:
        one = Client(broker).connect()
        if broker.clients()[one.client_id]["worker"] == worker:
            return one
        one.drop()


def spread(broker, connect, name, count, version=5, **how):
    """Clients, the last of which is on another worker than the first if there is one: where a client id belongs is chance."""
    made = [connect("%s-%d" % (name, n), version, **how) for n in range(count)]
    others = broker.ctl("status")["workers"] > 1
    for n in itertools.count():
        at = broker.clients()
        if not others or at[made[0].client_id]["worker"] != at[made[-1].client_id]["worker"]:
            return made
        made.pop().disconnect()
        made.append(connect("%s-other-%d" % (name, n), version, **how))


_properties = properties  # methods have an argument of that name
