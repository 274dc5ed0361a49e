"""A worker process: reads jobs as lines of JSON, trains, and answers with lines of JSON.

Started by `evaluators.executor` with a scrubbed environment. What libraries print goes to standard error, so
that standard output carries answers alone.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict


def main() -> None:
    """Serve jobs until standard input ends."""
    options = json.loads(sys.argv[1])
    if options["memory_bytes"]:
        resource.setrlimit(resource.RLIMIT_AS, (options["memory_bytes"], options["memory_bytes"]))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    from backends.selection import make_backend
    from evaluators.jobs import Job, Outcome
    from evaluators.training import Trainer

    trainer = Trainer(make_backend(options["backend"], cache=options["cache"]))
    for line in sys.stdin:
        job = Job.from_json(json.loads(line))
        try:
            outcome = trainer.run(job)
        except Exception as error:  # any fault of a candidate is one attempt, not the worker's end
            outcome = Outcome(job.key, "failed", f"{type(error).__name__}: {str(error).splitlines()[0][:300]}")
        answers.write(json.dumps(asdict(outcome)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
