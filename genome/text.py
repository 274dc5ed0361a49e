"""Reading source text within bounds: size, nesting and characters, before anything looks at its meaning."""

from __future__ import annotations

import ast
import keyword
import re
import tokenize
import unicodedata
from io import StringIO

from genome.errors import LanguageError

TEXT_LIMIT = 16_384
NESTING_LIMIT = 32
DEPTH_LIMIT = 200
NAME_LIMIT = 64

ALLOWED = "a component is one function with assignments of operation calls and arithmetic, and one return"


def read_functions(source: str) -> list[ast.FunctionDef]:
    if len(source) > TEXT_LIMIT:
        raise LanguageError(f"the text has {len(source)} characters; up to {TEXT_LIMIT} are accepted")
    _check_nesting(source)
    _check_characters(source)
    try:
        module = ast.parse(source)
    except SyntaxError as error:
        raise LanguageError(f"not Python syntax: {error.msg}", error.lineno or 0, error.offset or 0) from None
    except (RecursionError, MemoryError):
        raise LanguageError("the text is nested too deep; break expressions into several assignments") from None
    except ValueError as error:
        raise LanguageError(f"the text cannot be read: {error}") from None
    for statement in module.body:
        if not isinstance(statement, ast.FunctionDef):
            raise error_at(statement, f"{describe(statement)} is not accepted; {ALLOWED}")
    _check_tree(module)
    return [statement for statement in module.body if isinstance(statement, ast.FunctionDef)]


def _check_nesting(source: str) -> None:
    """Bound the depth of brackets and of operator chains before Python's own parser recurses over them."""
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > 1000 or len(re.findall(r"[-+*/~]", line)) > 200:
            raise LanguageError("the line is too long; break it into several assignments", number, 1)
    depth = 0
    for match in re.finditer(r"[()\[\]{}]", source):
        depth += 1 if match[0] in "([{" else -1
        if depth > NESTING_LIMIT:
            line = source.count("\n", 0, match.start()) + 1
            raise LanguageError(f"brackets are nested deeper than {NESTING_LIMIT}; use assignments", line, 1)


def _check_characters(source: str) -> None:
    """Refuse invisible characters anywhere, and characters beyond ASCII outside texts and comments.

    Python folds look-alikes into plain letters, so that what a reader sees would not be what is parsed.
    """
    if source.isascii() and re.fullmatch(r"[\t\n\r -~]*", source):
        return
    for number, line in enumerate(source.split("\n"), 1):
        for column, character in enumerate(line.removesuffix("\r"), 1):
            if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn") and character != "\t":
                raise LanguageError(f"the character {character!r} is not accepted", number, column)
    if source.isascii():
        return
    try:
        for token in tokenize.generate_tokens(StringIO(source).readline):
            if token.type not in (tokenize.STRING, tokenize.COMMENT) and not token.string.isascii():
                raise LanguageError(
                    f"{token.string[:NAME_LIMIT]!r} is not accepted outside docstrings; use plain letters",
                    token.start[0],
                    token.start[1] + 1,
                )
    except (tokenize.TokenError, IndentationError) as error:
        raise LanguageError(f"not Python syntax: {error.args[0]}") from None


def _check_tree(module: ast.Module) -> None:
    """Bound the depth of the syntax tree, which the parser below walks by recursion, and the length of names."""
    level: list[ast.AST] = [module]
    for _ in range(DEPTH_LIMIT):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
        for node in level:
            if isinstance(node, ast.Name) and len(node.id) > NAME_LIMIT:
                raise error_at(
                    node, f"the name {node.id[:NAME_LIMIT]!r}... is longer than {NAME_LIMIT} characters"
                )
    raise error_at(level[0], f"expressions are nested deeper than {DEPTH_LIMIT}; use assignments")


def error_at(node: ast.AST, reason: str) -> LanguageError:
    return LanguageError(reason, getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)


def describe(node: ast.AST) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(node).__name__).lower()


def checked_name(name: str, node: ast.AST) -> str:
    if name.startswith("_") or keyword.iskeyword(name) or len(name) > NAME_LIMIT:
        raise error_at(
            node,
            f"the name {name[:NAME_LIMIT]!r} is not accepted; use a word that does not begin with an underscore",
        )
    return name
