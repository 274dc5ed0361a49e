"""Pairs of positions sorted by the halves of blocks that they lie in: how gates of single channels stay bounded.

What is left at position i of what entered at an earlier j is the exponential of a sum of log decays, which differs by
channel: written as a product of what depends on i and what depends on j, it takes a matrix product over channels. Let
i and j lie in the late and the early half of one block of 2, 4, 8, ... positions, and split the sum where the halves
meet. Both parts are sums of log decays, thus at most 0, and no part is found by a difference: nothing overflows, and
no gate, however strong, costs another its digits.
"""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def halves(size: int) -> tuple[np.ndarray, np.ndarray]:
    """For `size` positions, a power of two from 2: which log decays to sum, and which pairs a block size is for.

    The first, (log2 size + 2) x size x size of 0 and 1, sums for each block size the decays up to a position of a late
    half from where the half starts, and those after a position of an early half to where it ends; at last the decays
    from the start of all up to each position, and those after it to the end. The second, log2 size x size x size,
    has a 1 where a row of a late half meets a column of the early half of the same block.
    """
    row, column = np.arange(size)[:, None], np.arange(size)
    sums, pairs, half = [], [], 1
    while half < size:
        same = row // half == column // half
        late = row // half % 2 == 1
        sums.append(np.where(late, same & (column <= row), same & (column > row)))
        pairs.append(late & (row // half == column // half + 1))
        half *= 2
    sums += [column <= row, column > row]
    return np.array(sums, np.float32), np.array(pairs, np.float32)
