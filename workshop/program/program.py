"""A program of the workshop: its flags, the participant's loss and the loop, and what goes around them."""

import json
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, get_origin

from workshop.commands import read_flags, run_program
from workshop.environments import episode_steps, known_of_gymnasium, why_not_drawn
from workshop.exercise import PreferenceLoss, check_loss, give_hints, report_check
from workshop.flags import as_json, options_of, typed_flags
from workshop.labellers import Satisfaction, goals_of, refuse_groups, who_answers
from workshop.messages import UsageError, say, shown
from workshop.program.device import set_up_device
from workshop.program.goals import learn_from_others
from workshop.program.newest import has_agent, is_unfinished, newest_run
from workshop.program.own_defaults import own_defaults
from workshop.program.plan import Plan, plan_run
from workshop.program.run import Run, recorded_config
from workshop.program.several import instead_of_several
from workshop.program.tuned import tuned_settings
from workshop.program.watch import watch
from workshop.records import Row, RunDirectory, as_command, kept, program_of
from workshop.reports import HowToEvaluate, Report

Config = TypeVar("Config", bound=Any)

HELP = tomllib.loads(Path(__file__).with_name("help.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Program(Generic[Config]):
    """What `main.py` does: its flags, as a dataclass that has those of `RunConfig`, the exercise, and the loop.

    A program of another kind, as `llm.py` is, has a class of its own.

    | attribute | what |
    | --- | --- |
    | file | what is typed for it |
    | help | how --help groups the flags: see `help.toml` |
    | directory | of what kind the directories of its runs are |
    """

    config: type[Config]
    preference_loss: PreferenceLoss
    rlhf: Callable[[Config, Any], None]

    file: ClassVar[str] = "main.py"
    help: ClassVar[Mapping[str, Any]] = HELP
    directory: ClassVar[type[RunDirectory]] = RunDirectory

    def tuned(self, typed_after: Callable[[str], str | None]) -> dict[str, Any]:
        """Defaults that follow from other flags, by field name."""
        return tuned_settings(typed_after)

    def read_config(self, arguments: Sequence[str]) -> Config:
        """The flags, with defaults that suit the environment; a UsageError for a mistake in them."""
        lists = [option.flag for option in options_of(self.config()) if get_origin(option.type) is tuple]
        instead = partial(instead_of_several, arguments, lists, program=self.file)
        return read_flags(self.config, arguments, self.tuned, self.help["groups"], instead)

    def defaults(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What these options of a run, by name, would be by default: see `own_defaults`."""
        return own_defaults(options, as_json(self.config()), self.tuned)

    def train(
        self,
        config: Config,
        started: float,
        arguments: Sequence[str] = (),
        resume: Path | None = None,
        follow: Callable[[Row], object] | None = None,
    ) -> dict[str, Any]:
        """Check everything, train as `config` says and return the run's result.

        The run's directory is made, with the `arguments` on record, or that of the run to `resume` is opened. `started`
        is when the run's seconds begin, by `time.perf_counter`; `follow` is called with each row of `progress.csv` as
        it is written. Raises a UsageError for whatever can be known before the run begins.
        """
        plan = plan_run(config)
        if self.uses_exercise(config):
            check_loss(self.preference_loss)
        if resume is None:
            config, recorded = learn_from_others(config, plan)
            refuse_groups(config.labellers, plan.spec.id, who_answers(config, recorded))
            open_directory = partial(RunDirectory.make, config, arguments, recorded)
        else:
            recorded = kept(resume, plan.spec.id, config.preferences.fragment_length, *plan.spaces)
            open_directory = partial(RunDirectory.reopen, resume)
        device = set_up_device(config.device)
        say_what_is_special(config, plan)
        show_bar = config.oracle.oracle != "terminal"
        how, goal = how_to_evaluate(config, plan), config.labelling.goal or config.labellers.goal
        satisfaction = satisfaction_of(config, plan)
        answers = config.preferences.comparisons + len(recorded) if config.reward == "learned" else 0
        said = (follow, show_bar, how, answers, goal, config.iterations, satisfaction)
        with (
            open_directory() as directory,
            Report(directory, plan.spec, plan.total, config.seed, started, *said) as report,
            Run(config, plan, device, directory, report, recorded) as run,
        ):
            self.rlhf(config, run)
            result = run.finish()
        run.conclude(result)
        return result

    def check(self, configs: Iterable[Config]) -> None:
        """Make sure that runs of all these can be begun, without anybody there to answer; a UsageError if not."""
        configs = list(configs)
        read = set()  # which recorded answers: in a sweep over other flags they are the same for each run
        for config in configs:
            plan = plan_run(config)
            answers = config.environment, config.labelling.goal, config.preferences, config.labellers
            if answers not in read:
                config, recorded = learn_from_others(config, plan)
                refuse_groups(config.labellers, plan.spec.id, who_answers(config, recorded))
                read.add(answers)
            set_up_device(config.device)
            if config.oracle.oracle != "synthetic":
                raise UsageError(f"--oracle {config.oracle.oracle}: nobody can answer many runs at once.")
        if any(self.uses_exercise(config) for config in configs):
            check_loss(self.preference_loss)

    def main(self) -> None:
        """Read the flags, do what they ask for and, after a run, print its result as one line of JSON."""
        started = time.perf_counter()
        arguments = sys.argv[1:]
        config = self.read_config(arguments)
        typed = [flag for flag, _ in typed_flags(arguments)]
        instead = [flag for flag in ("--watch", "--chat", "--hint", "--check", "--resume") if flag in typed]
        if len(instead) > 1:
            raise UsageError(f"{' and '.join(instead)} each do something else than begin a run; give one of them.")
        env = config.environment.env if "--env" in typed else None
        if config.hint > 0:
            give_hints(config.hint)
        elif config.check:
            report_check(self.preference_loss)
        elif not self.show_instead(config, env):
            resume = config.resume
            if resume is not None:
                if not {*typed} <= {"--resume", "--env"}:
                    raise UsageError("--resume goes on with a run as it was begun: give no other flag.")
                resume = newest_run("--resume", resume, config.runs_dir, is_unfinished, "unfinished", self.file)
                if (program := program_of(resume)) != self.file:
                    command = as_command(["--resume", str(resume)], program)
                    raise UsageError(f"--resume {shown(resume)}: that is a run of {program}; type {command}.")
                config = recorded_config(resume, self.config, env, self.directory.fixed)
            print(json.dumps(self.train(config, started, arguments, resume)), flush=True)

    def show_instead(self, config: Config, env: str | None) -> bool:
        """Show the agent of a finished run, if that is what was asked for; the user has named its environment `env`."""
        if config.watch is None:
            return False
        watch(newest_run("--watch", config.watch, config.runs_dir, has_agent, "finished", self.file), env)
        return True

    def run(self) -> None:
        """Do what was typed, and exit with the right code."""
        run_program(self.main)

    def evaluations(self, config: Config) -> int:
        """How many rows of the progress come after the first one."""
        return int(config.iterations)

    def uses_exercise(self, config: Config) -> bool:
        """Whether the participant's loss trains anything."""
        return bool(config.choice_model.uses_yours and config.reward == "learned")


def satisfaction_of(config: Any, plan: Plan) -> Satisfaction | None:
    """What tells what each group gets, where there is another goal than the true reward."""
    if not config.labellers.goal:
        return None
    goals = goals_of(plan.spec.id)
    return Satisfaction(plan.spec.id, {group.name: goals[group.name] for group in config.labellers.groups})


def how_to_evaluate(config: Any, plan: Plan) -> HowToEvaluate:
    """As many copies at a time as can be: of what is not stepped in NumPy, no more than train the agent.

    How many does not depend on how fast a step is: what an environment keeps over a reset would show in the numbers.
    """
    episodes, agent = config.evaluation_episodes, config.agent
    one_by_one = agent.stepping == "auto" and plan.spec.vector_entry_point is None and agent.n_envs > 1
    few = one_by_one or agent.stepping == "subprocesses" or not plan.trial.copies
    copies = min(episodes, agent.n_envs) if few else episodes
    steps = None if config.environment.allow_variable_horizon else episode_steps(plan.spec)
    return HowToEvaluate(episodes, copies, agent.stepping, not known_of_gymnasium(plan.spec), steps)


def say_what_is_special(config: Any, plan: Plan) -> None:
    """Say before a run what it will lack for its environment's sake."""
    env_id = plan.spec.id
    if not plan.trial.repeats:
        say(
            f"{env_id} does not do the same again with the same seed and actions: this run gives other numbers each "
            "time, and cannot be resumed or shown exactly, so there will be no moving pictures."
        )
    elif config.pictures and (problem := why_not_drawn(plan.spec)):
        say(f"There will be no moving pictures: {env_id} cannot be drawn here without a window: {problem}.")
