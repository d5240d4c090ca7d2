# SPDX-License-Identifier: Apache-2.0
"""Spools each upload to a temporary file and keeps it in a list 'for the log'."""
import sys
import tempfile
import time

uploads = []


def spool_upload():
    file = tempfile.TemporaryFile()
    file.write(b"x" * 65536)
    file.flush()
    if len(sys.argv) <= 2:
        uploads.append(file)


while True:
    spool_upload()
    time.sleep(0.4)
