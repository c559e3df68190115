"""Projects, plans and runs: the load protocol and what runs before what."""
