"""What a search teaches beyond its champion: neighbours, ordered configurations and edits that pay or do not."""
