# SPDX-License-Identifier: Apache-2.0
"""The table: every point where modules are asked, with every verdict, in every way that an answer can come or stay away, and with
every end that a question can have. What a client sees of it; that nothing is left of it; and that the broker serves on."""
import os
import time

import pytest

from gatehouse import AUTH, CONNACK, PUBACK, SANITIZED, SUBACK, Broker, Closed, Will
from gatehouse.probe import Journal, eventually, login, needs_modules, probe, rule

pytestmark = needs_modules
VERDICTS = ("pass", "allow", "deny", "error")
MISTAKES = ("nothing", "unknown", "continue", "pending")
WAYS = {"now": 0, "early": 0, "later": 0, "twice": 1, "made-up": 7, "void": 1}  # and how many tickets of each are ignored
METHOD = {"auth_method": "TABLE"}
METHOD_AGAIN = dict(METHOD, auth_data="fine")
LISTS = {"authenticate": ["who"], "authorize": ["rights"], "message": ["filter"]}


# ---- the points

class Question:
    """What a client has asked, and who sees what comes of it."""

    def __init__(self, client, word, watcher=None, user="joe"):
        self.client, self.word, self.watcher, self.user = client, word, watcher, user


class Point:
    """rules: what makes `word` be answered so. ask: until it is asked. see: what must come of it."""
    instance, hook = "rights", "authorize"
    keeps_on_failure = False  # asked again about what was granted: who can't say takes nothing away

    def __init__(self, name):
        self.name = name

    def allows(self, verdict):
        return verdict == "allow" or (self.keeps_on_failure and verdict not in ("deny", "pass"))

    def see(self, table, question, verdict):
        if self.allows(verdict):
            self.see_yes(table, question)
        else:
            self.see_no(table, question, verdict)


def again(word):
    """A file: the question is asked anew."""
    return "again-" + word.replace("/", "-")


def no_credentials(verdict):
    """Who says no to a password, and who can't say."""
    return 0x86 if verdict in ("pass", "deny") else 0x87


class Login(Point):
    instance, hook = "who", "authenticate"

    def rules(self, word, verdict, **how):
        return [rule("authenticate", verdict, user=word, principal="joe", **how)]

    def ask(self, table, word):
        client = table.dial()
        client.send(client.connect_packet(username=word))
        return Question(client, word)

    def see_yes(self, table, question):
        question.client.expect(CONNACK, reason=0)
        assert table.broker.clients()[question.client.client_id]["user"] == "joe"

    def see_no(self, table, question, verdict):
        question.client.expect(CONNACK, reason=no_credentials(verdict))
        question.client.expect_closed()
        assert question.client.client_id not in table.broker.clients()


class FirstStep(Login):
    """CONNECT with a method."""
    hook = "exchange"

    def rules(self, word, verdict, **how):
        return [rule("exchange", verdict, user=word, principal="joe", **how)]

    def ask(self, table, word):
        client = table.dial()
        client.send(client.connect_packet(properties=dict(METHOD, auth_data=word)))
        return Question(client, word)

    def see(self, table, question, verdict):
        if verdict != "continue":
            super().see(table, question, verdict)
            return
        question.client.expect(AUTH, reason=0x18)
        question.client.auth(0x18, dict(METHOD, auth_data="fine"))
        self.see_yes(table, question)

    def see_no(self, table, question, verdict):
        question.client.expect(CONNACK, reason={"pass": 0x8C, "deny": 0x86}.get(verdict, 0x87))
        question.client.expect_closed()


class SecondStep(FirstStep):
    """AUTH, after CONTINUE."""

    def ask(self, table, word):
        client = table.dial()
        client.send(client.connect_packet(properties=dict(METHOD, auth_data="begin")))
        client.expect(AUTH, reason=0x18)
        client.auth(0x18, dict(METHOD, auth_data=word))
        return Question(client, word)


class Again(FirstStep):
    """AUTH of a client that is connected."""

    def ask(self, table, word):
        client = table.dial()
        client.connect(properties=METHOD_AGAIN)
        client.auth(0x19, dict(METHOD, auth_data=word))
        return Question(client, word)

    def see_yes(self, table, question):
        question.client.expect(AUTH, reason=0)
        question.client.quiet()

    def see_no(self, table, question, verdict):
        question.client.expect_disconnect(0x87)


