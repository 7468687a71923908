#!/usr/bin/env python3
"""Types into a program that runs on a terminal, and prints what it shows:  type.py KEYS EXPECTED PROGRAM ARGUMENT...

Ends as soon as EXPECTED was shown, or without success after ten seconds.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

keys, expected, program = sys.argv[1].encode(), sys.argv[2].encode(), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    os.execvp(program[0], program)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
shown, typed, deadline = b"", False, time.monotonic() + 10
while expected not in shown and time.monotonic() < deadline:
    if not select.select([terminal], [], [], 0.2)[0]:
        continue
    try:
        shown += os.read(terminal, 65536)
    except OSError:
        break
    if not typed and b"> " in shown:
        os.write(terminal, keys)
        typed = True
os.kill(child, 9)
os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
sys.exit(expected not in shown)
