"""What must hold in every search: `inheritance` of recipes and edits, `measurement` of scores and credit."""
