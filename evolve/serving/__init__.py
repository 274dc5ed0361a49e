"""A search over HTTP while it runs: `guard` decides who may ask, `live` reads, `application` answers."""
