"""What the programs in this folder share: where the server is, and how a check ends."""

import importlib.metadata
import os
import subprocess
import sys
import time

HOST = "127.0.0.1"
PORT = int(os.environ["LARDER_PORT"])
URL = f"redis://{HOST}:{PORT}"


def until(what, condition, seconds=30):
    """Waits until `condition` holds and returns what it returned; fails loudly when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)
    return found


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


def raises(kind, text, call, *args, **kwargs):
    """Fails unless `call` raises an error of `kind` that says `text`."""
    try:
        got = call(*args, **kwargs)
    except kind as error:
        if text not in str(error):
            raise AssertionError(f"wanted an error with {text!r}, got {error!r}") from error
    else:
        raise AssertionError(f"wanted {kind.__name__} {text!r}, got {got!r}")


def done(packages, told):
    """The one line that tells what was checked."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"{versions}: {told}")


class Workers:
    """Processes that are ended, by their ids, when the block ends, however it ends."""

    def __init__(self, *commands):
        self.commands = commands

    def __enter__(self):
        here = os.path.dirname(os.path.abspath(__file__))
        self.running = [subprocess.Popen([sys.executable, *command], cwd=here) for command in self.commands]
        return self.running

    def __exit__(self, *_):
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
