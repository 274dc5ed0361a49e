"""Array programs for recipes: one package per framework, loaded when first used."""
