# SPDX-License-Identifier: Apache-2.0
"""gatehoused as a process: configuration, start, log, control, end."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.environ.get("GATEHOUSE_SRCDIR", os.path.normpath(os.path.join(HERE, "../../..")))
BUILD = os.environ.get("GATEHOUSE_BUILDDIR", SOURCES)
GATEHOUSED = os.environ.get("GATEHOUSED", os.path.join(BUILD, "broker/gatehoused"))
GATEHOUSECTL = os.environ.get("GATEHOUSECTL", os.path.join(BUILD, "broker/ctl/gatehousectl"))
MODULES = os.environ.get("GATEHOUSE_PLUGIN_PATH", os.path.join(BUILD, "modules"))
WORKERS = int(os.environ.get("GATEHOUSE_WORKERS") or 4)
SANITIZED = os.environ.get("GATEHOUSE_SANITIZE", "no") not in ("no", "")
DEADLINE = 60 if SANITIZED else 20  # seconds: for anything that should happen at once, on a loaded machine

REPORT = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")
PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:-]*$")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def scalar(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(scalar(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join("%s: %s" % (scalar(k), scalar(v)) for k, v in value.items()) + " }"
    text = str(value)
    return text if PLAIN.match(text) else json.dumps(text, ensure_ascii=False)


def yaml(config, indent=0):
    """A dict as a person would write it."""
    lines = []
    for key, value in config.items():
        if isinstance(value, dict) and value:
            lines.append("%s%s:\n%s" % (" " * indent, scalar(key), yaml(value, indent + 2)))
        else:
            lines.append("%s%s: %s\n" % (" " * indent, scalar(key), scalar(value)))
    return "".join(lines)


def merged(base, more):
    out = dict(base)
    for key, value in more.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def module_arguments():
    return ["--plugin-directory", MODULES] if os.path.isdir(MODULES) else []


def has_module(name):
    """The module was built (a file, or part of the daemon)."""
    return subprocess.run([GATEHOUSED, "--options", name] + module_arguments(), capture_output=True).returncode == 0


class Broker:
    """One gatehoused. config: a dict, merged into the defaults below (give `listeners` to replace the listener), or the
    whole file as text, in which @PORT@ and @DIR@ stand for a free port and the broker's own directory."""

    def __init__(self, config=None, args=(), env=None, start=True, listener=None):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-")
        self.port = free_port()
        self.file = os.path.join(self.directory, "gatehouse.yaml")
        self.socket = os.path.join(self.directory, "control.sock")
        self.args, self.env = list(args), env
        self.lines, self.news = [], threading.Condition()
        self.process = self.reader = None
        self.ending = False  # it has been told to
        self.write(config if config is not None else {}, listener)
        if start:
            self.start()

    # ---- configuration

    def defaults(self, listener=None):
        one = {"address": "127.0.0.1:%d" % self.port, "anonymous": True, "authorize": "none"}
        return {"workers": WORKERS, "state-directory": os.path.join(self.directory, "state"),
                "control": {"socket": self.socket}, "shutdown-timeout": "10s",
                "listeners": {"test": merged(one, listener or {})}}

    def write(self, config, listener=None):
        """Writes the configuration; a running broker reads it at reload()."""
        if isinstance(config, dict):
            base = self.defaults(listener)
            if "listeners" in config:
                del base["listeners"]
            config = yaml(merged(base, config))
        text = config.replace("@PORT@", str(self.port)).replace("@DIR@", self.directory)
        with open(self.file, "w", encoding="utf-8") as out:
            out.write(text)

    def path(self, name, content=None, mode=0o600):
        """A file in the broker's directory, where relative paths of the configuration begin."""
        path = os.path.join(self.directory, name)
        if content is not None:
            with open(path, "wb" if isinstance(content, bytes) else "w") as out:
                out.write(content)
            os.chmod(path, mode)
        return path

    # ---- the process

    def command(self):
        return [GATEHOUSED, "-c", self.file] + module_arguments() + self.args

    def start(self, ready=r"running, workers="):
        """Starts, and waits until it says that it listens. Fails with its log otherwise."""
        self.launch()
        self.wait_log(ready)
        return self

    def launch(self):
        """Starts, and doesn't wait."""
        env = dict(os.environ, **(self.env or {}))
        self.ending = False
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=env)
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()

    def _read(self, stream):
        for line in stream:
            with self.news:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.lines.append(None)  # the end
            self.news.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def memory(self, key="VmRSS"):
        """Bytes of it that are in memory (VmRSS), or were at most (VmHWM)."""
        with open("/proc/%d/status" % self.pid) as status:
            for line in status:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
        raise KeyError(key)

    def signal(self, number):
        self.ending |= number == signal.SIGTERM
        self.process.send_signal(number)

    def log(self):
        with self.news:
            return [line for line in self.lines if line is not None]

    def mark(self):
        """A place in the log, for wait_log(after=)."""
        with self.news:
            return len(self.lines)

    def wait_log(self, pattern, timeout=DEADLINE, after=0):
        """The first line (as a match) that the pattern is found in, now or within the timeout."""
        wanted, end, seen = re.compile(pattern), time.monotonic() + timeout, after
        with self.news:
            while True:
                for line in self.lines[seen:]:
                    seen += 1
                    found = wanted.search(line) if line is not None else None
                    assert line is not None, "ended before %r was logged:\n%s" % (pattern, self.tail())
                    if found:
                        return found
                left = end - time.monotonic()
                assert left > 0, "%r wasn't logged within %d s:\n%s" % (pattern, timeout, self.tail())
                self.news.wait(left)

    def tail(self, count=60):
        return "\n".join(line for line in self.lines[-count:] if line is not None)

    def wait(self, timeout=DEADLINE):
        """Waits for its end: the exit code."""
        code = self.process.wait(timeout)
        self.reader.join(DEADLINE)
        return code

    def check(self):
        """No sanitizer has had anything to report."""
        reports = [line for line in self.log() if REPORT.search(line)]
        assert not reports, "\n".join(self.log()[-200:])

    def stop(self, code=0, timeout=None):
        """SIGTERM; it has to end by itself with this exit code. Twice is harmless."""
        if self.process is None:
            return
        try:
            if self.alive() and not self.ending: # a second one would end it at once
                self.signal(signal.SIGTERM)
            got = self.wait(timeout or DEADLINE + 10)
            self.check()
            assert got == code, "exit code %d:\n%s" % (got, self.tail())
        finally:
            self.kill()

    def restart(self, crash=False):
        """The same configuration and directory, another process; its log begins anew."""
        if crash:
            self.process.kill()
        else:
            self.signal(signal.SIGTERM)
        code = self.wait()
        self.check()
        assert code == (-signal.SIGKILL if crash else 0), self.tail()
        self.lines = []
        return self.start()

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()
        self.process = None

    def remove(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
        finally:
            self.remove()

    # ---- control

    def run_ctl(self, *words, timeout=DEADLINE):
        """gatehousectl WORDS: the finished process, whatever its exit code."""
        return subprocess.run([GATEHOUSECTL, "--socket", self.socket, *map(str, words)], capture_output=True, text=True,
                              timeout=timeout)

    def ctl(self, *words):
        """gatehousectl --json WORDS, which must succeed: its JSON."""
        done = self.run_ctl("--json", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def reload(self):
        """Through SIGHUP's twin, so that it has happened when this returns."""
        return self.ctl("reload")

    def clients(self):
        return {row["client"]: row for row in self.ctl("clients")}

    def metric(self, name, **labels):
        """The sum over all samples of this name that carry these labels."""
        rows = [row for row in self.ctl("metrics") if row["name"] == name]
        assert rows, "no metric %s" % name
        return sum(row["value"] for row in rows if all('%s="%s"' % kv in row["labels"] for kv in labels.items()))
