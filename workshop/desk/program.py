"""`llm.py` as a program: its flags, and what is checked and opened before a run."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from workshop import DESK_ID
from workshop.data import Comparisons
from workshop.desk.chat import chat
from workshop.desk.directory import POLICY, LanguageDirectory
from workshop.desk.options import defaults_of_methods
from workshop.desk.report import LanguageReport
from workshop.desk.run import LanguageRun
from workshop.environments import EnvironmentConfig
from workshop.exercise import check_loss
from workshop.flags import options_of
from workshop.labellers import refuse_groups, who_answers
from workshop.labelling import LabellingConfig, defaults_of_rooms, refuse_address, refuse_to_join
from workshop.language import ANSWER_LENGTH, SPACES
from workshop.messages import UsageError, shown
from workshop.program import Program, newest_run, refuse_ties_for_the_hinge, set_up_device
from workshop.records import LLM, Row, kept, load_comparisons_from

# how --help groups the flags: those of people are as for clips
HELP: Mapping[str, Any] = tomllib.loads(
    Path(__file__)
    .with_name("help.toml")
    .read_text(encoding="utf-8")
    .replace("LABELLING", " ".join(option.name for option in options_of(LabellingConfig())))
)


class LanguageProgram(Program[Any]):
    """What `llm.py` does around its three steps."""

    file = LLM
    help = HELP
    directory = LanguageDirectory

    def tuned(self, typed_after: Callable[[str], str | None]) -> dict[str, Any]:
        """Defaults that follow from other flags."""
        return defaults_of_methods(typed_after) | defaults_of_rooms(typed_after)

    def train(
        self,
        config: Any,
        started: float,
        arguments: Sequence[str] = (),
        resume: Path | None = None,
        follow: Callable[[Row], object] | None = None,
    ) -> dict[str, Any]:
        """Check everything, train as `config` says and return the run's result; see `Program.train`."""
        refuse_contradictions(config)
        if self.uses_exercise(config):
            check_loss(self.preference_loss)
        if resume is None:
            config, recorded = self._of_others(config)
            refuse_groups(config.labellers, DESK_ID, who_answers(config, recorded))
            open_directory = partial(LanguageDirectory.make, config, arguments, recorded)
        else:
            recorded = kept(resume, DESK_ID, ANSWER_LENGTH, *SPACES)
            open_directory = partial(LanguageDirectory.reopen, resume)
        device = set_up_device(config.device)
        with (
            open_directory() as directory,
            LanguageReport(directory, config, started, follow, config.oracle.oracle != "terminal") as report,
            LanguageRun(config, device, directory, report, recorded) as run,
        ):
            self.rlhf(config, run)
            result = run.finish()
        run.conclude(result)
        return result

    def check(self, configs: Iterable[Any]) -> None:
        """Make sure that runs of all these can be begun; a UsageError if not."""
        configs = list(configs)
        for config in configs:
            refuse_contradictions(config)
            set_up_device(config.device)
            if config.oracle.oracle != "synthetic":
                raise UsageError(f"--oracle {config.oracle.oracle}: nobody can answer many runs at once.")
        for config in {(config.preferences, config.labellers): config for config in configs}.values():
            refuse_groups(config.labellers, DESK_ID, who_answers(*self._of_others(config)))
        if any(self.uses_exercise(config) for config in configs):
            check_loss(self.preference_loss)

    def show_instead(self, config: Any, env: str | None) -> bool:
        """Chat, if that is what was asked for."""
        if config.chat is None:
            return False
        has_policy = partial(_has, POLICY)
        chat(newest_run("--chat", config.chat, config.runs_dir, has_policy, "finished", LLM), config.seed)
        return True

    def evaluations(self, config: Any) -> int:
        """How many rows of the progress come after the first one, about."""
        return int(max(1, -(-config.policy.updates // config.evaluate_every)))

    def uses_exercise(self, config: Any) -> bool:
        """Whether the participant's loss trains anything."""
        return bool(config.choice_model.uses_yours)

    def _of_others(self, config: Any) -> tuple[Any, Comparisons]:
        """The flags, with the goal of those whose answers these are, and the answers of other runs that they name."""
        paths, goal = config.preferences.comparisons_from, config.labelling.goal or config.labellers.goal
        if not paths:
            return config, Comparisons.empty(ANSWER_LENGTH, *SPACES)
        comparisons, goals = load_comparisons_from(paths, EnvironmentConfig(env=DESK_ID), ANSWER_LENGTH, *SPACES)
        if goal or config.preferences.comparisons > 0:
            goals.add(goal)
        if len(goals) > 1:
            names = " and ".join(f'"{shown(each)}"' if each else "what visitors want" for each in sorted(goals))
            raise UsageError(f"--comparisons-from: the goals are different ({names}): learn from answers to one goal.")
        if config.labellers.goal:
            return config, comparisons
        return replace(config, labelling=replace(config.labelling, goal=goals.pop())), comparisons


def refuse_contradictions(config: Any) -> None:
    """Raise a UsageError for flags that make no sense together."""
    policy, asked = config.policy, config.preferences.comparisons
    refuse_to_join(config)
    if config.labelling.goal and config.oracle.oracle == "synthetic" and asked > 0:
        raise UsageError("--goal is what a person judges by; leave it out, or add --oracle human.")
    if config.labellers.labellers and config.oracle.oracle != "synthetic":
        raise UsageError(
            f"--labellers are synthetic, and with --oracle {config.oracle.oracle} you answer; choose one of them."
        )
    if config.labellers.align_to != "everybody" and policy.method == "dpo":
        raise UsageError("--align-to is for what a reward model learns from, and --method dpo learns without one.")
    refuse_ties_for_the_hinge(config)
    if config.oracle.oracle == "human":
        refuse_address(config.labelling)  # before there is a run that could not go on
    if asked == 0 and not config.preferences.comparisons_from:
        raise UsageError("--comparisons 0 leaves nothing to learn from; ask at least 1, or give --comparisons-from.")
    if 0 < asked < config.iterations:
        raise UsageError(f"--iterations {config.iterations}: each asks at least once, and --comparisons is {asked}.")
    if policy.method == "best-of-n" and config.iterations > 1:
        raise UsageError("--iterations must be 1 with --method best-of-n, which trains nothing to ask about anew.")
    if policy.method != "best-of-n" and 0 < policy.updates < config.iterations:
        raise UsageError(f"--updates {policy.updates}: each of the {config.iterations} iterations needs at least 1.")
    if policy.method == "dpo" and (config.reward_model.reward_from != "sft" or config.reward_model.reward_at == "end"):
        raise UsageError("--reward-from and --reward-at are for a reward model, and --method dpo learns without one.")


def _has(name: str, run: Path) -> bool:
    return (run / name).is_file()
