"""What must hold in every search: rows, recipes and edits, scores and credit, evidence, the books on models."""
