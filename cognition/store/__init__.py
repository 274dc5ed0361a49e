"""The cognition store: papers, components, insights and how they relate, in one SQLite file."""
