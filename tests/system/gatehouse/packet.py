# SPDX-License-Identifier: Apache-2.0
"""MQTT packets to bytes and back: 3.1 (3), 3.1.1 (4), 5.0 (5). Encoding refuses nothing, so that tests can send what is wrong."""
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, \
    DISCONNECT, AUTH = range(1, 16)
NAMES = ("0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
         "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH")

# name: (identifier, kind); u1 u2 u4 numbers, v a variable byte integer, s text, b binary, p a pair of texts
PROPERTIES = {
    "payload_format": (1, "u1"), "message_expiry": (2, "u4"), "content_type": (3, "s"), "response_topic": (8, "s"),
    "correlation_data": (9, "b"), "subscription_id": (11, "v"), "session_expiry": (17, "u4"),
    "assigned_client_id": (18, "s"), "server_keep_alive": (19, "u2"), "auth_method": (21, "s"), "auth_data": (22, "b"),
    "request_problem_info": (23, "u1"), "will_delay": (24, "u4"), "request_response_info": (25, "u1"),
    "response_info": (26, "s"), "server_reference": (28, "s"), "reason_string": (31, "s"), "receive_maximum": (33, "u2"),
    "topic_alias_maximum": (34, "u2"), "topic_alias": (35, "u2"), "maximum_qos": (36, "u1"), "retain_available": (37, "u1"),
    "user_property": (38, "p"), "maximum_packet_size": (39, "u4"), "wildcard_available": (40, "u1"),
    "subscription_ids_available": (41, "u1"), "shared_available": (42, "u1"),
}
BY_ID = {number: (name, kind) for name, (number, kind) in PROPERTIES.items()}
REPEATED = ("user_property", "subscription_id")  # always lists when decoded
SIZES = {"u1": ">B", "u2": ">H", "u4": ">I"}


def varint(n):
    out = bytearray()
    while True:
        n, digit = n >> 7, n & 127
        out.append(digit | (128 if n else 0))
        if not n:
            return bytes(out)


def data(value):
    return value if isinstance(value, (bytes, bytearray)) else value.encode("utf-8")


def text(value):
    """A length and bytes."""
    value = data(value)
    return struct.pack(">H", len(value)) + value


def one_property(name, value):
    number, kind = PROPERTIES[name] if isinstance(name, str) else (name, BY_ID[name][1])
    if kind in SIZES:
        body = struct.pack(SIZES[kind], value)
    elif kind == "v":
        body = varint(value)
    elif kind == "p":
        body = text(value[0]) + text(value[1])
    else:
        body = text(value)
    return varint(number) + body


def properties(given=None):
    """From a dict (a list of values repeats one), a list of (name, value) in that order, or ready bytes without length."""
    if given is None:
        given = {}
    if isinstance(given, (bytes, bytearray)):
        return varint(len(given)) + given
    pairs = []
    for name, value in (given.items() if isinstance(given, dict) else given):
        pairs += [(name, v) for v in value] if isinstance(value, list) else [(name, value)]
    body = b"".join(one_property(name, value) for name, value in pairs)
    return varint(len(body)) + body


def packet(kind, body=b"", flags=None):
    if flags is None:
        flags = 2 if kind in (PUBREL, SUBSCRIBE, UNSUBSCRIBE) else 0
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


class Reader:
    def __init__(self, raw):
        self.raw, self.at = raw, 0

    def left(self):
        return len(self.raw) - self.at

    def take(self, n):
        assert self.left() >= n, "packet too short: %r" % self.raw[:100]
        self.at += n
        return self.raw[self.at - n:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                assert shift == 7 or byte, "variable byte integer not in its shortest form"
                return value
            assert shift < 28, "variable byte integer of five bytes"

    def binary(self):
        return self.take(self.number(2))

    def text(self):
        raw = self.binary()
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw  # topics of MQTT 3.1 clients may be anything

    def properties(self):
        out, end = {}, self.varint()
        end += self.at
        while self.at < end:
            name, kind = BY_ID[self.varint()]
            if kind in SIZES:
                value = self.number(int(kind[1]))
            elif kind == "p":
                value = (self.text(), self.text())
            else:
                value = {"v": self.varint, "s": self.text, "b": self.binary}[kind]()
            if name in REPEATED:
                out.setdefault(name, []).append(value)
            else:
                assert name not in out, "property %s twice" % name
                out[name] = value
        assert self.at == end, "properties end amidst one"
        return out


class Packet:
    """What the broker sent: `type`, `flags`, `raw` (all bytes), `size`, and by type: packet_id, reason, reasons, properties,
    session_present, topic, payload, qos, dup, retain. Whatever doesn't decode by the letter of the standard fails the test."""

    def __init__(self, version, raw, body):
        self.type, self.flags, self.raw, self.size = raw[0] >> 4, raw[0] & 15, raw, len(raw)
        self.properties = {}
        self.packet_id = None
        reader = Reader(body)
        if self.type not in (PUBLISH, PUBREL):
            assert self.flags == 0, "%s with flags %d" % (NAMES[self.type], self.flags)
        decode = {CONNACK: self._connack, PUBLISH: self._publish, SUBACK: self._suback, UNSUBACK: self._unsuback,
                  PINGRESP: self._nothing, DISCONNECT: self._end, AUTH: self._end}.get(self.type, self._ack)
        decode(version, reader)
        assert reader.left() == 0, "%d bytes too many: %r" % (reader.left(), raw[:100])

    def _nothing(self, version, reader):
        pass

    def _connack(self, version, reader):
        flags = reader.number(1)
        assert flags in (0, 1)
        self.session_present = bool(flags)
        self.reason = reader.number(1)
        if version == 5:
            self.properties = reader.properties()

    def _publish(self, version, reader):
        self.dup, self.qos, self.retain = bool(self.flags & 8), self.flags >> 1 & 3, bool(self.flags & 1)
        assert self.qos < 3
        self.topic = reader.text()
        if self.qos:
            self.packet_id = reader.number(2)
            assert self.packet_id
        if version == 5:
            self.properties = reader.properties()
        self.payload = reader.take(reader.left())

    def _ack(self, version, reader):
        assert self.type in (PUBACK, PUBREC, PUBREL, PUBCOMP), "the broker sent %s" % NAMES[self.type]
        assert self.flags == (2 if self.type == PUBREL else 0)
        self.packet_id = reader.number(2)
        self.reason = reader.number(1) if version == 5 and reader.left() else 0
        if version == 5 and reader.left():
            self.properties = reader.properties()

    def _suback(self, version, reader):
        self.packet_id = reader.number(2)
        if version == 5:
            self.properties = reader.properties()
        self.reasons = list(reader.take(reader.left()))

    def _unsuback(self, version, reader):
        self._suback(version, reader)
        assert version == 5 or not self.reasons

    def _end(self, version, reader):
        assert version == 5, "%s to an older client" % NAMES[self.type]
        self.reason = reader.number(1) if reader.left() else 0
        if reader.left():
            self.properties = reader.properties()

    def __repr__(self):
        seen = {k: v for k, v in vars(self).items() if k not in ("raw", "type", "flags") and v not in (None, {}, [])}
        if len(seen.get("payload", b"")) > 60:
            seen["payload"] = seen["payload"][:60] + b"..."
        return "%s(%s)" % (NAMES[self.type], ", ".join("%s=%r" % kv for kv in seen.items()))
