"""From papers in the store to components, paper by paper: asked once, repaired once, stored with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cognition.candidates.entries import AnswerError, read_entries
from cognition.candidates.instructions import question
from cognition.candidates.judging import Judge, Judged
from cognition.candidates.reader import Declined, Question, Reader
from cognition.statements import Vocabulary, statements
from cognition.store.records import Candidate, Material
from cognition.store.store import CognitionStore

RULES = "rules"
"""The name under which the rules without a language model are stored as a reader."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one paper gave: entries, or why there are none; for rules the number of relations."""

    material: Material
    judged: tuple[Judged, ...] = ()
    reason: str = ""
    relations: int = 0


def extract_relations(store: CognitionStore, arxiv: str = "", limit: int | None = None) -> Iterator[Extracted]:
    """What papers say about known components, by rules, from their text or else their abstract.

    Yields after each paper is stored; a paper is read again when its text has come.
    """
    vocabulary = Vocabulary(store.names())
    for material in store.unread(RULES, arxiv, limit):
        found = statements(material.title, material.text, vocabulary)
        store.put_relations(material, RULES, found)
        yield Extracted(material, relations=len(found))


def extract_components(
    store: CognitionStore, reader: Reader, judge: Judge, arxiv: str = "", limit: int | None = None
) -> Iterator[Extracted]:
    """Ask the reader for each paper's components and store those that the judge accepts, others with the reason.

    Answers are stored as they come, so that whatever stops it, nothing is asked twice. Yields after each paper is
    stored. Raises Unanswered.
    """
    for material in store.unread(reader.name, arxiv, limit):
        judged, reason = _read(store, reader, judge, material)
        store.put_candidates(material, reader.name, [_candidate(one) for one in judged], reason)
        yield Extracted(material, judged, reason)


def _read(
    store: CognitionStore, reader: Reader, judge: Judge, material: Material
) -> tuple[tuple[Judged, ...], str]:
    """The entries of a paper after one repair, and why there are none where its answers hold none."""
    try:
        answer = _asked(store, reader, material, question(material), 1)
    except Declined as error:
        return (), str(error)
    judged, reason = _judged(judge, answer)
    refused = [one for one in judged if one.repairable]
    faults = [f"{one.entry.name}: {one.reason}" for one in refused] or ([reason] if reason else [])
    if not faults:
        return tuple(judged), ""
    try:
        repaired, again = _judged(
            judge, _asked(store, reader, material, question(material, answer, faults), 2), len(refused) or None
        )
    except Declined:
        return tuple(judged), reason
    names = {one.entry.name for one in repaired}
    kept = [one for one in judged if not (one.repairable and one.entry.name in names)]
    return (*kept, *repaired), again if reason else ""


def _judged(judge: Judge, answer: str, most: int | None = None) -> tuple[list[Judged], str]:
    try:
        return [judge.judge(entry) for entry in read_entries(answer)[:most]], ""
    except AnswerError as error:
        return [], str(error)


def _asked(store: CognitionStore, reader: Reader, material: Material, asked: Question, turn: int) -> str:
    """The answer to the first or second question about a paper: from the store if it was given before."""
    key = f"{reader.name} {material.arxiv} {material.kind} {turn}"
    known = store.answer(key)
    if known is not None:
        return known
    reply = reader.answer(asked)
    return store.put_answer(key, reader.name, material.arxiv, reply.text, reply.input_tokens, reply.output_tokens)


def _candidate(judged: Judged) -> Candidate:
    entry, component = judged.entry, judged.component
    return Candidate(
        name=entry.name if component is None else component.name,
        kind=entry.kind if component is None else component.kind,
        source=entry.source if component is None else component.source,
        insight=entry.insight,
        triggers=entry.triggers,
        builds_on=entry.builds_on,
        hash="" if component is None else component.hash,
        reason=judged.reason,
    )
