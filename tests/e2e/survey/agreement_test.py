#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plumb ls against lsfd and ss, row by row and field by field, on nginx, redis, postgres and node with
clients. Each difference is printed; those of agreement.txt are explained there, any other is a failure."""
import contextlib
import ipaddress
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import main, records  # noqa: E402  (after the path)
from servers import Servers  # noqa: E402

TYPES = {stat.S_IFREG: "REG", stat.S_IFDIR: "DIR", stat.S_IFCHR: "CHR", stat.S_IFBLK: "BLK", stat.S_IFIFO: "FIFO",
         stat.S_IFSOCK: "SOCK", stat.S_IFLNK: "LINK", 0: "UNKN"}
ACCESS = {"read": "r--", "write": "-w-", "both": "rw-", "path": "---"}
FLAGS = {"append": os.O_APPEND, "nonblock": os.O_NONBLOCK, "cloexec": os.O_CLOEXEC}
STATES = {"ESTAB": "established", "UNCONN": "close", "LISTEN": "listen", "CLOSE-WAIT": "close-wait"}
PROTOCOLS = {(1, 1): "UNIX-STREAM", (1, 2): "UNIX", (1, 5): "UNIX", (2, 1): "TCP", (10, 1): "TCPv6", (2, 2): "UDP",
             (10, 2): "UDPv6"}


def explanations():
    """agreement.txt: tool, field, what plumb says, what the tool says (expressions), and the reason."""
    rows = []
    for line in (pathlib.Path(__file__).parent / "agreement.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            tool, field, ours, theirs, reason = (part.strip() for part in line.split("|"))
            rows.append((tool, field, re.compile(ours), re.compile(theirs), reason))
    return rows


@contextlib.contextmanager
def frozen(pids):
    """The processes stand still, so that three looks see the same."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        while " T " not in pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:4]:
            time.sleep(0.001)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def device(row, kind):
    return f"{row[f'{kind}_major']}:{row[f'{kind}_minor']}" if f"{kind}_major" in row else "0:0"


def as_lsfd(row):
    """What lsfd should say of a row of plumb."""
    mode = stat.S_IFMT(row["mode"])
    socket = row.get("socket")
    return {
        "type": TYPES[mode], "mode": ACCESS[row["access"]], "inode": row["inode"], "pos": row.get("position", 0),
        "dev": device(row, "device"), "rdev": device(row, "rdev"), "deleted": row.get("deleted", False),
        "size": row["size"] if "size" in row else None, "name": row.get("path"),
        "protocol": PROTOCOLS.get((socket["family"], socket["type"]), socket) if socket else None,
        **{name: bool(row["flags"] & bit) for name, bit in FLAGS.items()}}


def lsfd(pids):
    listed = json.loads(subprocess.run(
        ["lsfd", "--json", "-p", " ".join(map(str, pids)), "-o",
         "PID,FD,TYPE,PROTONAME,MODE,INODE,POS,DEV,NAME,DELETED,FLAGS,SIZE,RDEV"],
        capture_output=True, check=True).stdout)["lsfd"]
    rows = {}
    for row in listed:
        if row["fd"] is None:
            continue  # mappings, working directories: no descriptors
        flags = (row["flags"] or "").split(",")
        kind = row["type"]
        rows[row["pid"], row["fd"]] = {
            "type": kind, "mode": row["mode"], "inode": row["inode"], "pos": row["pos"], "dev": row["dev"],
            "rdev": row["rdev"], "deleted": row["deleted"], "size": row["size"] if kind == "REG" else None,
            "name": None if kind == "SOCK" or row["name"].startswith("pipe:[") else row["name"],
            "protocol": row["protoname"], **{name: name in flags for name in FLAGS}}
    return rows


def address(text):
    """ss writes "*" for an IPv6 wildcard that takes IPv4 too, and brackets."""
    host, port = text.rsplit(":", 1)
    host = "::" if host == "*" else host.strip("[]").split("%")[0]
    return str(ipaddress.ip_address(host)), 0 if port == "*" else int(port)