class Lookup(Point):
    """A user who is connected is looked up again."""
    instance, hook = "who", "lookup"
    keeps_on_failure = True

    def allows(self, verdict):
        return verdict != "deny"

    def rules(self, word, verdict, **how):
        return [rule("authenticate", user=word, principal=word), rule("lookup", verdict, user=word, principal=word, **how)]

    def ask(self, table, word):
        question = Question(table.connect_apart(word), word, user=word)
        question.answers = table.answers(self)
        table.recheck(word)
        return question

    def see_yes(self, table, question):
        eventually(lambda: table.answers(self) > question.answers)
        question.client.quiet()

    def see_no(self, table, question, verdict):
        question.client.expect_disconnect(0x87)
        eventually(lambda: question.client.client_id not in table.broker.clients())


class Publish(Point):
    def rules(self, word, verdict, **how):
        return [rule("authorize", verdict, action="publish", topic=word, **how)]

    def ask(self, table, word):
        client, watcher = table.connect(username="joe"), table.watcher(word)
        client.send(client.publish_packet(word, "said", 1, packet_id=1))
        return Question(client, word, watcher)

    def see_yes(self, table, question):
        question.client.expect(PUBACK, packet_id=1, reason=0)
        question.watcher.message(question.word, "said")
        assert question.watcher.fence(question.client) == []

    def see_no(self, table, question, verdict):
        question.client.expect(PUBACK, packet_id=1, reason=0x87)
        assert question.watcher.fence(question.client) == []


class Message(Publish):
    """The message list: a veto, so ALLOW and PASS are both no objection."""
    instance, hook = "filter", "publish"

    def allows(self, verdict):
        return verdict in ("pass", "allow")

    def rules(self, word, verdict, **how):
        return [rule("publish", verdict, topic=word, **how)]


class Subscribe(Point):
    def rules(self, word, verdict, **how):
        return [rule("authorize", verdict, action="subscribe", topic=word, **how)]

    def ask(self, table, word):
        client = table.connect(username="joe")
        client.send(client.subscribe_packet([(word, 1), ("beside/" + word, 0)], 1))
        return Question(client, word)

    def see_yes(self, table, question):
        question.client.expect(SUBACK, packet_id=1, reasons=[1, 0])
        table.joe.publish(question.word, "told", 1)
        question.client.message(question.word, "told", qos=1)

    def see_no(self, table, question, verdict):
        question.client.expect(SUBACK, packet_id=1, reasons=[0x87, 0])
        table.joe.publish(question.word, "told", 1)
        assert question.client.fence(table.joe) == []


class Live(Point):
    """SUBSCRIBE again, of a subscription that is there."""
    keeps_on_failure = True

    def rules(self, word, verdict, **how):
        return login(word) + [rule("authorize", verdict, action="subscribe", topic=word, while_exists=again(word), **how)]

    def ask(self, table, word):
        question = Question(table.connect_apart(word), word, user=word)
        question.client.subscribe(word)
        question.subscriptions = table.broker.ctl("status")["subscriptions"]
        question.answers = table.answers(self) + 1  # joe's right to tell the actor
        table.touch(again(word))
        table.recheck(word)
        return question

    def see_yes(self, table, question):
        eventually(lambda: table.answers(self) > question.answers)
        table.joe.publish(question.word, "told", 1)
        question.client.message(question.word, "told")

    def see_no(self, table, question, verdict):
        eventually(lambda: table.broker.ctl("status")["subscriptions"] < question.subscriptions)
        assert question.client.unsubscribe(question.word).reasons == [0x11]
        table.joe.publish(question.word, "told", 1, reason=0x10)
        question.client.quiet()


class WillAtConnect(Point):
    def rules(self, word, verdict, **how):
        return [rule("authorize", verdict, action="will", topic=word, **how)]

    def ask(self, table, word):
        client, watcher = table.dial(), table.watcher(word)
        client.send(client.connect_packet(username="joe", will=Will(word, "gone", 1)))
        return Question(client, word, watcher)

    def see_yes(self, table, question):
        question.client.expect(CONNACK, reason=0)
        question.client.disconnect()  # what the rule says would be said again of a will that fires
        assert question.watcher.fence(table.joe) == []

    def see_no(self, table, question, verdict):
        question.client.expect(CONNACK, reason=0x87)
        question.client.expect_closed()
        assert question.watcher.fence(table.joe) == []


