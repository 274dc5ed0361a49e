"""Loading what was published: library files are parsed and type-checked, never executed; recipes are values."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from cognition.architectures import ARCHITECTURES, Architecture
from genome.component import Component, Library
from genome.errors import GenomeError, LanguageError
from genome.operation import OPERATIONS
from genome.parser import component_from_function, parse_component

LIBRARY = Path(__file__).parent / "library"


class LibraryError(GenomeError):
    """A library file does not hold legal components; the message names file, line and column."""

    def __init__(self, path: Path, line: int, column: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}, column {column}: {reason}")


@cache
def load_library() -> Library:
    """Every published component by name, in the order of files and definitions.

    Raises LibraryError where a file is not in the language of components.
    """
    return read_library(LIBRARY)


def load_architectures() -> Mapping[str, Architecture]:
    """Every published architecture by name."""
    return {architecture.name: architecture for architecture in ARCHITECTURES}


def read_library(folder: Path) -> Library:
    """Components of all Python files of a folder; they may call each other by name across files.

    Raises LibraryError where a file is not in the language of components, names a component twice, leaves out
    where one was published, or lets components call each other in a circle.
    """
    definitions = _Definitions()
    for path in sorted(folder.glob("*.py")):
        definitions.read(path)
    return {name: definitions[name] for name in definitions}


def read_components(path: Path, library: Library) -> Library:
    """Components of one Python file, which need not be published and may call those of `library` by name.

    Raises LibraryError as `read_library` does, also where a component has the name of one of `library`, and
    OSError or UnicodeError for a file that is not text.
    """
    definitions = _Definitions(library)
    definitions.read(path)
    return {name: definitions[name] for name in definitions}


@dataclass
class _Definitions(Mapping[str, Component]):
    """Functions of all files; each becomes a component when it is first asked for.

    `known` are components that may be called besides; without them every function has to be published.
    """

    known: Library | None = None
    functions: dict[str, tuple[Path, ast.FunctionDef]] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def read(self, path: Path) -> None:
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
        except SyntaxError as error:
            raise LibraryError(path, error.lineno or 0, error.offset or 0, f"not Python: {error.msg}") from None
        for statement in module.body:
            if isinstance(statement, ast.FunctionDef):
                self._define(path, statement)
            elif not isinstance(statement, ast.ImportFrom) and not _is_text(statement):
                reason = "a library file holds imports from the language, and functions"
                raise LibraryError(path, statement.lineno, statement.col_offset + 1, reason)

    def _define(self, path: Path, function: ast.FunctionDef) -> None:
        reason = ""
        if function.name in OPERATIONS:
            reason = f"{function.name!r} is the name of an operation"
        elif function.name in self.functions:
            reason = f"{function.name!r} is defined in {self.functions[function.name][0].name} already"
        elif self.known is not None and function.name in self.known:
            reason = f"{function.name!r} is the name of a published component"
        elif self.known is None and not function.decorator_list:
            reason = f"{function.name!r} does not say where it was published; put @published(...) above it"
        if reason:
            raise LibraryError(path, function.lineno, function.col_offset + 1, reason)
        self.functions[function.name] = path, function

    def __getitem__(self, name: str) -> Component:
        if name in self.components:
            return self.components[name]
        if self.known is not None and name in self.known:
            return self.known[name]
        path, function = self.functions[name]
        if name in self.opened:
            circle = " -> ".join([*self.opened, name])
            raise LibraryError(path, function.lineno, 1, f"components call each other in a circle: {circle}")
        self.opened.append(name)
        try:
            self.components[name] = _as_printed(component_from_function(function, self))
        except LanguageError as error:
            raise LibraryError(path, error.line, error.column, error.reason) from None
        finally:
            self.opened.pop()
        return self.components[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.functions)

    def __len__(self) -> int:
        return len(self.functions)


def _as_printed(component: Component) -> Component:
    """The component in the form that its printed source parses to, which is how searches store it.

    A rewrite names an operation by its number: it has to mean the same after the component was stored and read.
    """
    return replace(parse_component(component.source, {}), provenance=component.provenance)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
