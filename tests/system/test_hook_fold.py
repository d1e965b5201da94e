# SPDX-License-Identifier: Apache-2.0
"""How answers of several modules become one, against the rule said in another way: of two and three modules, all verdicts,
each optional or required, with on-error deny or next, at once or later."""
import itertools

import pytest

from gatehouse import PUBACK, SUBACK, Broker, Client, Closed
from gatehouse.probe import needs_modules, probe, rule

MODES = ("plain", "next", "required", "required next")
ANSWERS = {"P": "pass", "A": "allow", "D": "deny", "E": "error"}
pytestmark = needs_modules


def allowed(said, modes):
    """All required ones say yes; and of the others, if there are any, the first that has an opinion does."""
    said = ["P" if v in "ET" and mode == "next" else v for v, mode in zip(said, modes)]
    others = [v for v, mode in zip(said, modes) if "required" not in mode]
    opinions = [v for v in others if v != "P"]
    return (all(v == "A" for v, mode in zip(said, modes) if "required" in mode) and
            (not others or opinions[:1] == ["A"]))


def entry(position, mode):
    name = "p%d%s" % (position, "n" if "next" in mode else "")
    return {"required": name} if "required" in mode else name


def words(count, letters="PADE"):
    return ["".join(word) for word in itertools.product(letters, repeat=count)]


def answers_at(position, topics):
    """topics: (topic, said, how)."""
    out = []
    for topic, said, how in topics:
        if position < len(said) and said[position] != "P":
            letter = said[position]
            out.append(rule("authorize", ANSWERS.get(letter, "allow"), topic=topic, how="never" if letter == "T" else how))
    return out


def chains(count):
    return list(itertools.product(MODES, repeat=count))


def listener_name(modes):
    return "l" + "-".join(str(MODES.index(mode)) for mode in modes)


def topics_of(count):
    out = [("%s/%s" % (how, said), said, how) for how in ("now", "later") for said in words(count)]
    return out + [("late/" + said, said, "now") for said in words(count, "PADT") if "T" in said and count == 2]


@pytest.fixture(scope="module")
def rights():
    topics = topics_of(2) + topics_of(3)
    plugins = {}
    for position in range(3):
        answers = answers_at(position, topics)
        plugins["p%d" % position] = probe(*answers)
        plugins["p%dn" % position] = probe(*answers, on_error="next")
    listeners = {listener_name(modes): {"address": "unix:@DIR@/%s" % listener_name(modes), "anonymous": True,
                                        "authorize": [entry(i, mode) for i, mode in enumerate(modes)]}
                 for count in (2, 3) for modes in chains(count)}
    with Broker({"listeners": listeners, "plugins": plugins, "limits": {"hook-timeout": "2s"}}) as broker:
        yield broker


def ask(broker, modes):
    client = Client(broker.path(listener_name(modes)))
    client.connect()
    client.send(client.subscribe_packet([(topic, 0) for topic, _, _ in topics_of(len(modes))], 1))
    return client


@pytest.mark.parametrize("count", [2, 3])
def test_authorize(rights, count):
    """Each listener is a list of its own; a SUBSCRIBE asks all combinations of verdicts at once."""
    clients = [(modes, ask(rights, modes)) for modes in chains(count)]
    wrong = []
    for modes, client in clients:
        reasons = client.wait_for(SUBACK).reasons
        for (topic, said, _), reason in zip(topics_of(count), reasons):
            if (reason == 0) != allowed(said, modes) or reason not in (0, 0x87):
                wrong.append((topic, modes, reason))
        client.close()
    assert not wrong, "%d wrong, such as %r" % (len(wrong), wrong[:5])


# ---- logins: the same, and the identities must agree

NAMES = "PADBE"  # B: allow, but another name


def agreed(said, modes):
    """A module is asked unless an optional one before it has settled it; two that are asked and name two people deny."""
    settled, names = False, set()
    for v, mode in zip(said, modes):
        if settled and "required" not in mode:
            continue
        if v in "AB":
            names.add(v)
            settled = settled or "required" not in mode
        elif v == "D" or "required" in mode or (v == "E" and mode != "next"):
            break
    return len(names) < 2


def users(count):
    return ["%s-%s" % (how, said) for how in ("now", "later") for said in words(count, NAMES)]


def logins_at(position, count):
    out = []
    for user in users(count):
        how, said = user.split("-")
        letter = said[position]
        if letter in "AB":
            out.append(rule("authenticate", user=user, how=how, principal="ann" if letter == "A" else "bob"))
        elif letter != "P":
            out.append(rule("authenticate", ANSWERS[letter], user=user, how=how))
    return out


LOGINS = {2: chains(2), 3: [("plain", "next", "plain"), ("required", "next", "plain"), ("plain", "plain", "required"),
                            ("next", "required", "required next")]}


