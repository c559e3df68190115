"""Makes the data of `examples/nycflights` again, from the public package it comes from."""
