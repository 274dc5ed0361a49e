"""Sizes that remember how they follow from width, hidden, vocabulary and context.

Typing a program at such sizes gives every shape twice: as a number, and as an expression that holds at other sizes.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from genome.expressions import SIZE_NAMES
from genome.values import Sizes

Terms = dict[tuple[str, ...], Fraction]
"""A polynomial: coefficients by the sorted names whose product they multiply."""


class Size(int):
    """A whole number that is the value of a polynomial in named sizes."""

    terms: Terms

    def __new__(cls, value: int, terms: Terms) -> Size:
        self = super().__new__(cls, value)
        self.terms = {names: factor for names, factor in terms.items() if factor}
        return self

    def __add__(self, other: int) -> Size:
        total = dict(self.terms)
        for names, factor in _terms(other).items():
            total[names] = total.get(names, Fraction(0)) + factor
        return Size(int(self) + int(other), total)

    __radd__ = __add__

    def __mul__(self, other: int) -> Size:
        product: Terms = {}
        for left, a in self.terms.items():
            for right, b in _terms(other).items():
                names = tuple(sorted(left + right))
                product[names] = product.get(names, Fraction(0)) + a * b
        return Size(int(self) * int(other), product)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> int:
        """Exact where it leaves nothing over; else a plain number."""
        if isinstance(other, Size) or int(self) % other:
            return int(self) // int(other)
        return Size(int(self) // other, {names: factor / other for names, factor in self.terms.items()})


def named_sizes(sizes: Sizes) -> Sizes:
    """The same sizes, each knowing its name."""
    return Sizes(**{name: Size(getattr(sizes, name), {(name,): Fraction(1)}) for name in SIZE_NAMES})


def size_text(size: int, owner: str) -> str:
    """The size as an expression, names as attributes of `owner`: "owner.width // 4"."""
    if not isinstance(size, Size):
        return str(size)
    below = lcm(*(factor.denominator for factor in size.terms.values()))
    parts = []
    for names, factor in size.terms.items():
        whole = int(factor * below)
        product = [f"{owner}.{name}" for name in names]
        parts.append(" * ".join(product if whole == 1 and names else [str(whole), *product]))
    text = " + ".join(parts)
    if below == 1:
        return text
    return f"({text}) // {below}" if len(parts) > 1 else f"{text} // {below}"


def _terms(number: int) -> Terms:
    return number.terms if isinstance(number, Size) else {(): Fraction(number)}
