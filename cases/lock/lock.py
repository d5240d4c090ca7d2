# SPDX-License-Identifier: Apache-2.0
"""A backup takes the lock of its jobs and waits for a child under it; a second job waits for the lock. The healthy
ones are three that take it for a moment each, beside a daemon that keeps the lock of the file with its number."""
import fcntl
import os
import subprocess
import sys
import time

state, healthy = sys.argv[1], len(sys.argv) > 2


def locked(name):
    file = open(os.path.join(state, name), "w", encoding="ascii")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def work():
    while True:
        with locked("job.lock"):
            time.sleep(0.2)


def second_job():
    kept.close()  # its parent's, which still has the lock
    with locked("job.lock"):
        pass


def start(job):
    pid = os.fork()
    if pid == 0:
        job()
        os._exit(0)
    return pid


if healthy:
    kept = locked("daemon.pid")
    workers = [start(work) for _ in range(3)]
    waiter = workers[0]
else:
    kept = locked("job.lock")
    waiter = start(second_job)
with open(os.path.join(state, "waiter.new"), "w", encoding="ascii") as out:
    out.write(f"{waiter}\n")
os.rename(os.path.join(state, "waiter.new"), os.path.join(state, "waiter"))
subprocess.run(["sleep", "10000"], check=False)
