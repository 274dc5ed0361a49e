"""Tasks, scales, and the training and scoring of recipes under a budget."""
