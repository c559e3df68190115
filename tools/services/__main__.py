"""`python -m tools.services start|stop|status [NAME ...]`."""

from __future__ import annotations

import argparse

from tools.services import running
from tools.services.model import MissingError, Running


def main(arguments: list[str] | None = None) -> int:
    """Do to each named service, or to all, what is asked; 1 when one can't be started."""
    parser = argparse.ArgumentParser(prog="python -m tools.services", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(running.SERVICES)}; by default all")
    options = parser.parse_args(arguments)
    names = options.names or list(running.SERVICES)
    unknown = [name for name in names if name not in running.SERVICES]
    if unknown:
        parser.error(f"no service is called {unknown[0]!r}; possible are {', '.join(running.SERVICES)}")
    return max(_act(options.action, name) for name in names)


def _act(action: str, name: str) -> int:
    try:
        match action:
            case "start":
                print(f"{name}: {_told(running.start(name))}")
            case "stop":
                print(f"{name}: {'stopped' if running.stop(name) else 'was not running'}")
            case _:
                found = running.status(name)
                print(f"{name}: {_told(found) if found else 'not running'}")
    except MissingError as error:
        print(f"{name}: {error}")
        return 1
    return 0


def _told(found: Running) -> str:
    return f"{found.address['url']} (pid {found.pid}, {found.folder})"


if __name__ == "__main__":
    raise SystemExit(main())
