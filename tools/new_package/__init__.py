"""New packages of the workspace: `python -m tools.new_package`."""
