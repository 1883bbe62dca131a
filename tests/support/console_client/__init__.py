"""A typed client of the console API: `operations` is generated, `transport` carries it."""
