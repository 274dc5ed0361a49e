"""A comparison of searches as one HTML file in the style of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from runs.comparison.measures import Comparison
from runs.report.page import embedded, rendered


def comparison_page(comparisons: Sequence[Comparison]) -> str:
    """The whole file as text: the same searches compared over several axes, the first one shown at first."""
    data = embedded([asdict(comparison) for comparison in comparisons])
    title = " and ".join(group.name for group in comparisons[0].groups)
    return rendered("comparison.html", ("drawing.js", "comparison.js"), title=title, data=data)
