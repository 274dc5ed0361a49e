"""Language models as proposers: providers, prompts, answers that are checked, and the ledger's budgets."""
