from collections.abc import Callable
from typing import Any

def published(
    arxiv: str,
    year: int,
    title: str,
    *,
    answers: str = "",
    builds_on: str | tuple[str, ...] = (),
    replaces: str | tuple[str, ...] = (),
) -> Callable[[Any], Any]: ...
def __getattr__(name: str) -> Any: ...
