"""What a launcher says of a process is understood, or refused in words; each takes a device of its own."""

from __future__ import annotations

import pytest

from psp.errors import SettingsError
from psp.inference.launched import ALONE, Place


@pytest.mark.parametrize(
    ("env", "place"),
    [
        ({}, ALONE),
        ({"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}, ALONE),
        ({"WORLD_SIZE": "1"}, ALONE),
        ({"RANK": "", "WORLD_SIZE": " "}, ALONE),
        ({"RANK": "0"}, ALONE),
        ({"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4"}, Place(5, 8, 1, 4)),
        ({"RANK": "2", "WORLD_SIZE": "3"}, Place(2, 3, 2, 1)),
    ],
)
def test_what_a_launcher_says_is_understood(env: dict[str, str], place: Place) -> None:
    assert Place.from_env(env) == place
    assert place.alone == (place.count == 1)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"RANK": "7", "WORLD_SIZE": "3"}, "RANK is 7, but WORLD_SIZE is 3: the ranks are 0 to 2"),
        ({"RANK": "one", "WORLD_SIZE": "3"}, "RANK='one' is not a whole number"),
        ({"RANK": "-1", "WORLD_SIZE": "3"}, "RANK='-1' is not"),
        ({"RANK": "0", "WORLD_SIZE": "2.5"}, "WORLD_SIZE='2.5' is not"),
        ({"RANK": "0", "WORLD_SIZE": "0"}, "WORLD_SIZE is 0"),
        ({"WORLD_SIZE": "3"}, "RANK is not set"),
        ({"RANK": "2"}, "WORLD_SIZE is not set"),
        ({"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "x"}, "LOCAL_RANK='x' is not"),
        ({"RANK": "9" * 50, "WORLD_SIZE": "2"}, "RANK='9"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(env: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as told:
        Place.from_env(env)
    assert "torchrun" in told.value.next_step


def test_each_process_of_a_machine_takes_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    places = [Place(number, 6, number % 3, 3) for number in range(6)]
    assert [place.device("auto") for place in places] == 2 * ["cuda:0", "cuda:1", "cuda:0"]
    assert places[4].device("cuda") == "cuda:1"
    assert [places[4].device(said) for said in ("cpu", "mps", "cuda:0")] == ["cpu", "mps", "cuda:0"]
    assert [ALONE.device(said) for said in ("auto", "cuda")] == ["auto", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert places[4].device("auto") == "auto"
