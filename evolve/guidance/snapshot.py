"""What a search knows of published components: taken once, when it begins, and read from its own store ever after."""

from __future__ import annotations

from cognition.knowledge import Knowledge, knowledge, library_knowledge
from cognition.store.store import CognitionStore
from evolve.configuration import Guidance
from runs.contract import SearchStore


def known(store: SearchStore, guidance: Guidance) -> Knowledge | None:
    """The knowledge that guides a search, stored with it at the first call; None for a search without guidance.

    "on" takes what the shipped library says, which is the same on every machine; "learned" takes what the user's
    cognition store holds now: papers that were read and what earlier searches found. Raises CognitionError where
    that store cannot be opened.
    """
    if guidance == "off":
        return None
    stored = store.knowledge
    if stored is not None:
        return stored
    if guidance == "learned":
        with CognitionStore.open() as own:
            found = knowledge(own)
    else:
        found = library_knowledge()
    store.record_knowledge(guidance, found)
    return store.knowledge


def require_store(guidance: Guidance) -> None:
    """Raise CognitionError where guidance needs the user's cognition store and it cannot be opened."""
    if guidance == "learned":
        CognitionStore.open().close()
