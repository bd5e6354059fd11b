"""What a run tells: its progress bar, `progress.csv` and TensorBoard, and at the end its plots, pictures and result."""

import math
import time
from typing import Any

import gymnasium
import numpy as np
from tqdm import tqdm

from workshop.agent import Agent, RewardFunction
from workshop.evaluation import Evaluation, Evaluator
from workshop.figures import draw_learned_reward, draw_learning_curve
from workshop.messages import UsageError, say
from workshop.pictures import can_be_drawn, save_final_policy, save_progress
from workshop.run_directory import RunDirectory

EVALUATION = 1  # beside the run's seed: the stream of randomness that evaluation draws from


class Report:
    """Follows one run, which takes `total_steps` environment steps.

    `started` is the time, by `time.perf_counter`, from which the run's seconds count. `seed` is the run's; the
    evaluation episodes come from a generator of their own, so that reporting changes nothing of what is reported.
    """

    def __init__(self, run: RunDirectory, env_id: str, total_steps: int, seed: int, started: float):
        self.run = run
        self._env_id = env_id
        self._started = started
        self._evaluator = Evaluator(env_id, np.random.default_rng([seed, EVALUATION]))
        self._evaluations: list[Evaluation] = []
        self._solved_at = gymnasium.spec(env_id).reward_threshold
        self._plots, self._videos = run.path / "plots", run.path / "videos"
        # with disable=None the bar is shown on a terminal only
        self._bar = tqdm(total=total_steps, unit="step", disable=None, dynamic_ncols=True, smoothing=0.05)

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, exception: type[BaseException] | None, *_: object) -> None:
        self._bar.close()
        if exception is not None and issubclass(exception, KeyboardInterrupt | UsageError):
            when = (
                f"after iteration {len(self._evaluations) - 1}" if self._evaluations else "before the first iteration"
            )
            say(f"Stopped {when}; what was done until then is in {self.run.path}")

    def steps_taken(self, steps: int) -> None:
        """Move the progress bar on by so many environment steps."""
        self._bar.update(steps)

    def iteration(
        self,
        agent: Agent,
        reward: RewardFunction | None,
        env_steps: int,
        comparisons: int,
        held_out: tuple[float, float],
    ) -> None:
        """Evaluate the agent and add a row to the run's progress.

        `reward` is the learned reward that the agent was trained on (None for the true one), `comparisons` those it
        was learned from, `held_out` its loss and accuracy on comparisons that it was not learned from.
        """
        evaluation = self._evaluator.evaluate(agent.policy(), reward)
        self._evaluations.append(evaluation)
        loss, accuracy = held_out
        row = {
            "iteration": len(self._evaluations) - 1,
            "env_steps": env_steps,
            "comparisons": comparisons,
            "true_return_mean": float(evaluation.episodes.true_returns.mean()),
            "true_return_std": float(evaluation.episodes.true_returns.std()),
            "learned_return_mean": evaluation.learned_return_mean,
            "reward_model_loss": loss,
            "reward_model_accuracy": accuracy,
            "reward_correlation": evaluation.reward_correlation,
            "seconds": time.perf_counter() - self._started,
        }
        self.run.append_row(row)
        agent.log({name: value for name, value in row.items() if name != "iteration" and not math.isnan(value)})
        shown = {"true": "true_return_mean", "learned": "learned_return_mean", "accuracy": "reward_model_accuracy"}
        known = {label: f"{row[name]:.3g}" for label, name in shown.items() if not math.isnan(row[name])}
        self._bar.set_postfix(known)

    def finish(self) -> dict[str, Any]:
        """Draw the plots and the moving pictures, and return the run's result."""
        rows = self.run.rows
        draw_learning_curve(rows, self._solved_at, self._plots / "learning_curve.png")
        if len(self._evaluations[-1].learned_rewards):
            draw_learned_reward(rows, self._evaluations[-1], self._plots / "learned_reward.png")
        if can_be_drawn(self._env_id):
            episodes = [evaluation.episodes for evaluation in self._evaluations]
            save_progress(self._env_id, episodes, [row["comparisons"] for row in rows], self._videos / "progress.gif")
            save_final_policy(self._env_id, episodes[-1], self._videos / "final_policy.gif")
        seconds = round(time.perf_counter() - self._started, 1)
        return {"run": str(self.run.path), **summarise(rows, self._solved_at), "seconds": seconds}

    def conclude(self, result: dict[str, Any]) -> None:
        """Say to a person how the run went, and where to look."""
        say(_in_words(result))
        say(f"Plots:           {self._plots}")
        if can_be_drawn(self._env_id):
            say(f"Moving pictures: {self._videos / 'final_policy.gif'}")
            say(f"                 {self._videos / 'progress.gif'} (the agent after each iteration)")
        else:
            say(f"Moving pictures: none, since {self._env_id} cannot be drawn without a window")


def summarise(rows: list[dict[str, float]], solved_at: float | None) -> dict[str, Any]:
    """How a run ended, from its rows of `progress.csv`.

    It is solved if the last mean true return is at least `solved_at`; `comparisons_to_solve` are the comparisons at
    the first iteration from which that holds to the end, None if the run ends unsolved.
    """
    first_solved = len(rows)
    while first_solved > 0 and solved_at is not None and rows[first_solved - 1]["true_return_mean"] >= solved_at:
        first_solved -= 1
    solved = first_solved < len(rows)
    last = rows[-1]
    return {
        "solved": solved,
        "true_return_mean": round(last["true_return_mean"], 2),
        "comparisons": last["comparisons"],
        "comparisons_to_solve": rows[first_solved]["comparisons"] if solved else None,
        "env_steps": last["env_steps"],
    }


def _in_words(result: dict[str, Any]) -> str:
    text = f"true return {result['true_return_mean']:g} after {result['env_steps']} steps and {result['seconds']:g} s"
    if result["comparisons"]:
        text += f", from {result['comparisons']} comparisons"
    if not result["solved"]:
        return f"Not solved: {text}."
    if result["comparisons"]:
        text += f" (it has stayed solved since it had {result['comparisons_to_solve']})"
    return f"Solved: {text}."
