"""The documentation: what its site has beside the files in `docs`, and its code blocks, which run."""