class WillThatFires(Point):
    def rules(self, word, verdict, **how):
        return [rule("authorize", verdict, action="will", topic=word, while_exists=again(word), **how)]

    def ask(self, table, word):
        client, watcher = table.dial(), table.watcher(word)
        client.connect(username="joe", will=Will(word, "gone", 1))
        table.touch(again(word))
        question = Question(client, word, watcher)
        question.mark = table.broker.mark()
        client.close()
        return question

    def see_yes(self, table, question):
        question.watcher.message(question.word, "gone")
        assert question.watcher.fence(table.joe) == []

    def see_no(self, table, question, verdict):
        table.broker.wait_log(r"denied will .*topic='%s'" % question.word, after=question.mark)
        assert question.watcher.fence(table.joe) == []


class MessageOfAWill(WillThatFires):
    instance, hook = "filter", "publish"

    def allows(self, verdict):
        return verdict in ("pass", "allow")

    def rules(self, word, verdict, **how):
        return [rule("publish", verdict, topic=word, **how)]


class Retained(Point):
    """PUBLISH again, of the author of a retained message, when somebody is to get it."""
    keeps_on_failure = True

    def rules(self, word, verdict, **how):
        return login(word) + [rule("authorize", verdict, action="publish", topic=word, while_exists=again(word), **how)]

    def ask(self, table, word):
        table.joe.publish(word, "kept", 1, retain=True)
        table.touch(again(word))
        question = Question(table.connect(username=word), word, user=word)
        table.recheck(word)  # which makes the authors of all that is retained be asked about
        table.reaches(question.client)
        question.answers = table.answers(self) + 1  # its right to subscribe
        question.client.subscribe(word)
        return question

    def see_yes(self, table, question):
        question.client.message(question.word, "kept", retain=True)
        assert question.client.fence(table.joe) == []

    def see_no(self, table, question, verdict):
        eventually(lambda: table.answers(self) > question.answers)
        assert question.client.fence(table.joe) == []


POINTS = {one.name: one for one in (
    Login("login"), FirstStep("first-step"), SecondStep("second-step"), Again("again"), Lookup("lookup"), Publish("publish"),
    Subscribe("subscribe"), Live("live"), WillAtConnect("will"), WillThatFires("will-fires"), Message("message"),
    MessageOfAWill("message-of-will"), Retained("retained"))}


# ---- the broker

def word_of(point, verdict, how):
    return "%s/%s/%s" % (point.name, verdict, how)


def answers(cells, isolate):
    """(point, verdict, how, more): each has its word, by which user or topic it is known. Sections of the three instances."""
    rules = {"who": [], "rights": [], "filter": []}
    for point, verdict, how, more in cells:
        for one in point.rules(word_of(point, verdict, how), verdict, **dict({"how": how}, **more)):
            where = {"authorize": "rights", "publish": "filter"}.get(one["hook"], "who")
            rules[where].append(one if one["hook"] == point.hook else dict(one, how="now"))
    rules["who"] += login("joe") + login("ann") + [rule("exchange", user="fine", principal="joe"),
                                                   rule("exchange", "continue", user="begin")]
    rules["rights"].append(rule("authorize"))
    plugins = {name: probe(*rules[name], file=name + ".jsonl", events=["reload"]) for name in rules}
    plugins["who"]["module"] = "probe-exchange"
    if isolate:
        for one in plugins["rights"]["answers"]:
            one["covers"] = True  # it can't be asked about each delivery
        for one in plugins.values():
            one.update(module=one["module"] + "-apart", isolate=True)
    plugins["actor"] = {"file": "@DIR@/actor.jsonl"}
    return plugins


def configuration(cells, isolate=False, **limits):
    return {"plugins": answers(cells, isolate), "limits": dict({"failed-login-delay": "0", "classes": {"marked": {}}}, **limits),
            "listeners": {"test": dict(LISTS, address="127.0.0.1:@PORT@")}}


