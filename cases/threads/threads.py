# SPDX-License-Identifier: Apache-2.0
"""A thread for each request; the answer is put where nobody looks for it."""
import sys
import threading
import time


def handle_request(answer):
    answer.wait(0.2 if len(sys.argv) > 2 else None)


def accept_request():
    threading.Thread(target=handle_request, args=(threading.Event(),), daemon=True).start()


while True:
    accept_request()
    time.sleep(0.5)
