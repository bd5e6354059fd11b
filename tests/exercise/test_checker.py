"""The checker of the exercise: it names every mistake in the table, passes every right loss, and no check is idle."""

import time

import near_misses  # noqa: F401 (which adds to WRONG, as the next)
import pytest
import torch
import wrong_terms  # noqa: F401
from right_losses import RIGHT
from torch import nn
from wrong_losses import NAMELESS, WRONG

import main
from workshop.exercise import checker as loss_checker
from workshop.exercise import mistakes as loss_mistakes
from workshop.exercise.checker import PROPERTIES, check_loss
from workshop.exercise.mistakes import RECOGNISERS
from workshop.exercise.probe import NotWrittenError, WrongLossError, bradley_terry
from workshop.exercise.solution import bradley_terry_loss
from workshop.messages import UsageError

wrong_losses = pytest.mark.parametrize(("diagnosis", "loss"), WRONG, ids=[loss.__name__ for _, loss in WRONG])


def diagnose(loss) -> str:
    """The name the checker gives, or "right"."""
    try:
        check_loss(loss)
    except WrongLossError as wrong:
        return wrong.name
    return "right"


def test_your_preference_loss():
    """The exercise itself: `preference_loss` in main.py, as it stands."""
    try:
        check_loss(main.preference_loss)
    except NotWrittenError:
        pytest.skip("preference_loss in main.py is not written yet: it is the exercise")
    except UsageError as wrong:
        pytest.fail(str(wrong), pytrace=False)


def test_the_tables_are_large_enough():
    assert len(WRONG) >= 100
    assert len(RIGHT) >= 20
    assert len({loss.__name__ for _, loss in WRONG}) == len(WRONG)


@wrong_losses
def test_wrong_loss_gets_the_name_of_its_mistake(diagnosis: str, loss):
    with pytest.raises(WrongLossError) as caught:
        check_loss(loss)
    assert caught.value.name == diagnosis
    assert caught.value.numbers
    assert caught.value.hint
    assert "bradley_terry_loss" not in str(caught.value)
    assert "binary_cross_entropy_with_logits" not in caught.value.hint, "a hint does not give the line away"


@pytest.mark.parametrize("loss", [*RIGHT, bradley_terry_loss], ids=lambda loss: loss.__name__)
def test_right_loss_passes(loss):
    assert check_loss(loss) == list(PROPERTIES)


@pytest.mark.parametrize("removed", PROPERTIES)
def test_no_property_is_decoration(removed: str, monkeypatch: pytest.MonkeyPatch):
    """Without any one of the properties, some wrong loss of the table would pass."""
    monkeypatch.setattr(loss_checker, "PROPERTIES", {k: v for k, v in PROPERTIES.items() if k != removed})
    assert "right" in {diagnose(loss) for _, loss in WRONG}


@pytest.mark.parametrize("removed", RECOGNISERS, ids=lambda recogniser: recogniser.__name__)
def test_every_recogniser_names_a_mistake_of_the_table(removed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loss_mistakes, "RECOGNISERS", [r for r in RECOGNISERS if r is not removed])
    assert any(diagnose(loss) != diagnosis for diagnosis, loss in WRONG)


def test_no_check_of_the_form_is_decoration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loss_checker.Probe, "check_form", lambda self: None)
    lost = {loss.__name__ for diagnosis, loss in WRONG if diagnose(loss) != diagnosis}
    assert {"detached", "new_tensor", "dropout"} <= lost


def test_the_numbers_are_those_of_the_mistake():
    flipped = {loss.__name__: loss for _, loss in WRONG}["sign_flipped"]
    with pytest.raises(WrongLossError) as caught:
        check_loss(flipped)
    assert "At returns 2 and 0, answer 0: yours 2.1269, expected 0.1269" in caught.value.numbers


def test_a_mistake_nobody_listed_is_told_by_the_first_property_it_breaks():
    def strange(a, b, p):
        return (bradley_terry_loss(a, b, p) - 0.1) ** 3

    with pytest.raises(WrongLossError) as caught:
        check_loss(strange)
    assert caught.value.name == NAMELESS
    assert "At returns 0 and 0, answer 0: yours 0.2087, expected 0.6931" in caught.value.numbers


def test_an_error_is_shown_with_its_line():
    def breaks(a, b, p):
        return torch.stack([a, b[:1]])  # this line

    with pytest.raises(WrongLossError) as caught:
        check_loss(breaks)
    assert "test_checker.py, line" in caught.value.numbers
    assert "return torch.stack([a, b[:1]])  # this line" in caught.value.numbers
    assert "RuntimeError" in caught.value.numbers


def test_a_loss_that_is_not_written_is_no_wrong_loss():
    def stub(a, b, p):
        raise NotImplementedError

    with pytest.raises(NotWrittenError, match="--solution"):
        check_loss(stub)


def test_expected_values_agree_with_the_solution():
    for a, b, p in ((0.3, -2, 0), (1000, 3, 1), (-5, 5, 0.5)):
        solution = bradley_terry_loss(*(torch.tensor([x], dtype=torch.float64) for x in (a, b, p)))
        assert bradley_terry(a, b, p) == pytest.approx(solution.item(), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("no_f", "from torch.nn import functional as F"),
        ("no_nn", "from torch import nn"),
        ("no_log", "from torch import log"),
        ("no_logsigmoid", "from torch.nn.functional import logsigmoid"),
        ("softplus_of_torch", "from torch.nn.functional import softplus"),
    ],
)
def test_a_missing_import_is_given_as_a_line_to_paste(name: str, statement: str):
    loss = {loss.__name__: loss for _, loss in WRONG}[name]
    with pytest.raises(WrongLossError, match=statement):
        check_loss(loss)


def test_what_pytorch_has_not_implemented_is_an_error_and_no_stub():
    def unimplemented(a, b, p):
        return nn.Module()(b - a)

    with pytest.raises(WrongLossError, match="it raises an error"):
        check_loss(unimplemented)


def test_no_wrong_loss_takes_long_to_name():
    """A second, of the five from the command to the name; the others go to starting Python and PyTorch."""
    slowest = {}
    for _, loss in WRONG:
        before = time.process_time()
        diagnose(loss)
        slowest[loss.__name__] = time.process_time() - before
    assert max(slowest.values()) < 1, max(slowest, key=slowest.get)


def test_checking_asks_a_loss_few_and_small_questions():
    """So few that nobody notices them before a run."""
    sizes = []

    def counting(a, b, p):
        sizes.append(len(a))
        return bradley_terry_loss(a, b, p)

    check_loss(counting)
    assert len(sizes) < 100
    assert max(sizes) <= 5
