# SPDX-License-Identifier: Apache-2.0
"""The release build's Debian packages and installed tree, for the tests that try them."""
import contextlib
import fcntl
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from scripted import run  # noqa: E402  (after the path)


@contextlib.contextmanager
def locked():
    """Holds the lock that ./plumb takes to build."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build/release.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build():
    run("cmake", "--preset", "release", cwd=ROOT)
    run("cmake", "--build", "--preset", "release", cwd=ROOT)


def copy_packages(folder):
    """Builds preset release and its packages; returns copies of them in folder."""
    with locked():
        packages = ROOT / "build/release/packages"
        shutil.rmtree(packages, ignore_errors=True)
        run("cmake", "--workflow", "--preset", "release", cwd=ROOT)
        return [pathlib.Path(shutil.copy(each, folder)) for each in sorted(packages.glob("*.deb"))]


def install(prefix):
    """cmake --install of preset release, which copy_packages has built."""
    run("cmake", "--install", ROOT / "build/release", "--prefix", prefix)