@pytest.mark.parametrize("count", [2, 3])
def test_authenticate(make_broker, count):
    plugins = {}
    for position in range(count):
        answers = logins_at(position, count)
        plugins["p%d" % position] = probe(*answers, realm="people")
        plugins["p%dn" % position] = probe(*answers, realm="people", on_error="next")
    listeners = {listener_name(modes): {"address": "unix:@DIR@/%s" % listener_name(modes), "authorize": "none",
                                        "authenticate": [entry(i, mode) for i, mode in enumerate(modes)]}
                 for modes in LOGINS[count]}
    broker = make_broker({"listeners": listeners, "plugins": plugins,
                          "limits": {"failed-login-delay": "0"}})
    wrong = []
    for modes in LOGINS[count]:
        for user in users(count):
            client = Client(broker.path(listener_name(modes)))
            reason = client.connect(reason=None, username=user).connack.reason
            client.close()
            said = user.split("-")[1]
            expected = agreed(said, modes) and allowed(said.replace("B", "A"), modes)
            if (reason == 0) != expected or reason not in (0, 0x86, 0x87):
                wrong.append((user, modes, reason))
    assert not wrong, "%d wrong, such as %r" % (len(wrong), wrong[:5])


# ---- vetoes: nobody may object

def unopposed(said, modes):
    return not any(v == "D" or (v == "E" and mode != "next") for v, mode in zip(said, modes))


VETO_CHAINS = chains(2) + LOGINS[3]


@pytest.fixture(scope="module")
def messages():
    plugins = {}
    for position in range(3):
        answers = [dict(one, hook="publish") for one in answers_at(position, topics_of(2) + topics_of(3))]
        plugins["p%d" % position] = probe(*answers)
        plugins["p%dn" % position] = probe(*answers, on_error="next")
    listeners = {listener_name(modes): {"address": "unix:@DIR@/%s" % listener_name(modes), "anonymous": True, "authorize": "none",
                                        "message": [entry(i, mode) for i, mode in enumerate(modes)]} for modes in VETO_CHAINS}
    with Broker({"listeners": listeners, "plugins": plugins, "limits": {"hook-timeout": "1m"}}) as broker:
        yield broker


@pytest.mark.parametrize("modes", VETO_CHAINS, ids=listener_name)
def test_publish(messages, modes):
    """Each combination of verdicts is a message; what is refused reaches nobody."""
    topics = [(topic, said) for topic, said, how in topics_of(len(modes)) if "T" not in said]
    client, watcher = (Client(messages.path(listener_name(modes))).connect() for _ in range(2))
    watcher.subscribe("now/#", "later/#")
    client.send(*[client.publish_packet(topic, "x", 1, packet_id=i + 1) for i, (topic, _) in enumerate(topics)])
    expected = [unopposed(said, modes) for _, said in topics]
    assert [client.wait_for(PUBACK).reason < 0x80 for _ in topics] == expected
    arrived = [watcher.message().topic for _ in range(sum(expected))]
    assert arrived == [topic for (topic, _), yes in zip(topics, expected) if yes]
    assert watcher.fence(client) == []
    for one in client, watcher:
        one.close()


def let_in(broker, name):
    """As far as accept goes: its CONNECT is answered."""
    client = Client(broker.path(name))
    try:
        client.connect(reason=None)
    except (Closed, BrokenPipeError):
        return False
    finally:
        client.drop()
    return True


ACCEPTING = [(said, modes) for said in words(2) for modes in itertools.product(("plain", "next", "required next"), repeat=2)]
ACCEPTING += [(said, modes) for said in words(3, "PDE") for modes in LOGINS[3][:1]]


def test_accept(make_broker):
    """It knows nothing but where the client comes to: a listener for each combination."""
    plugins, listeners = {}, {}
    for letter, position in itertools.product(ANSWERS, range(3)):
        for mode in ("", "n"):
            plugins["p%d%s%s" % (position, mode, letter)] = probe(rule("accept", ANSWERS[letter]), on_error="next" if mode else "deny")
    for i, (said, modes) in enumerate(ACCEPTING):
        entries = [entry(at, mode) for at, mode in enumerate(modes)]
        entries = [{"required": one["required"] + v} if isinstance(one, dict) else one + v for one, v in zip(entries, said)]
        listeners["l%d" % i] = {"address": "unix:@DIR@/l%d" % i, "anonymous": True, "authorize": "none", "authenticate": entries}
    broker = make_broker({"listeners": listeners, "plugins": plugins, "limits": {"failed-login-delay": "0"}})
    wrong = [case for i, case in enumerate(ACCEPTING) if let_in(broker, "l%d" % i) != unopposed(*case)]
    assert not wrong, "%d wrong, such as %r" % (len(wrong), wrong[:5])
