"""From entries to a genealogy: numbers, parents, generations; what a file leaves open or contradicts is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runs.imported.records import Entry, Parent, Place


def placed(entries: Iterable[Entry]) -> list[Place]:
    """The place of every entry, in order.

    An entry's number is its index; one without, or whose index an earlier one has, gets the next number that is
    free. A parent's name means an index where it is a number, else an identifier, a name, or an index in digits;
    of several entries that bear it, the first. A parent that descends from its child is left out of the line.
    """
    indexes: list[int | None] = []
    named: list[tuple[int | str, ...]] = []
    first: dict[tuple[str, int | str], int] = {}
    for position, entry in enumerate(entries):
        repeated = entry.index is not None and ("index", entry.index) in first
        indexes.append(None if repeated else entry.index)
        named.append(entry.parents)
        for kind, value in (("index", entry.index), ("identifier", entry.identifier), ("name", entry.name)):
            if value is not None and value != "":
                first.setdefault((kind, value), position)
    numbers = _numbers(indexes)
    known = [{parent: _found(parent, first) for parent in own} for own in named]
    generations, circular = _generations([[p for p in own.values() if p is not None] for own in known])
    return [
        Place(numbers[child], generations[child], tuple(_parents(child, own, numbers, circular)))
        for child, own in enumerate(known)
    ]


def _numbers(indexes: Sequence[int | None]) -> list[int]:
    free = max((index for index in indexes if index is not None), default=0) + 1
    numbers = []
    for index in indexes:
        if index is None:
            index, free = free, free + 1
        numbers.append(index)
    return numbers


def _found(parent: int | str, first: Mapping[tuple[str, int | str], int]) -> int | None:
    if isinstance(parent, int):
        return first.get(("index", parent))
    for kind in ("identifier", "name"):
        if (kind, parent) in first:
            return first[kind, parent]
    digits = len(parent) < 20 and parent.isascii() and parent.isdecimal()
    return first.get(("index", int(parent))) if digits else None


def _parents(
    child: int, known: Mapping[int | str, int | None], numbers: Sequence[int], circular: set[tuple[int, int]]
) -> Iterable[Parent]:
    for name, parent in known.items():
        if parent is None:
            yield Parent(str(name), None, "missing")
        elif (child, parent) in circular:
            yield Parent(str(name), None, "descendant")
        else:
            yield Parent(str(name), numbers[parent])


def _generations(parents: Sequence[Sequence[int]]) -> tuple[list[int], set[tuple[int, int]]]:
    """The longest way from each entry up to one without parents, and the edges (child, parent) that close a circle.

    Goes up from every entry in depth, without recursion: lines may be long.
    """
    generations: dict[int, int] = {}
    circular: set[tuple[int, int]] = set()
    for start in range(len(parents)):
        way, rests = {start: None}, [iter(parents[start])]
        while rests and start not in generations:
            child = next(reversed(way))
            for parent in rests[-1]:
                if parent in way:
                    circular.add((child, parent))
                elif parent not in generations:
                    way[parent] = None
                    rests.append(iter(parents[parent]))
                    break
            else:
                above = (generations[p] for p in parents[child] if (child, p) not in circular)
                generations[child] = max(above, default=-1) + 1
                way.popitem()
                rests.pop()
    return [generations[position] for position in range(len(parents))], circular
