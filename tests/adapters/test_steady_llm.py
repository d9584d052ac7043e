"""Trying again, and leaving alone who keeps failing."""

import pytest

from tests.fakes import FakeLlm, scripted
from vaultra.adapters.steady_llm import Refused, SteadyLlm
from vaultra.errors import Unavailable
from vaultra.ports import ModelPiece

BUSY = Unavailable("busy")


class Time:
    """A clock that moves when somebody pauses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def steady(model: FakeLlm, time: Time) -> SteadyLlm:
    return SteadyLlm(model, timer=lambda: time.now, pause=time.pause)


def ask(llm: SteadyLlm, seconds: float = 45) -> list[ModelPiece]:
    return list(llm.stream("", [], [], most_tokens=9, seconds=seconds))


def test_a_failure_before_the_first_piece_is_tried_again_twice() -> None:
    time, model = Time(), scripted([BUSY], [BUSY], ["One."])
    assert ask(steady(model, time))[0] == "One."
    assert time.pauses == [0.5, 1.0]


def test_after_three_tries_it_is_told() -> None:
    time, model = Time(), scripted([BUSY], [BUSY], [BUSY], ["One."])
    with pytest.raises(Unavailable):
        ask(steady(model, time))
    assert len(model.asked) == 3


def test_once_something_was_said_nothing_is_tried_again() -> None:
    time, model = Time(), scripted(["One.", BUSY], ["Two."])
    with pytest.raises(Unavailable):
        ask(steady(model, time))
    assert len(model.asked) == 1


def test_a_refusal_is_not_tried_again() -> None:
    time, model = Time(), scripted([Refused("no such key")], ["One."])
    with pytest.raises(Refused):
        ask(steady(model, time))
    assert (len(model.asked), time.pauses) == (1, [])


def test_a_server_that_asks_for_time_gets_it_only_within_the_time_for_the_first_piece() -> None:
    time, model = Time(), scripted([Unavailable("busy", retry_after=4)], ["One."])
    assert ask(steady(model, time))[0] == "One."
    assert time.pauses == [4.0]
    time, model = Time(), scripted([Unavailable("busy", retry_after=60)], ["One."])
    with pytest.raises(Unavailable):
        ask(steady(model, time))
    assert (len(model.asked), time.pauses) == (1, [])


def test_silence_until_the_time_for_the_first_piece_is_over_is_not_tried_again() -> None:
    time = Time()

    def silence(_dialogue: object) -> list[object]:
        time.now += 15
        return [BUSY]

    model = FakeLlm(silence)
    with pytest.raises(Unavailable):
        ask(steady(model, time))
    assert len(model.asked) == 1


def test_after_three_failures_nobody_asks_for_half_a_minute_and_then_one_call_tries() -> None:
    time = Time()
    model = scripted(*([[Refused("no")]] * 4), ["One."], ["Two."])
    llm = steady(model, time)
    for asked in (1, 2, 3, 3, 3):
        with pytest.raises(Unavailable):
            ask(llm)
        assert len(model.asked) == asked
    time.now += 30
    with pytest.raises(Unavailable):
        ask(llm)  # the one that tries fails, too
    with pytest.raises(Unavailable):
        ask(llm)
    assert len(model.asked) == 4
    time.now += 30
    assert ask(llm)[0] == "One."
    assert ask(llm)[0] == "Two."


def test_while_one_call_tries_the_others_do_not() -> None:
    time = Time()
    model = scripted(*([[Refused("no")]] * 3), ["One.", "more"], ["Two."])
    llm = steady(model, time)
    for _ in range(3):
        with pytest.raises(Unavailable):
            ask(llm)
    time.now += 30
    trying = llm.stream("", [], [], most_tokens=9, seconds=45)
    assert next(trying) == "One."
    with pytest.raises(Unavailable):
        ask(llm)
    list(trying)
    assert ask(llm)[0] == "Two."


def test_what_worked_in_between_counts() -> None:
    model = scripted([Refused("no")], [Refused("no")], ["One."], [Refused("no")], [Refused("no")], ["Two."])
    llm = steady(model, Time())
    for worked in (False, False, True, False, False, True):
        if worked:
            ask(llm)
        else:
            with pytest.raises(Refused):
                ask(llm)


def test_whoever_stops_listening_closes_what_is_asked() -> None:
    model = scripted(["One.", "Two."])
    pieces = steady(model, Time()).stream("", [], [], most_tokens=9, seconds=45)
    next(pieces)
    pieces.close()
    assert model.closed == 1
