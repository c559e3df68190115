"""What the tests of all packages share."""

from __future__ import annotations

pytest_plugins = ["tools.services.fixtures"]
