"""The command line as `python -m gatepass.cli`."""

from gatepass.cli import main

main()
