"""JSON values of a file one after the other, whatever the file's size: an array, JSON lines, a single value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from runs.errors import StoreError

CHUNK = 1 << 20
"""Characters read at a time; a longer value is read by doubling."""

_decoder = json.JSONDecoder()


def streamed(path: Path) -> Iterator[Any]:
    """The elements of a file's array, or the values of a file that holds one or several, in order.

    Raises StoreError, with the line, where the file cannot be read or is no JSON.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            window = _Window(path, file)
            while first := window.next_character():
                if first == "[":
                    yield from _elements(window)
                else:
                    yield window.value()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: no UTF-8 text ({error.reason}); a file of JSON is accepted") from None


def _elements(window: _Window) -> Iterator[Any]:
    window.skip("[")
    if window.next_character() != "]":
        yield window.value()
        while window.next_character() == ",":
            window.skip(",")
            yield window.value()
    window.skip("]")


class _Window:
    """The part of a file that is being read; what was read is let go."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._position = 0
        self._lines = 0
        self._ended = False

    def next_character(self) -> str:
        """The next character that is no white space; "" at the end. It stays unread."""
        while True:
            rest = len(self._text)
            while self._position < rest and self._text[self._position] in " \t\r\n":
                self._position += 1
            if self._position < rest or self._ended:
                return self._text[self._position : self._position + 1]
            self._more()

    def skip(self, wanted: str) -> None:
        """Read one character, which must be `wanted`."""
        found = self.next_character()
        if found != wanted:
            told = repr(found) if found else "the end of the file"
            raise self._error(f"{wanted!r} expected, not {told}", self._position)
        self._position += 1

    def value(self) -> Any:
        """Read one value."""
        self.next_character()
        while True:
            try:
                value, self._position = _decoder.raw_decode(self._text, self._position)
            except json.JSONDecodeError as error:
                # At the end of the window the value may only be cut off.
                if self._ended:
                    raise self._error(error.msg, error.pos) from None
                self._more()
            except RecursionError:
                raise self._error("nested too deeply", self._position) from None
            except ValueError as error:
                raise self._error(str(error), self._position) from None
            else:
                return value

    def _more(self) -> None:
        self._lines += self._text.count("\n", 0, self._position)
        rest = self._text[self._position :]
        read = self._file.read(max(CHUNK, len(rest)))
        self._text, self._position, self._ended = rest + read, 0, not read

    def _error(self, told: str, position: int) -> StoreError:
        line = self._lines + self._text.count("\n", 0, position) + 1
        return StoreError(f"{self._path}: line {line}: no JSON: {told}")
