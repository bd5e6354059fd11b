"""The exercise as a participant meets it: `--check` and `--hint`."""

import sys

from workshop.exercise.checker import check_loss
from workshop.exercise.probe import Loss
from workshop.messages import coloured

HINTS = (
    """\
Divide the numerator and the denominator of P(b preferred to a) by exp(R_b). Only the difference R_b - R_a is left, in a
function that PyTorch has: its value is 1/2 where the difference is 0, and close to 1 where it is large.""",
    """\
P(b preferred to a) = sigmoid(R_b - R_a) and P(a preferred to b) = sigmoid(R_a - R_b). The loss needs the logarithms of
both. Where the returns are far apart, a sigmoid becomes exactly 0 and its logarithm infinite: look for a function of
torch.nn.functional that takes the logarithm of a sigmoid in one step.""",
    """\
The mean over the batch of

    -[ (1 - p) * logsigmoid(R_a - R_b) + p * logsigmoid(R_b - R_a) ]

where p are the preferences; logsigmoid is in torch.nn.functional.""",
)


def report_check(loss: Loss) -> None:
    """Print what was checked and what to do next; a UsageError says what is wrong."""
    checked = check_loss(loss)
    print(coloured("preference_loss is right. Checked:", "green", sys.stdout))
    for line in checked:
        print(f"  {coloured('ok', 'green', sys.stdout)}  {line}")
    print("Next: python main.py")


def give_hints(number: int) -> None:
    """Print the first `number` hints, the last of which is the formula."""
    for index, hint in enumerate(HINTS[:number], start=1):
        print(f"Hint {index} of {len(HINTS)}:\n{hint}\n")
    if number < len(HINTS):
        print(f"For the next one: python main.py {' '.join(['--hint'] * (number + 1))}")
    else:
        print("Written it? python main.py --check")
