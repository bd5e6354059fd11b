"""The report of one run: it evaluates the agent after each iteration, adds to `progress.csv`, and tells who listens."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec

from workshop.agent import Agent, RewardFunction
from workshop.environments import episode_steps, why_not_drawn
from workshop.labellers import Satisfaction
from workshop.messages import RunError, say
from workshop.records import Row, RunDirectory, summarise
from workshop.reports.about import About, command_of
from workshop.reports.dependence import Dependence
from workshop.reports.evaluation import Episodes, Evaluation, Evaluator, HowToEvaluate
from workshop.reports.figures import draw_learned_reward, draw_learning_curve, draw_returns
from workshop.reports.listeners import Iteration, Listener, ProgressBar
from workshop.reports.moving_pictures import save_final_policy, save_progress
from workshop.reports.reward_hacking import HackingAlarm
from workshop.reports.tensorboard import TensorBoard
from workshop.reports.what_it_learned import draw_what_it_learned
from workshop.state import State

EVALUATION = 1  # beside the run's seed: the stream of randomness that evaluation draws from


class Report:
    """Follows one run, which takes `total_steps` environment steps.

    `started` is the time, by `time.perf_counter`, from which the run's seconds count. `seed` is the run's; the
    evaluation episodes come from a generator of their own, so that reporting changes nothing of what is reported.
    `follow`, if given, is called with each row of the progress. The run may learn from so many `answers`, none with the
    true reward; with a `goal` of a person's or of labellers, nothing is told by the true reward. It is a context, which
    ends with the run. So many `iterations` tell the alarm how long is long; `satisfaction` tells what each group gets.
    """

    def __init__(
        self,
        directory: RunDirectory,
        spec: EnvSpec,
        total_steps: int,
        seed: int,
        started: float,
        follow: Callable[[Row], object] | None = None,
        show_bar: bool = True,
        how: HowToEvaluate | None = None,
        answers: int = 0,
        goal: str = "",
        iterations: int = 0,
        satisfaction: Satisfaction | None = None,
    ):
        self._directory, self._spec, self._started, self._follow = directory, spec, started, follow
        self._satisfaction = satisfaction
        self._evaluator = Evaluator(spec, np.random.default_rng([seed, EVALUATION]), how)
        self._episodes: list[Episodes] = []  # of each iteration, without their steps
        self._last: Evaluation  # once there is one
        self._alarm, self._early_ends_told = HackingAlarm(iterations, self._evaluator.random), False
        self.about = About(spec, seed, command_of(directory.path), answers, goal)
        self._bar = ProgressBar(total_steps, self.about, show_bar)
        self._tensorboard = TensorBoard(directory.path)
        self._listeners: list[Listener] = [self._tensorboard, self._bar]

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, exception: type[BaseException] | None, *_: object) -> None:
        self._bar.close()
        if exception is None:  # else its processes may be gone already, and the program ends them anyway
            self._evaluator.close()

    def listen(self, listener: Listener) -> None:
        """Tell somebody more of the run, until it is over."""
        self._listeners.append(listener)

    def judge_by(self, goal: str) -> None:
        """From now on a person judges by this goal of their own, by which the true reward says nothing."""
        self.about = self._bar.about = replace(self.about, goal=goal)

    def steps_taken(self, steps: int) -> None:
        """So many environment steps were taken."""
        for listener in self._listeners:
            listener.steps_taken(steps)

    def iteration(
        self, agent: Agent, reward: RewardFunction | None, env_steps: int, learned_from: Mapping[str, float | str]
    ) -> None:
        """Evaluate the agent and add a row to the run's progress.

        `reward` is the learned reward that the agent was trained on (None for the true one), `learned_from` the columns
        of `progress.csv` that tell how it was learned.
        """
        evaluation = self._evaluator.evaluate(agent.policy(), reward)
        self._episodes.append(evaluation.episodes.without_steps())
        self._last = replace(evaluation, episodes=self._episodes[-1])
        if not self._early_ends_told and self._evaluator.ends_early(evaluation.episodes):
            self._early_ends_told = True
            self._bar.say(
                f"{self._spec.id}: episodes end early now, which they did not when they were tried, and their "
                f"length gives the reward away. --fixed-horizon {episode_steps(self._spec)} makes all equally long."
            )
        alarm = None if self.about.goal else self._alarm.check(evaluation, reward)
        if alarm is not None:
            self._bar.say(alarm[0])
        row = {
            "iteration": len(self._episodes) - 1,
            "env_steps": env_steps,
            "true_return_mean": float(evaluation.episodes.true_returns.mean()),
            "true_return_std": float(evaluation.episodes.true_returns.std()),
            "learned_return_mean": evaluation.learned_return_mean,
            "reward_correlation": evaluation.reward_correlation,
            "seconds": time.perf_counter() - self._started,
            "reward_hacking": int(alarm is not None and alarm[1]),
            "random_return_mean": self._evaluator.random_return,
            **learned_from,
        }
        if self._satisfaction is not None:
            steps = evaluation.episodes.observations, evaluation.episodes.true_rewards
            row |= self._satisfaction.returns(steps, self._evaluator.random_steps, self._evaluator.episodes)
        self._directory.append_row(row)
        told = Iteration(self._directory.rows, evaluation, *agent.numbers())
        for listener in self._listeners:
            listener.iteration(told)
        if self._follow is not None:  # which may break the run off, and so comes last
            self._follow(row)

    def state(self) -> State:
        """What the report goes on from."""
        return {
            "evaluator": self._evaluator.state(),
            "alarm": self._alarm.state(),
            # a few large arrays, since each one in a checkpoint takes its time, and there are ever more episodes
            "true_returns": np.stack([episodes.true_returns for episodes in self._episodes]),
            "seeds": [episodes.seed for episodes in self._episodes],
            "first_actions": np.concatenate([episodes.first_actions for episodes in self._episodes]),
            "first_seen": np.concatenate([episodes.first_seen for episodes in self._episodes]),
            "lengths": [len(episodes.first_actions) for episodes in self._episodes],
            "last": vars(self._last) | {"episodes": vars(self._last.episodes)},
            "tensorboard": self._tensorboard.state(),
            "seconds": time.perf_counter() - self._started,
        }

    def restore(self, state: State) -> None:
        """Go on from `state`; what was between it and now does not count into the run's seconds."""
        self._evaluator.restore(state["evaluator"])
        self._alarm.restore(state["alarm"])
        ends = np.cumsum(state["lengths"])[:-1]
        first = (np.split(state[name], ends) for name in ("first_actions", "first_seen"))
        no_steps = (np.empty(0),) * 3
        self._episodes = [
            Episodes(*no_steps, *each) for each in zip(state["true_returns"], state["seeds"], *first, strict=True)
        ]
        self._tensorboard.restore(state["tensorboard"])
        self._last = Evaluation(**state["last"] | {"episodes": Episodes(**state["last"]["episodes"])})
        self._started -= state["seconds"]
        for listener in self._listeners:
            listener.go_on(self._directory.rows)

    def result(self) -> dict[str, Any]:
        """What came of the run."""
        summary = summarise(self._directory.rows, self.about.solved_at)
        if self.about.goal:
            summary["solved"] = None  # nobody can say
        seconds = round(time.perf_counter() - self._started, 1)
        return {"run": str(self._directory.path), **summary, "seconds": seconds}

    def finish(self, pictures: bool, learned: Sequence[Dependence] = ()) -> None:
        """Draw the plots, that of the `learned` reward over its inputs too, and, if wanted, the moving pictures."""
        rows, about, path, episodes = self._directory.rows, self.about, self._directory.path, self._evaluator.episodes
        plots: dict[str, Callable[[Path], object]] = {
            "learning_curve": partial(draw_learning_curve, rows, about, episodes)
        }
        if len(self._last.learned_rewards):
            plots["learned_reward"] = partial(draw_learned_reward, rows, self._last, about)
            if not about.goal:
                plots["returns"] = partial(draw_returns, rows, about, episodes)
        if learned:
            plots["what_it_learned"] = partial(draw_what_it_learned, learned, about)
        for name, draw in plots.items():
            plot = path / "plots" / f"{name}.png"
            attempt(plot, partial(draw, plot))
        if pictures and not why_not_drawn(self._spec):
            shown = [about.caption(row, each.true_returns[0]) for row, each in zip(rows, self._episodes, strict=True)]
            progress, final = path / "videos" / "progress.gif", path / "videos" / "final_policy.gif"
            attempt(progress, partial(save_progress, self._spec, self._episodes, shown, progress))
            attempt(final, partial(save_final_policy, self._spec, self._episodes[-1], shown[-1], final))


def attempt(what: str | Path, make: Callable[[], object]) -> None:
    """Make something that nothing else depends on; if it cannot be made, a sentence says so and why."""
    try:
        make()
    except Exception as problem:  # whatever it is, what the run was for is saved already
        expected = isinstance(problem, RunError | OSError)
        why = " ".join(str(problem).split()) if expected else f"{type(problem).__name__}: {problem}"
        say(f"{what} could not be made: {why.rstrip('.')}.")
