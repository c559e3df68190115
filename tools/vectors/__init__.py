"""Golden vectors of the expression language: what a real Spark answers, written down as JSON."""
