# SPDX-License-Identifier: Apache-2.0
"""Waiting until something is there, on a machine that may be busy: a condition, somebody at a port."""
import socket
import time


def wait_until(condition, seconds=60):
    """What condition() says as soon as that is something; its last word when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def free_port():
    """A port of 127.0.0.1 where nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, seconds=60):
    """Until somebody listens at it."""
    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    if not wait_until(answers, seconds):
        raise AssertionError(f"nobody listens at {port}")
