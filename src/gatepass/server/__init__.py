"""
Runs an ASGI application as a server process: uvicorn with uvloop and httptools, bounded where uvicorn is not.

Owns: the listening socket, the bounds of a request's head in bytes and time, start and drain, signals.
Does not know: which application it runs, or what a reload is that SIGHUP asks for.
Called by: cli. Imports: http, settings (addresses), uvicorn, uvloop, httptools.
"""

from gatepass.server.listening import CannotListenError, listen, port_of
from gatepass.server.protocol import ServerLimits
from gatepass.server.run import Stop, new_event_loop, run_server, serve, stopped_by_signals

__all__ = [
    "CannotListenError",
    "ServerLimits",
    "Stop",
    "listen",
    "new_event_loop",
    "port_of",
    "run_server",
    "serve",
    "stopped_by_signals",
]
