"""A script ends with a status and, where something is wrong, with one line."""

import pytest

from s2m import S2MError
from s2m.ending import exit_status


def script(problem: BaseException | None = None) -> int:
    @exit_status
    def main() -> None:
        if problem is not None:
            raise problem

    return main()


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert script() == 0
    assert capsys.readouterr().err == ""


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert script(S2MError("nothing is there: bring some")) == 1
    assert capsys.readouterr().err == "error: nothing is there: bring some\n"


def test_an_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    assert script(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.startswith("interrupted: ")


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        script(ZeroDivisionError())
