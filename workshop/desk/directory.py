"""The directory of a run of `llm.py`: as that of any other, with columns of its own in `progress.csv`."""

from collections.abc import Mapping, Sequence
from typing import Any

from workshop import DESK_ID
from workshop.language import ANSWER_LENGTH
from workshop.records import LLM, Row, RunDirectory

SFT, POLICY, REWARD_MODEL, SAMPLES = "sft.pt", "policy.pt", "reward_model.pt", "samples.md"


class LanguageDirectory(RunDirectory):
    """One run's files."""

    program = LLM
    columns: Sequence[str] = (
        "iteration", "env_steps", "comparisons", "true_return_mean", "true_return_std", "learned_return_mean",
        "reward_model_loss", "reward_model_accuracy", "reward_correlation", "seconds", "skipped", "gradient_steps",
        "reward_hacking", "update", "kl", "answer_length", "broken_share", "right_share",
    )  # fmt: skip
    fixed: Mapping[str, Any] = {"env": DESK_ID, "fragment_length": ANSWER_LENGTH}
    parts = ("plots",)
    along = ("update", "updates of the policy")
    untrained = "the SFT model"

    def reached(self, row: Row) -> str:
        """What the run was at when it had this row of `progress.csv`."""
        return f"{row['update']} updates"
