"""Read images in threads while something else computes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from torch import Tensor

from s2m.errors import S2MError

Item = TypeVar("Item")


def read_ahead(
    read: Callable[[Item], Tensor], items: Iterable[Item], threads: int | None = None, ahead: int = 128
) -> Iterator[tuple[Item, Tensor | S2MError]]:
    """Every item and what `read` makes of it, in order; at most `ahead` items are read and not yet taken.

    An S2MError of `read` is given in place of the tensor; any other exception is raised when its item's turn comes.
    threads: by default one for each processor, 8 at most.

    >>> import torch
    >>> [value.item() for _, value in read_ahead(torch.tensor, [3, 1, 2])]
    [3, 1, 2]
    """

    def attempt(item: Item) -> Tensor | S2MError:
        try:
            return read(item)
        except S2MError as error:
            return error

    pool = ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1))
    waiting = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(attempt, item)))
            if len(waiting) >= ahead:
                item, future = waiting.popleft()
                yield item, future.result()
        for item, future in waiting:
            yield item, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
