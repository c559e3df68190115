"""`python -m datacoolie`: the same as the command `datacoolie`."""

from __future__ import annotations

from datacoolie.cli import main

if __name__ == "__main__":
    main()
