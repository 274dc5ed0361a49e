"""What a search teaches when it finishes: its evidence, kept with it and in the user's cognition store."""

from __future__ import annotations

import sqlite3

from cognition.store.records import CognitionError, Searched
from cognition.store.store import CognitionStore
from evolve.configuration import Configuration
from runs.contract import SearchStore
from runs.evidence.gathering import gather
from runs.evidence.tables import evidence_rows


def teach(store: SearchStore) -> str:
    """Store the evidence of everything settled so far in the place of what was stored before; says so in one line.

    A cognition store that cannot be written fails no search: the line says why it stays as it is.
    """
    evidence = gather(store)
    store.record_evidence(evidence)
    counted = (
        f"evidence: {len(evidence.pairs)} pairs, {len(evidence.configurations)} ordered configurations, "
        f"{len(evidence.findings)} findings"
    )
    run = store.run
    configuration = Configuration.of_search(run.configuration)
    searched = Searched(run.name, run.created_at, run.seed, ",".join(configuration.task), configuration.scale)
    try:
        with CognitionStore.open() as known:
            known.add_search(searched, evidence_rows(evidence))
            return f"{counted}; also in {known.path}"
    except (CognitionError, OSError, sqlite3.Error) as error:
        return f"{counted}; the cognition store stays as it is: {error}"
