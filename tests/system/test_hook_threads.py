# SPDX-License-Identifier: Apache-2.0
"""Under load: answers from other threads, and reloads beneath traffic."""
import collections
import itertools
import threading
import time

import pytest

from gatehouse import (CONNACK, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SANITIZED, SUBACK, Client)
from gatehouse.probe import eventually, needs_modules, probe, rule

pytestmark = [needs_modules, pytest.mark.threads]
TICKETS = 5000 if SANITIZED else 20000
PATIENCE = 300 if SANITIZED else 120


def together(work):
    """Runs them all at once; the first failure fails the test."""
    failures = []

    def run(one):
        try:
            one()
        except BaseException as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in work]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
    assert not failures, failures[0]
    assert not any(one.is_alive() for one in threads)


def test_tickets_from_another_thread(make_broker):
    """Each PUBLISH and each filter waits for a thread of the module; all are answered, each with its own verdict."""
    answers = [rule("authorize", "deny", topic="no", how="later"), rule("authorize", topic="yes", how="twice"),
               rule("authorize", "allow", how="later")]
    broker = make_broker({"plugins": {"probe": probe(*answers)}, "limits": {"hook-timeout": "1m"}}, listener={"authorize": ["probe"]})
    clients, each = [Client(broker).connect() for _ in range(20)], TICKETS // 40

    def publish(client):
        topics = ["no" if i % 3 == 0 else "yes" for i in range(each)]
        client.send(*[client.publish_packet(topic, "x", 1, packet_id=i + 1) for i, topic in enumerate(topics)])
        for i, topic in enumerate(topics):
            answer = client.expect(PUBACK, PATIENCE, packet_id=i + 1)
            assert (answer.reason == 0x87) == (topic == "no"), answer

    def subscribe(client):
        filters = ["no" if i % 7 == 0 else "s/%s/%d" % (client.client_id, i) for i in range(each)]
        client.send(client.subscribe_packet([(one, 0) for one in filters], 1))
        client.expect(SUBACK, PATIENCE, reasons=[0x87 if one == "no" else 0 for one in filters])

    work = [lambda c=c: (publish(c), subscribe(c)) for c in clients]
    together(work)
    assert broker.metric("gatehouse_plugin_answers_total", instance="probe", hook="authorize") == 20 * 2 * each
    assert broker.metric("gatehouse_plugin_timeouts_total", instance="probe") == 0
    assert broker.metric("gatehouse_plugin_pending", instance="probe") == 0
    for client in clients:
        client.quiet()
        client.close()


@pytest.mark.parametrize("tickets", [TICKETS, pytest.param(200000, marks=pytest.mark.long)])
def test_four_modules(make_broker, tickets):
    """Each PUBLISH is judged by two modules and seen by two more, all of which answer from threads of their own."""
    rights = [rule("authorize", action="subscribe", covers=True), rule("authorize", how="later")]
    plugins = {"r1": probe(*rights), "r2": probe(*rights), "m1": probe(rule("publish", "pass", how="twice")),
               "m2": probe(rule("publish", "pass", how="later", property="seen=yes"))}
    broker = make_broker({"workers": 2, "plugins": plugins, "limits": {"hook-timeout": "1m", "queue-messages": "unlimited"}},
                         listener={"authorize": [{"required": "r1"}, {"required": "r2"}], "message": ["m1", "m2"]})
    count, each = 20, tickets // (4 * 20)
    clients = [Client(broker).connect() for _ in range(count)]

    def flow(client):
        client.subscribe(client.client_id)
        for first in range(0, each, 500):
            ids = range(first + 1, min(first + 500, each) + 1)
            client.send(*[client.publish_packet(client.client_id, str(i), 1, packet_id=i) for i in ids])
            acks = [client.wait_for(PUBACK, PATIENCE).packet_id for _ in ids]
            assert acks == list(ids)
            for i in ids:
                assert client.message(payload=str(i)).properties["user_property"] == [("seen", "yes")]
    together([lambda c=c: flow(c) for c in clients])
    for name, verdict in (("r1", "allow"), ("r2", "allow"), ("m1", "pass"), ("m2", "pass")):
        hook = "authorize" if name[0] == "r" else "publish"
        more = count if name[0] == "r" else 0  # the SUBSCRIBEs
        assert broker.metric("gatehouse_plugin_answers_total", instance=name, hook=hook, verdict=verdict) == count * each + more
        assert broker.metric("gatehouse_plugin_pending", instance=name) == 0
        assert broker.metric("gatehouse_plugin_timeouts_total", instance=name) == 0
    for client in clients:
        client.close()


def test_connections_end_under_their_tickets(make_broker):
    """Logins, takeovers and resets while answers are on their way: nothing is left open."""
    answers = [rule("authenticate", principal="joe", how="later", delay="5ms"), rule("authorize", how="later", delay="5ms")]
    broker = make_broker({"plugins": {"probe": probe(*answers)}, "limits": {"failed-login-delay": "0"}},
                         listener={"anonymous": False, "authenticate": ["probe"], "authorize": ["probe"]})

    def churn(number):
        for i in range(15):
            client = Client(broker, "shared-%d" % (number % 3))
            try:
                client.send(client.connect_packet(username="joe"))
                if i % 3:
                    client.expect(CONNACK)
                    client.send(client.subscribe_packet([("a", 0), ("b", 0)], 1), client.publish_packet("a", "", 1))
                if i % 3 == 2:
                    client.ping()
            except (AssertionError, OSError):  # taken over
                pass
            client.reset()

    together([lambda n=n: churn(n) for n in range(12)])
    eventually(lambda: broker.metric("gatehouse_plugin_pending", instance="probe") == 0)
    eventually(lambda: not broker.clients())


