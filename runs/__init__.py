"""Durable state of a search: store, resume, genealogy.

`runs.store.Store` writes a search and resumes it, `runs.archive.Archive` reads one, `runs.records` holds the
values both exchange. Importing this package imports neither SQLite nor numpy.
"""
