"""What a run tells: its progress bar, `progress.csv` and TensorBoard, and at the end its plots, pictures and result."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec
from tqdm import tqdm

from workshop.agent.agent import Agent, RewardFunction
from workshop.environments.specs import solved_at
from workshop.labelling.spectator import Spectator
from workshop.messages import say
from workshop.records.checkpoint import State
from workshop.records.directory import RunDirectory
from workshop.records.progress import Row, summarise
from workshop.reports.evaluation import Episodes, Evaluation, Evaluator
from workshop.reports.figures import draw_learned_reward, draw_learning_curve
from workshop.reports.moving_pictures import can_be_drawn, save_final_policy, save_progress
from workshop.reports.reward_hacking import HackingAlarm

EVALUATION = 1  # beside the run's seed: the stream of randomness that evaluation draws from


class Report:
    """Follows one run, which takes `total_steps` environment steps.

    `started` is the time, by `time.perf_counter`, from which the run's seconds count. `seed` is the run's; the
    evaluation episodes come from a generator of their own, so that reporting changes nothing of what is reported.
    `follow`, if given, is called with each row of the progress. A `spectator` that is set is told of it all; what is
    registered for `cleanup` is closed at the end of the `with`. Without `pictures` none are made.
    """

    def __init__(
        self,
        run: RunDirectory,
        spec: EnvSpec,
        total_steps: int,
        seed: int,
        started: float,
        follow: Callable[[Row], object] | None = None,
        show_bar: bool = True,
        pictures: bool = True,
    ):
        self.run = run
        self.spectator: Spectator | None = None
        self.cleanup = ExitStack()
        self._follow = follow
        self._spec = spec
        self._started = started
        self._evaluator = Evaluator(spec, np.random.default_rng([seed, EVALUATION]))
        self._episodes: list[Episodes] = []  # of each iteration, without their steps
        self._last: Evaluation  # once there is one
        self._alarm = HackingAlarm()
        self._solved_at = solved_at(spec)
        self._pictures = pictures
        self._plots, self._videos = run.path / "plots", run.path / "videos"
        # with disable=None the bar is shown on a terminal only
        disable = None if show_bar else True
        self._bar = tqdm(total=total_steps, unit="step", disable=disable, dynamic_ncols=True, smoothing=0.05)

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        self.cleanup.close()

    def steps_taken(self, steps: int) -> None:
        """Move the progress bar on by so many environment steps."""
        self._bar.update(steps)
        if self.spectator is not None:
            self.spectator.steps_taken(steps)

    def iteration(
        self, agent: Agent, reward: RewardFunction | None, env_steps: int, learned_from: Mapping[str, float | str]
    ) -> None:
        """Evaluate the agent and add a row to the run's progress.

        `reward` is the learned reward that the agent was trained on (None for the true one), `learned_from` the columns
        of `progress.csv` that tell how it was learned.
        """
        evaluation = self._last = self._evaluator.evaluate(agent.policy(), reward)
        self._episodes.append(evaluation.episodes.without_steps())
        alarm = self._alarm.check(evaluation, reward)
        if alarm is not None:
            self._say(alarm)
        row = {
            "iteration": len(self._episodes) - 1,
            "env_steps": env_steps,
            "true_return_mean": float(evaluation.episodes.true_returns.mean()),
            "true_return_std": float(evaluation.episodes.true_returns.std()),
            "learned_return_mean": evaluation.learned_return_mean,
            "reward_correlation": evaluation.reward_correlation,
            "seconds": time.perf_counter() - self._started,
            "reward_hacking": int(alarm is not None),
            "random_return_mean": self._evaluator.random_return,
            **learned_from,
        }
        self.run.append_row(row)
        numbers = {name: value for name, value in row.items() if not isinstance(value, str) and not math.isnan(value)}
        agent.log({name: value for name, value in numbers.items() if name != "iteration"})
        shown = {"true": "true_return_mean", "learned": "learned_return_mean", "accuracy": "reward_model_accuracy"}
        self._bar.set_postfix({label: f"{row[name]:.3g}" for label, name in shown.items() if name in numbers})
        if self.spectator is not None:
            self.spectator.iteration(self.run.rows, evaluation)
        if self._follow is not None:
            self._follow(row)

    def _say(self, text: str) -> None:
        """Say something without breaking the progress bar."""
        with self._bar.external_write_mode(file=sys.stderr):
            say(text)

    def state(self) -> State:
        """What the report goes on from."""
        return {
            "evaluator": self._evaluator.state(),
            "alarm": self._alarm.state(),
            # a few large arrays, since each one in a checkpoint takes its time, and there are ever more episodes
            "true_returns": np.stack([episodes.true_returns for episodes in self._episodes]),
            "seeds": [episodes.seed for episodes in self._episodes],
            "first_actions": np.concatenate([episodes.first_actions for episodes in self._episodes]),
            "lengths": [len(episodes.first_actions) for episodes in self._episodes],
            "last": vars(self._last) | {"episodes": vars(self._last.episodes)},
            "seconds": time.perf_counter() - self._started,
        }

    def restore(self, state: State) -> None:
        """Go on from `state`; what was between it and now does not count into the run's seconds."""
        self._evaluator.restore(state["evaluator"])
        self._alarm.restore(state["alarm"])
        first_actions = np.split(state["first_actions"], np.cumsum(state["lengths"])[:-1])
        no_steps = (np.empty(0),) * 3
        self._episodes = [
            Episodes(*no_steps, *each)
            for each in zip(state["true_returns"], state["seeds"], first_actions, strict=True)
        ]
        self._last = Evaluation(**state["last"] | {"episodes": Episodes(**state["last"]["episodes"])})
        self._started -= state["seconds"]
        self._bar.update(self.run.rows[-1]["env_steps"])

    def finish(self) -> dict[str, Any]:
        """Draw the plots and the moving pictures, and return the run's result."""
        rows = self.run.rows
        draw_learning_curve(rows, self._solved_at, self._plots / "learning_curve.png")
        if len(self._last.learned_rewards):
            draw_learned_reward(rows, self._last, self._plots / "learned_reward.png")
        if self._pictures and can_be_drawn(self._spec.id):
            save_progress(
                self._spec, self._episodes, [row["comparisons"] for row in rows], self._videos / "progress.gif"
            )
            save_final_policy(self._spec, self._episodes[-1], self._videos / "final_policy.gif")
        seconds = round(time.perf_counter() - self._started, 1)
        return {"run": str(self.run.path), **summarise(rows, self._solved_at), "seconds": seconds}

    def conclude(self, result: dict[str, Any], explained: Mapping[str, tuple[float, float]]) -> None:
        """Say to a person how the run went, and where to look; `explained` is what `choice_models.explain` returns."""
        say(_in_words(result, self.run.rows[-1], self._solved_at))
        if explained:
            losses = ", ".join(f"{name} {loss:.3f}" for name, (loss, _) in explained.items())
            say(f"Held-out answers, explained by each choice model at its best (nats; guessing has 0.693): {losses}")
        say(f"Plots:           {self._plots}")
        if not self._pictures:
            return
        if can_be_drawn(self._spec.id):
            say(f"Moving pictures: {self._videos / 'final_policy.gif'}")
            say(f"                 {self._videos / 'progress.gif'} (the agent over its iterations)")
        else:
            say(f"Moving pictures: none, since {self._spec.id} cannot be drawn here without a window")


def _in_words(result: dict[str, Any], last: Mapping[str, Any], solved_at: float | None) -> str:
    text = f"true return {result['true_return_mean']:g} after {result['env_steps']} steps and {result['seconds']:g} s"
    if result["comparisons"]:
        text += f", from {result['comparisons']} comparisons"
    if last["skipped"]:
        text += f" ({last['skipped']} more were skipped)"
    if last["stopped_asking"] == "settled":
        text += ", when the held-out loss had settled"
    if solved_at is None:
        return f"Done: {text}."  # nobody has said what counts as solved here
    if not result["solved"]:
        return f"Not solved: {text}."
    if result["comparisons"]:
        text += f" (it has stayed solved since it had {result['comparisons_to_solve']})"
    return f"Solved: {text}."
