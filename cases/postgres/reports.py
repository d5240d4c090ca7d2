# SPDX-License-Identifier: Apache-2.0
"""A report a second by libpq, each with a connection of its own; the healthy one finishes it."""
import ctypes
import sys
import time

pq = ctypes.CDLL("libpq.so.5")
pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
pq.PQconnectdb.argtypes = [ctypes.c_char_p]
pq.PQexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
pq.PQclear.argtypes = pq.PQfinish.argtypes = [ctypes.c_void_p]


def make_report():
    connection = pq.PQconnectdb(f"host=127.0.0.1 port={sys.argv[1]} user=postgres dbname=postgres".encode())
    pq.PQclear(pq.PQexec(connection, b"select count(*) from pg_class"))
    if len(sys.argv) > 2:
        pq.PQfinish(connection)


while True:
    make_report()
    time.sleep(0.7)
