"""The reverse proxy nginx, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness.machine import Cores
from benchmarks.harness.processes import ServerProcess, free_port, server

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  {temporary}
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


def program() -> str | None:
    """Where nginx is; Debian has it in a folder that is not on everybody's path."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def nginx(upstream: int, *, cores: Cores | None = None) -> Iterator[ServerProcess]:
    """Run nginx in front of an upstream's port; the CPU time is that of master and worker."""
    found = program()
    if found is None:
        raise FileNotFoundError("nginx")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="gatepass-bench-") as name:
        folder = Path(name)
        config = folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=folder,
                temporary=" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY),
                upstream=upstream,
                port=port,
            ),
            "utf-8",
        )
        command = [found, "-e", "stderr", "-p", str(folder), "-c", str(config)]
        with server(command, port, cores=cores, counts_children=True) as process:
            yield process
