"""
The process that hashes: reads a request, answers it, until its input closes.

It stands alone: started by path with `-I -S`, it imports libsodium and nothing of gatepass, so that it is small, up
within 20 ms, and reads no site configuration. Secrets reach it through its pipe only.

A message is its length (4 bytes, big-endian) and its body. Requests: `h` ‖ memory KiB ‖ passes ‖ password, or
`v` ‖ length of the PHC string ‖ PHC string ‖ password. Answers: `+` ‖ PHC string (or nothing), `-` for a wrong
password, `!` ‖ why it failed. The first message is an answer without a request: the worker is up.
"""

from __future__ import annotations

import errno
import os
import signal
import struct
import sys
from collections.abc import Callable

LENGTH = struct.Struct(">I")
HASH_HEAD = struct.Struct(">cII")
VERIFY_HEAD = struct.Struct(">cH")
HASH, VERIFY = b"h", b"v"
DONE, WRONG, FAILED = b"+", b"-", b"!"

NICENESS = 19
_PHC_BUFFER_BYTES = 128
_ARGON2ID13 = 2


def hash_request(password: bytes, memory_kib: int, passes: int) -> bytes:
    """The body of a request for a new PHC string."""
    return HASH_HEAD.pack(HASH, memory_kib, passes) + password


def verify_request(password: bytes, password_hash: str) -> bytes:
    """The body of a request to check a password against a PHC string."""
    phc = password_hash.encode("ascii")
    return VERIFY_HEAD.pack(VERIFY, len(phc)) + phc + password


def main(library_folders: list[str]) -> None:
    """Answer requests on standard input until it closes: the parent is gone then, however it ended."""
    _ignore_signals()
    forbid_core_dumps()
    sys.path.extend(library_folders)
    answer = _argon2()
    _lower_priority()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    _write(answers.write, answers.flush, DONE)
    while head := requests.read(LENGTH.size):
        request = requests.read(LENGTH.unpack(head)[0])
        _write(answers.write, answers.flush, answer(request))


def _write(write: Callable[[bytes], object], flush: Callable[[], object], body: bytes) -> None:
    write(LENGTH.pack(len(body)) + body)
    flush()


def _ignore_signals() -> None:
    """The parent alone ends a worker: Ctrl-C and a service stop reach the whole group, and requests are in flight."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def forbid_core_dumps() -> None:
    """
    A core dump would hold passwords, and in a server keys as well; of this process and those it starts.

    1 and not 0: where `core_pattern` is a pipe, Linux overlooks a limit of 0 and refuses at 1, see core(5).
    """
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 1 if hard == resource.RLIM_INFINITY else min(1, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def _lower_priority() -> None:
    """
    Hashing takes what the event loop leaves over. Windows has no `nice`; the parent lowers the process there.

    p99 of a task that comes 1,000 times a second, two workers hashing on two cores: 0.9 ms idle, 1.7 at niceness 19,
    4.0 at 10, 7.1 at 0; hashes per second 36, 38 and 38 beside the same other load (medians of six rounds).
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)


def _argon2() -> Callable[[bytes], bytes]:
    """
    What answers a request.

    libsodium is called directly and not through `nacl.pwhash`, which reports a lack of memory as a wrong password:
    `errno` tells the two apart. It also saves 3 MB in each worker.
    """
    from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # noqa: PLC0415 - the paths stand only now

    if lib.sodium_init() < 0:
        raise RuntimeError("libsodium could not be initialised")

    def new_hash(request: bytes) -> bytes:
        _, memory_kib, passes = HASH_HEAD.unpack_from(request)
        password = request[HASH_HEAD.size :]
        phc = ffi.new("char[]", _PHC_BUFFER_BYTES)
        failed = lib.crypto_pwhash_str_alg(phc, password, len(password), passes, memory_kib * 1024, _ARGON2ID13)
        return FAILED + os.strerror(ffi.errno).encode() if failed else DONE + bytes(ffi.string(phc))

    def check(request: bytes) -> bytes:
        start = VERIFY_HEAD.size
        end = start + VERIFY_HEAD.unpack_from(request)[1]
        phc, password = request[start:end], request[end:]
        ffi.errno = 0
        if lib.crypto_pwhash_str_verify(phc, password, len(password)) == 0:
            return DONE
        return WRONG if ffi.errno == errno.EINVAL else FAILED + os.strerror(ffi.errno).encode()

    return lambda request: check(request) if request.startswith(VERIFY) else new_hash(request)


if __name__ == "__main__":
    main(sys.argv[1:])
