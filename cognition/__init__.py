"""What is known of published components: the library, the store with papers about it, and reading arXiv."""
