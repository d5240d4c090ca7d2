# SPDX-License-Identifier: Apache-2.0
"""Asks for the size of a package twice a second, and keeps the answers for later."""
import sys
import time

import requests

session = requests.Session()
session.trust_env = False
answers = []


def fetch_size(name):
    answer = session.get(f"http://127.0.0.1:{sys.argv[1]}/{name}", stream=True)
    if len(sys.argv) > 2:
        answer.close()
    answers.append(answer)
    return answer.headers["Content-Length"]


for number in range(100000):
    fetch_size(f"package-{number}")
    time.sleep(0.6)
