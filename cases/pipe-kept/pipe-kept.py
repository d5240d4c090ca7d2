# SPDX-License-Identifier: Apache-2.0
"""Reads what a helper says to its end; a daemon started meanwhile holds the writing end as well."""
import os
import subprocess
import sys
import time

healthy = len(sys.argv) > 2
read, write = os.pipe()
os.set_inheritable(write, not healthy)
daemon = subprocess.Popen(["sleep", "3600"], close_fds=healthy)
helper = subprocess.Popen(["echo", "done"], stdout=write)
os.close(write)
while os.read(read, 4096):
    pass
helper.wait()
time.sleep(3600)
