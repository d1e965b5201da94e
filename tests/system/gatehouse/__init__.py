# SPDX-License-Identifier: Apache-2.0
"""What the system tests use: the broker as a process, and an MQTT client that sends and sees every byte."""
from .broker import DEADLINE, SANITIZED, WORKERS, Broker, has_module
from .client import Client, Closed, Will, neighbour, spread
from .packet import (AUTH, CONNACK, CONNECT, DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL,
                     SUBACK, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, Packet, packet, properties, text, varint)
