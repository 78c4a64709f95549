"""
Runs an ASGI application as a server process: uvicorn with uvloop and httptools, bounded where uvicorn is not.

Owns: the listening socket, the bounds of a request's head in bytes and time, start and drain, signals, and several
processes on one socket.
Does not know: which application it runs, or what a reload is that SIGHUP asks for.
Called by: cli. Imports: http, settings (addresses), uvicorn, uvloop, httptools.
"""

from gatepass.server.inherited import Inherited
from gatepass.server.listening import CannotListenError, listen, port_of
from gatepass.server.protocol import ServerLimits
from gatepass.server.run import Stop, new_event_loop, run_inherited, run_server, serve, stopped_by_signals
from gatepass.server.supervisor import NotStartedError, run_servers

__all__ = [
    "CannotListenError",
    "Inherited",
    "NotStartedError",
    "ServerLimits",
    "Stop",
    "listen",
    "new_event_loop",
    "port_of",
    "run_inherited",
    "run_server",
    "run_servers",
    "serve",
    "stopped_by_signals",
]