class Table:
    """A broker, and what the points need of it."""

    def __init__(self, broker, connect, dial):
        self.broker, self._connect, self._dial = broker, connect, dial
        self.joe = self.connect(username="joe")
        self.ignored = self.tickets()[1]
        self.workers, self.taken = broker.ctl("status")["workers"], set()
        self.holds = False

    def connect(self, client_id=None, **how):
        return self._connect(client_id, to=self.broker, **how)

    def connect_apart(self, username):
        """On a worker where nobody else was connected so, while there is one: a re-check that is held holds up the next there."""
        while True:
            one = self.connect(username=username)
            worker = self.broker.clients()[one.client_id]["worker"]
            if worker not in self.taken or len(self.taken) >= self.workers:
                self.taken.add(worker)
                return one
            one.disconnect()

    def dial(self, client_id=None):
        return self._dial(client_id, to=self.broker)

    def watcher(self, topic):
        one = self.connect(username="ann")
        one.subscribe(topic)
        return one

    def touch(self, name):
        self.broker.path(name, "")

    def release(self):
        """What is held may be answered."""
        self.touch("go")

    def recheck(self, principal):
        self.joe.publish("act/hook", "recheck principal %s 1" % principal, 1, reason=0x10)

    def reaches(self, client):
        """What the actor has asked for until now, where this client is: it acts in its order."""
        self.joe.publish("act/hook", "class client %s 600 marked" % client.client_id, 1, reason=0x10)
        eventually(lambda: self.broker.clients()[client.client_id].get("class") == "marked")

    def answers(self, point):
        return self.broker.metric("gatehouse_plugin_answers_total", instance=point.instance, hook=point.hook)

    def timeouts(self, point):
        return self.broker.metric("gatehouse_plugin_timeouts_total", instance=point.instance)

    def tickets(self):
        """Those that are open, and what was ignored."""
        rows, names = self.broker.ctl("metrics"), ("gatehouse_plugin_pending", "gatehouse_tickets_ignored_total")
        return tuple(sum(row["value"] for row in rows if row["name"] == name) for name in names)

    def serves(self, ignored):
        """Nothing is open, so many answers were ignored, and a client is served."""
        eventually(lambda: self.tickets() == (0, self.ignored + ignored))
        for name in ("who", "rights", "filter"):
            assert not Journal(self.broker, name + ".jsonl").lines(what="a made-up ticket was taken")
        client = self.connect(username="ann")
        client.subscribe("served", qos=1)
        self.joe.publish("served", "still", 1)
        client.message("served", "still", qos=1)

    def end(self):
        if self.holds:
            self.release()
            eventually(lambda: self.tickets()[0] == 0)
        for name in os.listdir(self.broker.directory):
            if name == "go" or name.startswith("again-"):
                os.unlink(self.broker.path(name))


@pytest.fixture
def use(connect, dial):
    """use(broker): a Table."""
    made = []

    def make(broker):
        made.append(Table(broker, connect, dial))
        return made[-1]

    yield make
    for one in made:
        one.end()


HELD = {"how": "later", "until": "go"}


@pytest.fixture(scope="module")
def patient():
    """Waits as long as it takes."""
    cells = [(point, verdict, how, {}) for point in POINTS.values() for verdict in VERDICTS + MISTAKES for how in WAYS]
    cells += [(point, verdict, "held", HELD) for point in POINTS.values() for verdict in VERDICTS]
    with Broker(configuration(cells, **{"hook-timeout": "5m"})) as one:
        yield one


# ---- every verdict in every way

def cells():
    for name in POINTS:
        for way in WAYS:
            for verdict in VERDICTS + (MISTAKES if way in ("now", "early", "later") else ()):
                marks = [pytest.mark.threads] if way in ("early", "later", "twice") and verdict in ("allow", "deny") else []
                yield pytest.param(name, way, verdict, marks=marks)


@pytest.mark.parametrize("name, way, verdict", cells())
def test_verdict(patient, use, name, way, verdict):
    """The first answer to a ticket holds, whoever gives it and when; what else comes for it is counted and changes nothing. A verdict
    that is none, or has no place here, can't be told from an error."""
    table, point = use(patient), POINTS[name]
    question = point.ask(table, word_of(point, verdict, way))
    point.see(table, question, verdict)
    table.serves(ignored=WAYS[way])


# ---- in processes of their own

@pytest.fixture(scope="module")
def apart():
    """Where all three instances are isolated."""
    cells = [(point, verdict, how, {}) for point in POINTS.values() for verdict in VERDICTS + MISTAKES for how in WAYS]
    cells += [(point, verdict, "held", HELD) for point in POINTS.values() for verdict in VERDICTS]
    with Broker(configuration(cells, isolate=True, **{"hook-timeout": "5m"})) as one:
        yield one


