"""Papers from arXiv: polite requests, feeds that may be broken, and ingestion that continues where it stopped."""
