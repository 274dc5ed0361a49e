"""Searches beside one another: `traces` reads them, `groups` sorts them, `measures` compares, `page` renders it."""