def apart_cells():
    for name in POINTS:
        for way in ("now", "later"):
            for verdict in VERDICTS + (MISTAKES if way == "now" else ()):
                if name != "live" or verdict in ("pass", "allow", "deny"):  # what is delivered waits for an answer
                    yield pytest.param(name, way, verdict, marks=[pytest.mark.threads] if way == "later" else [])
    yield "login", "twice", "allow"
    yield "subscribe", "early", "allow"
    yield "publish", "made-up", "deny"
    yield "message", "void", "allow"


@pytest.mark.parametrize("name, way, verdict", apart_cells())
def test_verdict_apart(apart, use, name, way, verdict):
    """Whoever answers in another process is heard as if it were here."""
    test_verdict(apart, use, name, way, verdict)


# ---- a deadline

@pytest.fixture(scope="module", params=[False, True], ids=["here", "apart"])
def hasty(request):
    cells = [(point, "allow", "never", {}) for point in POINTS.values()] + [(point, "allow", "held", HELD) for point in POINTS.values()]
    with Broker(configuration(cells, isolate=request.param, **{"hook-timeout": "700ms"})) as one:
        one.isolates = request.param
        yield one


def shows(hasty, name):
    if hasty.isolates and name == "live":
        pytest.skip("what is delivered waits for an answer")


@pytest.mark.parametrize("name", POINTS)
def test_deadline(hasty, use, name):
    """What is never answered, and what is answered when it is over: an error, told as one; the answer that comes then is counted."""
    shows(hasty, name)
    table, point = use(hasty), POINTS[name]
    timeouts = table.timeouts(point)
    questions = []
    for how in ("never", "held"):
        questions.append(point.ask(table, word_of(point, "allow", how)))
    eventually(lambda: table.timeouts(point) >= timeouts + 2)
    for one in questions:
        point.see(table, one, "error")
        one.client.drop()  # nobody is asked about it again
    table.release()
    table.serves(ignored=1)


# ---- ends that come first

LOGINS = ("login", "first-step", "second-step", "will")
FIRED = ("will-fires", "message-of-will")  # when the client has gone
CONNECTED = tuple(name for name in POINTS if name not in LOGINS + FIRED)
REVIEWS = ("lookup", "live")
READ_ON = REVIEWS + ("retained",)  # the connection doesn't wait for them
BOTH = pytest.mark.parametrize("verdict", ["allow", "deny"])


def held(table, point, verdict):
    """A question that is open until table.release()."""
    table.holds = True
    question = point.ask(table, word_of(point, verdict, "held"))
    eventually(lambda: table.tickets()[0] == 1)
    return question


def arrives(table, question, verdict):
    """What was asked about is there if it was allowed, and once; else never."""
    if question.watcher:
        if verdict == "allow":
            question.watcher.message(question.word)
        assert question.watcher.fence(table.joe) == []


@BOTH
@pytest.mark.parametrize("name", LOGINS + CONNECTED)
def test_client_resets(patient, use, name, verdict):
    """Where the connection waits for the answer, what had been sent before it ended counts; else nobody waits any more."""
    table, point = use(patient), POINTS[name]
    question = held(table, point, verdict)
    question.client.reset()
    eventually(lambda: table.tickets()[0] == (0 if name in READ_ON else 1))
    table.release()
    table.serves(ignored=1 if name in READ_ON else 0)
    arrives(table, question, verdict)
    eventually(lambda: question.client.client_id not in patient.clients())


@BOTH
@pytest.mark.parametrize("name", CONNECTED)
def test_sent_away(patient, use, name, verdict):
    """The broker ends the connection: at once, and nothing comes of the question."""
    table, point = use(patient), POINTS[name]
    question = held(table, point, verdict)
    patient.ctl("disconnect", question.client.client_id)
    question.client.expect_disconnect(0x98)
    eventually(lambda: table.tickets()[0] == 0)
    table.release()
    table.serves(ignored=1)
    arrives(table, question, "deny")


@pytest.mark.threads
@BOTH
@pytest.mark.parametrize("name", POINTS)
def test_taken_over(patient, use, name, verdict):
    """By another connection of the client id. The question is its connection's: it goes with it, or comes to its own end."""
    table, point = use(patient), POINTS[name]
    question = held(table, point, verdict)
    new = table.connect(question.client.client_id, username=question.user, properties=METHOD_AGAIN if name == "again" else None)
    if name in CONNECTED:
        question.client.expect_disconnect(0x8E)
        eventually(lambda: table.tickets()[0] == 0)
    table.release()
    if name in LOGINS:
        answer = question.client.expect(CONNACK)
        assert (answer.reason == 0) == (verdict == "allow")
        if verdict == "allow":  # the last that was let in has it
            new.expect_disconnect(0x8E)
            question.client.disconnect()
            new = None
    elif name in FIRED:
        point.see(table, question, verdict)
    table.serves(ignored=1 if name in CONNECTED else 0)
    if new:
        new.quiet()
    if name in CONNECTED:
        arrives(table, question, "deny")


