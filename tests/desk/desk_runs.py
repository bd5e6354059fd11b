"""Tiny runs of `llm.py`, whose language model has hardly learned to speak, and what was done in them."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from conftest import without_seconds

SFT = ["--demonstrations", "60", "--sft-steps", "12", "--sft-batch-size", "8"]
TRAINED = ["--updates", "4", "--evaluate-every", "2", "--questions-each", "2", "--answers-each", "2"]
TINY_DESK = ["--solution", *SFT, "--comparisons", "6", "--reward-steps", "3", "--evaluation-answers", "8", *TRAINED]
TINY_DESK += ["--iterations", "1"]


DPO = [*SFT, "--solution", "--comparisons", "6", "--reward-steps", "3", "--evaluation-answers", "8", "--method", "dpo"]
BEST_OF_N = [*DPO[:-1], "best-of-n", "--best-of", "4"]
METHODS = {
    "ppo": TINY_DESK,
    "dpo": [*DPO, "--updates", "4", "--iterations", "1", "--evaluate-every", "1"],
    "best-of-n": BEST_OF_N,
}


def train_at_the_desk(arguments: list[str], follow: Callable[[dict[str, Any]], object] | None = None) -> Path:
    """A run of these flags in this process, from its beginning, and its directory."""
    import llm

    config = llm.program.read_config(arguments)
    return Path(llm.program.train(config, time.perf_counter(), arguments, follow=follow)["run"])


def go_on_at_the_desk(run: Path) -> None:
    """Go on with a run that was stopped, in this process."""
    import llm
    from workshop.program.run import recorded_config

    config = recorded_config(run, llm.Config, fixed=llm.program.directory.fixed)
    llm.program.train(config, time.perf_counter(), resume=run)


def outcome(run: Path) -> dict[str, Any]:
    """All that a run has done, but for times: progress, answers and their fragments, samples, weights."""
    answers = [json.loads(line) for line in (run / "comparisons.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        "progress": without_seconds(run),
        "answers": [{name: value for name, value in answer.items() if name != "time"} for answer in answers],
        "fragments": {file.name: file.read_bytes() for file in sorted((run / "fragments").iterdir())},
        "samples": (run / "samples.md").read_bytes(),
        "weights": {file.name: weights(file) for file in sorted(run.glob("*.pt"))},
    }


def weights(file: Path) -> list[list[float]]:
    """All numbers in a file of weights."""
    content = torch.load(file, weights_only=True)
    tensors = content.get("network", content)
    return [tensor.flatten().tolist() for tensor in tensors.values()]
