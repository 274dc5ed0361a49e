"""Edits in words, one line each."""

from __future__ import annotations

from genome.edits import kinds as k
from genome.recipe import Gene, Recipe


def describe(edit: k.Edit, recipe: Recipe) -> str:
    """One line that says what an edit does to a recipe, also where it cannot be applied."""
    genes = dict(recipe.genes())
    match edit:
        case k.InsertGene(path=path, gene=gene):
            line = f"insert {gene} at {path}"
        case k.RemoveGene(path=path):
            line = f"remove {_old(genes, path)} from {_where(path)}"
        case k.ReplaceGene(path=path, gene=gene):
            line = f"replace {_old(genes, path)} by {gene} in {_where(path)}"
        case k.SetSetting(path=path, setting=setting, value=value):
            old = genes[path].settings.get(setting) if path in genes else None
            change = f"to {value}" if old is None else f"{old} -> {value}"
            line = f"set {setting} {change} of {_old(genes, path)} in {_where(path)}"
        case k.InsertBlock(position=position, block=block):
            line = f"insert block {block} at {position}"
        case k.RemoveBlock(position=position):
            block = f": {recipe.blocks[position]}" if position < len(recipe.blocks) else ""
            line = f"remove block {position}{block}"
        case k.MoveBlock(source=source, target=target):
            line = f"move block {source} to {target}"
        case k.DuplicateBlock(position=position):
            line = f"duplicate block {position}"
        case k.SetRepeat(position=position, repeat=repeat):
            old = f"{recipe.blocks[position].repeat} -> " if position < len(recipe.blocks) else ""
            line = f"set repeat {old}{repeat} of block {position}"
        case k.SetResidual(position=position, gene=gene):
            line = f"set residual {gene or 'none'} in block {position}"
        case k.SetMerge(position=position, gene=gene):
            line = f"set merge {gene} in block {position}"
        case k.SplitBlock(position=position, branch=branch, merge=merge):
            joined = f", merged by {merge}" if merge else ""
            line = f"add branch {' > '.join(map(str, branch))} to block {position}{joined}"
        case k.RemoveBranch(position=position, branch=branch):
            line = f"remove branch {branch} of block {position}"
        case k.Graft(start=start, stop=stop, blocks=blocks):
            count = f"{len(blocks)} block{'s' if len(blocks) > 1 else ''}"
            line = f"graft {count} from another recipe at {start}..{stop}"
        case k.RewriteOperation(path=path, node=node, operation=operation, options=options):
            inner = f"({', '.join(f'{name}={value}' for name, value in options.items())})" if options else ""
            line = f"rewrite operation {node} of {_old(genes, path)} in {_where(path)} to {operation}{inner}"
        case k.DefineComponent(source=source):
            definition = next((row for row in source.splitlines() if row.startswith("def ")), "")
            line = f"define component {definition[4:].partition('(')[0] or 'from source'}"
    return " ".join(line.split())


def _old(genes: dict[str, Gene], path: str) -> str:
    return genes[path].component if path in genes else "nothing"


def _where(path: str) -> str:
    place = path.partition(".")[0]
    return f"block {place}" if place.isdecimal() else "training" if place == "training" else f"the {place}"