# ---- the instance goes

def states(broker):
    return sorted((row["instance"], row["state"]) for row in broker.ctl("plugins"))


def gone(table):
    """No instance is left but those that are asked now."""
    eventually(lambda: "draining" not in [state for _, state in states(table.broker)])


@pytest.mark.threads
@BOTH
@pytest.mark.parametrize("name", POINTS)
def test_reloaded(patient, use, name, verdict):
    """The old instance stays until it has answered; what is granted after all is what the new one says too."""
    table, point = use(patient), POINTS[name]
    before, question = states(patient), held(table, point, verdict)
    patient.ctl("plugin", "reload", point.instance)
    if name in REVIEWS:  # about the policy before: given up, and asked anew
        gone(table)
        eventually(lambda: table.tickets()[0] == 1)
    else:
        assert (point.instance, "draining") in states(patient)
    table.release()
    point.see(table, question, verdict)
    eventually(lambda: states(patient) == before)
    table.serves(ignored=0)


@BOTH
@pytest.mark.parametrize("name", POINTS)
def test_disabled(patient, use, name, verdict):
    """What it says at its end still counts as an answer; but where the policy of now is asked for a right, it isn't there to give it."""
    table, point = use(patient), POINTS[name]
    before, question = states(patient), held(table, point, verdict)
    patient.ctl("plugin", "disable", point.instance)
    try:
        if name in REVIEWS:
            gone(table)
        table.release()
        eventually(lambda: table.tickets()[0] == 0)
    finally:
        patient.ctl("plugin", "enable", point.instance)
    if name in ("publish", "will-fires", "retained"):
        point.see_no(table, question, "error")
    else:
        point.see(table, question, verdict)
    eventually(lambda: states(patient) == before)
    table.serves(ignored=0)


@pytest.mark.parametrize("name", POINTS)
def test_never_answered_at_unload(hasty, use, name):
    """It holds its instance until its deadline."""
    shows(hasty, name)
    table, point = use(hasty), POINTS[name]
    before, timeouts = states(hasty), table.timeouts(point)
    question = point.ask(table, word_of(point, "allow", "never"))
    hasty.ctl("plugin", "reload", point.instance)
    point.see(table, question, "error")
    eventually(lambda: states(hasty) == before)
    eventually(lambda: table.timeouts(point) > timeouts)
    question.client.drop()
    table.serves(ignored=0)


# ---- the broker ends it

def held_cells(points):
    return [(point, "allow", "held", HELD) for point in points]


def test_connect_timeout(make_broker, use):
    """A login that takes too long has failed, wherever it waits: nothing of it is left, and the answers come too late."""
    points = [POINTS[name] for name in LOGINS]
    table = use(make_broker(configuration(held_cells(points), **{"hook-timeout": "5m", "connect-timeout": "1500ms"})))
    sessions = table.broker.ctl("status")["sessions"]
    questions = [point.ask(table, word_of(point, "allow", "held")) for point in points]
    sessions += sum(one.watcher is not None for one in questions)
    for one in questions:
        one.client.expect(CONNACK, reason=0x88)
        one.client.expect_closed()
    table.release()
    table.serves(ignored=len(points))
    assert table.broker.ctl("status")["sessions"] == sessions + 1  # who was served
    for one in questions:
        arrives(table, one, "deny")


def test_shutdown(make_broker, use):
    """With a question open at every point the broker ends as if there were none."""
    made = configuration(held_cells(POINTS.values()), **{"hook-timeout": "5m", "connect-timeout": "5m"})
    table = use(make_broker(dict(made, workers=4)))
    questions = [(point.name, point.ask(table, word_of(point, "allow", "held"))) for point in POINTS.values()]
    eventually(lambda: table.tickets()[0] == len(POINTS))
    began = time.monotonic()
    table.broker.stop()
    assert time.monotonic() - began < (30 if SANITIZED else 5)
    for name, question in questions:
        if name in LOGINS:
            question.client.expect(CONNACK, reason=0x8B)
            question.client.expect_closed()
        elif name in CONNECTED:
            question.client.expect_disconnect(0x8B)
        if question.watcher:
            question.watcher.expect_disconnect(0x8B)


