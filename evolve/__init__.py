"""The command line and the search loop."""
