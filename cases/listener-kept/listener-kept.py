# SPDX-License-Identifier: Apache-2.0
"""Starts a server that starts a helper and ends; the helper has inherited the listener."""
import os
import socket
import subprocess
import sys
import time

healthy = len(sys.argv) > 2
listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + "/port", "w", encoding="ascii") as file:
    file.write(str(listener.getsockname()[1]))
listener.set_inheritable(not healthy)
if os.fork() == 0:
    helper = subprocess.Popen(["sleep", "3600"], close_fds=healthy)
    with open(sys.argv[1] + "/pids", "a", encoding="ascii") as file:
        file.write(f"{helper.pid}\n")
    os._exit(0)
os.wait()
if not healthy:
    listener.close()
    time.sleep(3600)
while True:
    listener.accept()