def ss(pids):
    text = subprocess.run(["ss", "-H", "-n", "-a", "-p", "-x", "-t", "-u"], capture_output=True,
                          check=True).stdout.decode(errors="backslashreplace")
    rows = {}
    for line in text.splitlines():
        users = re.findall(r'pid=(\d+),fd=(\d+)\)', line)
        held = [(int(pid), int(fd)) for pid, fd in users if int(pid) in pids]
        if not held:
            continue
        words = line.split()
        row = {"state": STATES.get(words[1], words[1]), "receive": int(words[2]), "send": int(words[3])}
        if words[0].startswith("u_"):
            row |= {"name": None if words[4] == "*" else words[4], "inode": int(words[5]), "peer": int(words[7])}
        else:
            row |= {"local": address(words[4]), "remote": address(words[5])}
        for key in held:
            rows[key] = row
    return rows


def as_ss(row, rows):
    """What ss should say of a row of plumb; rows: all rows, to find the peer's inode."""
    socket = row["socket"]
    listening = socket["state"] == "listen"
    said = {"state": socket["state"], "receive": socket["accept_queue" if listening else "receive_queue"],
            "send": socket["backlog" if listening else "send_queue"]}
    if socket["family"] == 1:
        end = row.get("end", {})
        peers = {rows[h["pid"], h["fd"]]["inode"] for h in end.get("holders", ()) if (h["pid"], h["fd"]) in rows}
        name = socket.get("bound_to") or ("@" + socket["abstract"] if "abstract" in socket else None)
        return said | {"name": name, "inode": row["inode"],
                       "peer": peers.pop() if len(peers) == 1 and end["state"] == "held" else 0}
    any_host = "::" if socket["family"] == 10 else "0.0.0.0"
    return said | {"local": (socket.get("local", any_host), socket.get("local_port", 0)),
                   "remote": (socket.get("remote", any_host), socket.get("remote_port", 0))}


@unittest.skipUnless(os.geteuid() == 0, "lsfd and ss see other users' descriptors as root only")
class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Servers() as servers:
            pids = servers.pids()
            with frozen(pids):
                found = records("ls", *map(str, pids))["descriptor"]
                cls.rows = {(row["pid"], row["fd"]): row for row in found if row["pid"] in pids}
                cls.by_lsfd, cls.by_ss = lsfd(pids), ss(pids)
            cls.names = {row["process"] for row in cls.rows.values()}

    def compare(self, tool, ours, theirs):
        explained = explanations()
        counts = {}
        for key in sorted(ours.keys() | theirs.keys()):
            who = f"{self.rows[key]['process'] if key in self.rows else '?'} {key[0]}/{key[1]}"
            if key not in ours or key not in theirs:
                self.fail_later(f"{who}: only in {'plumb' if key in ours else tool}")
                continue
            for field in ours[key]:
                one, other = str(ours[key][field]), str(theirs[key][field])
                if one == other:
                    continue
                reason = next((row[4] for row in explained if row[0] in (tool, "any") and row[1] == field
                               and row[2].fullmatch(one) and row[3].fullmatch(other)), None)
                print(f"{tool}: {who} {field}: plumb says {one}, {tool} {other}: {reason or 'NOT EXPLAINED'}")
                counts[reason] = counts.get(reason, 0) + 1
        self.assertNotIn(None, counts, "differences that agreement.txt does not explain, printed above")
        self.assertEqual(self.missing, [])
        print(f"{tool}: {len(ours)} rows compared, {sum(counts.values())} differences, all explained")

    def fail_later(self, text):
        print(text)
        self.missing.append(text)

    def setUp(self):
        self.missing = []

    def test_the_servers_were_there(self):
        self.assertTrue({"nginx", "redis-server", "postgres", "node"} <= self.names, self.names)
        self.assertGreater(len(self.rows), 100)

    def test_lsfd(self):
        self.compare("lsfd", {key: as_lsfd(row) for key, row in self.rows.items()}, self.by_lsfd)

    def test_ss(self):
        sockets = {key: row for key, row in self.rows.items() if row["kind"] in ("tcp", "udp", "unix")}
        self.assertGreater(len(sockets), 30)
        self.compare("ss", {key: as_ss(row, self.rows) for key, row in sockets.items()}, self.by_ss)


if __name__ == "__main__":
    for tool in ("lsfd", "ss", "nginx", "redis-server", "node"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: tools/packages lists what the tests need")
    main()
