"""A process that searches over the landscape with a model that kills it in the midst of its n-th call."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from evolve.llm.protocol import Answer, Request
from runs.calls import Limits
from tests.evolve.llm.scripted import Scripted, good, search_with, useless


def script(data: Mapping[str, Any], random: Random) -> str:
    return useless(data, random) if random.random() < 0.4 else good(data, random)


class Mortal(Scripted):
    fatal = 0
    numbers = count(1)

    def ask(self, request: Request, deadline: float) -> Answer:
        number = next(self.numbers)
        answer = super().ask(request, deadline)
        time.sleep(Random(request.messages[-1].text).random() / 50)
        if number == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def main(directory: Path, fatal: int) -> None:
    model = Mortal("test:m", script)
    model.fatal = fatal
    with search_with(directory, [model], generations=6, limits=Limits(calls=1000), keep_texts=False) as search:
        search.run()
    print(len(model.requests))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