class Publisher:
    """Numbered messages on its topic, of one QoS, at a modest rate until told to stop."""

    def __init__(self, broker, number):
        self.qos, self.topic, self.sent = number % 3, "load/%d" % number, 0
        self.client = Client(broker).connect(keep_alive=0)

    def burst(self, count):
        for _ in range(count):
            self.client.publish(self.topic, str(self.sent), self.qos)
            self.sent += 1


class Subscriber:
    """Takes what comes, in the order it comes; knows a QoS 2 message by its packet id until PUBREL."""

    def __init__(self, broker, number):
        self.client, self.got, self.open = Client(broker).connect(), collections.defaultdict(list), set()
        self.client.subscribe("load/%d" % number, "load/%d" % (number + 1), "end", qos=2)

    def run(self):
        while True:
            packet = self.client.recv(PATIENCE)
            if packet.type == PUBREL:
                self.open.discard(packet.packet_id)
                self.client.ack(PUBCOMP, packet.packet_id)
            if packet.type != PUBLISH:
                continue
            if packet.topic == "end":
                self.client.ack(PUBACK, packet.packet_id)
                return
            assert not (packet.qos == 2 and packet.packet_id in self.open), "a QoS 2 message twice: %r" % packet
            if packet.qos == 2:
                self.open.add(packet.packet_id)
            self.got[packet.topic].append(int(packet.payload))
            if packet.qos:
                self.client.ack(PUBACK if packet.qos == 1 else PUBREC, packet.packet_id)


def reloads(broker, configs, stop):
    count = 0
    for config in itertools.cycle(configs):
        if stop.is_set():
            return count
        broker.write(*config)
        broker.reload()
        count += 1
        time.sleep(0.05)


def test_reload_under_load(make_broker):
    """100 publishers and 100 subscribers, questions open at each reload: every message arrives once and in its order, and no old
    instance is left."""
    topics = ["load/%d" % i for i in range(0, 100, 4)]
    slow = [rule("authorize", topic=topic, action="publish", how="later", delay="3ms") for topic in topics]
    listener = {"authorize": ["probe"]}
    configs = [({"plugins": {"probe": probe(*slow, rule("authorize"), covers)}}, listener)
               for covers in (rule("authorize", why="a"), rule("authorize", why="b"))]
    configs.append(({"plugins": {"probe": probe(rule("authorize", covers=True))}}, listener))
    broker = make_broker(configs[0][0], listener=listener)
    publishers = [Publisher(broker, i) for i in range(100)]
    subscribers = [Subscriber(broker, i) for i in range(100)]
    rounds, size, stop, done = 4 if SANITIZED else 16, 5, threading.Event(), []
    groups = [publishers[i::4] for i in range(4)]

    def publish(group):
        for _ in range(rounds):
            for one in group:
                one.burst(size)
        for one in group:
            one.client.ping()  # QoS 0 too has been dealt with

    def all_then_end():
        together([lambda g=g: publish(g) for g in groups])
        stop.set()
        last = Client(broker).connect()
        last.publish("end", "", 1)
        last.close()

    together([all_then_end, lambda: done.append(reloads(broker, configs, stop))] + [one.run for one in subscribers])
    assert done[0] >= 3
    wanted = list(range(rounds * size))
    for number, one in enumerate(subscribers):
        for topic in ("load/%d" % number, "load/%d" % (number + 1)):
            if topic != "load/100":
                assert one.got[topic] == wanted, (topic, one.got[topic])
    eventually(lambda: [row["state"] for row in broker.ctl("plugins")] == ["in force"])
    for one in publishers:
        one.client.quiet()


def test_no_two_calls_overlap(make_broker):
    """A module without flags: four workers, its timers, its answers from a thread and what it is told of, each at a time of its own."""
    broker = make_broker({"workers": 4, "plugins": {"lone": {"each": "1ms"}}, "limits": {"hook-timeout": "1m", "failed-login-delay": "0"}},
                         listener={"anonymous": False, "authenticate": ["lone"], "authorize": ["lone"], "message": ["lone"]})
    count, rounds, burst = 16, 2 if SANITIZED else 5, 50

    def come_and_publish(number):
        for i in range(rounds):
            client = Client(broker).connect(username="late" if (number + i) % 2 else "at once")
            client.subscribe(client.client_id)
            client.send(*[client.publish_packet(client.client_id, str(n), 1, packet_id=n) for n in range(1, burst + 1)])
            acks = [client.wait_for(PUBACK, PATIENCE) for _ in range(burst)]
            assert [one.packet_id for one in acks] == list(range(1, burst + 1)) and not any(one.reason for one in acks)
            client.close()

    stay = [Client(broker).connect(username="at once") for _ in range(64)]
    assert len({row["worker"] for row in broker.clients().values()}) == 4
    together([lambda n=n: come_and_publish(n) for n in range(count)])

    def calls(what):
        return broker.metric("gatehouse_lone_%s_total" % what, instance="lone")

    assert calls("logins") == len(stay) + count * rounds
    assert calls("messages") == count * rounds * burst and calls("rights") == count * rounds * (burst + 1)
    assert calls("timers") > 0 and calls("events") > 0
    assert calls("overlaps") == 0
    for one in stay:
        one.quiet()
        one.close()
