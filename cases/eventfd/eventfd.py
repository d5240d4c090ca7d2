# SPDX-License-Identifier: Apache-2.0
"""An eventfd for each request; every second request fails and forgets it."""
import os
import sys
import time


def handle_request(number):
    done = os.eventfd(0)
    if number % 2 == 0 and len(sys.argv) <= 2:
        return
    os.close(done)


number = 0
while True:
    number += 1
    handle_request(number)
    time.sleep(0.25)