# ---- where nobody may wait

AT_ONCE = [(verdict, "now") for verdict in VERDICTS + MISTAKES] + [("allow", way) for way in WAYS if way != "now"] + [("allow", "never")]


@pytest.fixture(scope="module")
def impatient():
    """accept and RECEIVE. A listener for each answer, since accept knows nothing else of its client."""
    plugins = {"rights": probe(*[rule("authorize", verdict, action="receive", topic="%s/%s/%s" % (verdict, how, when), how=how)
                                 for verdict, how in AT_ONCE for when in ("Straight", "Queued", "Kept")], rule("authorize"), file="rights.jsonl", events=["deny"])}
    listeners = {"test": {"address": "127.0.0.1:@PORT@", "anonymous": True, "authorize": ["rights"]}}
    for verdict, how in AT_ONCE:
        one = "%s-%s" % (verdict, how)
        plugins[one] = probe(rule("accept", verdict, how=how), file=one + ".jsonl", events=["reload"])
        listeners[one] = {"address": "unix:@DIR@/" + one, "anonymous": True, "authenticate": [one], "authorize": "none"}
    plugins["watch"] = probe(file="watch.jsonl", events=["accept"])
    with Broker({"plugins": plugins, "listeners": listeners}) as one:
        yield one


def has_waited(how):
    return how != "now"


@pytest.mark.parametrize("verdict, how", AT_ONCE)
def test_accept(impatient, connect, dial, verdict, how):
    """It can only refuse; who wants to wait gets no ticket, refuses, and that is told."""
    one, mark = "%s-%s" % (verdict, how), impatient.mark()
    client = dial(to=impatient.path(one))
    try:
        client.connect()
        accepted = True
    except (Closed, BrokenPipeError):
        accepted = False
    assert accepted == (how == "now" and verdict in ("pass", "allow"))
    if not accepted:
        impatient.wait_log(r"connection refused.*module='%s'" % one, after=mark)
    assert bool(Journal(impatient, one + ".jsonl").lines(what="no ticket")) == has_waited(how)
    connect(to=impatient).ping()


class Straight:
    """How a message comes to who has subscribed: at once."""
    retained = False

    def __init__(self, broker, connect, topic):
        self.publisher, self.watcher = connect(to=broker), connect(to=broker)
        self.watcher.subscribe(topic, qos=1)
        self.publisher.publish(topic, "x", 1)


class Queued:
    """When it is there again."""
    retained = False

    def __init__(self, broker, connect, topic):
        keep = {"properties": {"session_expiry": 300}, "to": broker}
        self.publisher, away = connect(to=broker), connect(**keep)
        away.subscribe(topic, qos=1)
        away.disconnect()
        self.publisher.publish(topic, "x", 1)
        self.watcher = connect(away.client_id, clean=False, **keep)


class Kept:
    """As the last that was retained before."""
    retained = True

    def __init__(self, broker, connect, topic):
        self.publisher, self.watcher = connect(to=broker), connect(to=broker)
        self.publisher.publish(topic, "x", 1, retain=True)
        self.watcher.subscribe(topic, qos=1)


@pytest.mark.parametrize("when", [Straight, Queued, Kept])
@pytest.mark.parametrize("verdict, how", AT_ONCE)
def test_receive(impatient, connect, verdict, how, when):
    """A delivery is allowed at once or denied; a denial is counted and told."""
    topic, journal = "%s/%s/%s" % (verdict, how, when.__name__), Journal(impatient, "rights.jsonl")
    denied, refused = impatient.metric("gatehouse_denied_total", action="receive"), len(journal.lines(what="no ticket"))
    one = when(impatient, connect, topic)
    yes = (verdict, how) == ("allow", "now")
    if yes:
        one.watcher.message(topic, "x", qos=1, retain=one.retained)
    else:
        journal.wait(what="event", kind="deny", client=one.watcher.client_id, topic=topic,
                     module="" if verdict == "pass" else "rights")
    assert one.watcher.fence(one.publisher) == []
    assert impatient.metric("gatehouse_denied_total", action="receive") == denied + (not yes)
    assert (len(journal.lines(what="no ticket")) > refused) == has_waited(how)
