"""Reading ahead in threads."""

import threading
import time

import pytest
import torch
from torch import Tensor

from s2m import S2MError
from s2m.reading import read_ahead


def test_in_order_whichever_is_ready_first() -> None:
    def read(number: int) -> Tensor:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return torch.tensor(number)

    found = [(item, int(value)) for item, value in read_ahead(read, range(20), threads=4, ahead=6)]
    assert found == [(number, number) for number in range(20)]


def test_what_cannot_be_read_is_given_and_the_rest_goes_on() -> None:
    def read(number: int) -> Tensor:
        if number == 1:
            raise S2MError("1 is broken: mend it")
        return torch.tensor(number)

    first, second, third = (value for _, value in read_ahead(read, range(3)))
    assert (int(first), str(second), int(third)) == (0, "1 is broken: mend it", 2)


def test_any_other_error_is_raised() -> None:
    def read(number: int) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read_ahead(read, range(3)))


def test_no_more_than_asked_for_is_held() -> None:
    begun, lock = [], threading.Lock()

    def read(number: int) -> Tensor:
        with lock:
            begun.append(number)
        return torch.tensor(number)

    stream = read_ahead(read, iter(range(1000)), threads=3, ahead=5)
    next(stream)
    time.sleep(0.05)
    assert len(begun) <= 5
    stream.close()
    assert len(begun) <= 5, "nothing goes on when the rest is not wanted"
    assert list(read_ahead(read, [])) == []
