"""Can somebody teach the pole what no reward was written for, with forty answers? `python experiments/teach_a_spin.py`.

Runs `main.py --oracle human --goal …` and answers its page as a patient person would who judges by one of five rules;
where both clips are about equally good, neither is better. Then measures what the agent does, by the rule, beside
a random policy. No reward for any of it exists in the repository. Flags after `--` go to `main.py`.
"""

import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.request import HTTPCookieProcessor, Request, build_opener

import gymnasium
import numpy as np
from many_runs import ROOT, Seeds, print_table, read_command_line, share
from stable_baselines3 import PPO

from workshop import CARTPOLE_ID
from workshop.commands import run_program
from workshop.labellers import POLE

PERSON = "--solution --oracle human --no-open-page --no-pictures --ask-again 0 --comparisons 40"


def seen_alone(goal: str) -> Callable[[np.ndarray], np.ndarray]:
    """A goal of the pole that does not need the true reward, as a function of observations alone."""
    return lambda seen: POLE[goal](seen, np.empty(0))


def leans(seen: np.ndarray) -> np.ndarray:
    """The cosine of the angle between the pole and a line that leans 20 degrees to the left: upright has 0.94."""
    leaning: np.ndarray = np.cos(seen[..., 2] + np.deg2rad(20))
    return leaning


def turns_gently(seen: np.ndarray) -> np.ndarray:
    """The pole's speed in rad/s, negative: it falls, or goes round, at up to 8."""
    negative: np.ndarray = -np.abs(seen[..., 3])
    return negative


@dataclass(frozen=True)
class Rule:
    """What somebody wants.

    | field | what |
    | --- | --- |
    | goal | as it is typed |
    | score | how much of it there is in each of these observations, shape (…, 4) to (…,) |
    | equal | scores of two clips that differ by less look the same |
    | enough | the mean score of an episode from which it counts as learned |
    """

    goal: str
    score: Callable[[np.ndarray], np.ndarray]
    equal: float
    enough: float


RULES = {
    "spin": Rule("spin the pole", seen_alone("spin"), 0.1, 6.0),
    "lean": Rule("lean the pole a little to the left", leans, 0.02, 0.96),
    "left": Rule("keep the cart on the left", seen_alone("left"), 0.02, 0.3),
    "swing": Rule("let the pole turn gently, if at all", turns_gently, 0.1, -1.0),
    "still": Rule("keep the cart still", seen_alone("still"), 0.02, -0.3),
}


@dataclass(frozen=True)
class Options(Seeds):
    """Teach each of five goals on several seeds."""

    first_seed: int = 0
    """The first seed."""
    seeds: int = 5
    """How many seeds, one after another."""
    jobs: int = 1
    """Runs at once."""
    rule: Literal["all", "spin", "lean", "left", "swing", "still"] = "all"
    """Which of them."""


def main() -> None:
    options, passed_on = read_command_line(Options)
    names = RULES if options.rule == "all" else (options.rule,)

    def taught(rule: Rule, seed: int) -> float:
        with tempfile.TemporaryDirectory() as runs_dir:
            typed = f"{PERSON} --goal {shlex.quote(rule.goal)} --seed {seed} --runs-dir {runs_dir} {passed_on}"
            return score_of(PPO.load(teach(typed, rule, Path(runs_dir)) / "agent.zip", device="cpu"), rule)

    def row(name: str) -> list[object]:
        rule = RULES[name]
        with ThreadPoolExecutor(options.jobs) as pool:
            scores = list(pool.map(lambda seed: taught(rule, seed), options.numbers))
        each = ", ".join(f"{score:.2f}" for score in scores)
        return [rule.goal, each, f"{score_of(None, rule):.2f}", rule.enough, share([s >= rule.enough for s in scores])]

    print_table("goal | score of the agent: each seed | of a random policy | enough | learned", map(row, names))


def teach(flags: str, rule: Rule, runs_dir: Path) -> Path:
    """A run whose questions are answered here; returns its directory."""
    command = [sys.executable, "main.py", *shlex.split(flags)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stderr if "http://" in line)
        browser, page = build_opener(HTTPCookieProcessor()), address.partition("?")[0]
        browser.open(address).read()

        def post(path: str, **content: Any) -> None:
            body, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
            browser.open(Request(f"{page}{path}", body, headers)).read()

        while not (state := json.load(browser.open(f"{page}state")))["finished"]:
            if state["question"] is None:
                time.sleep(0.05)
            else:
                number = state["question"]["number"]
                post("answer", number=number, preference=judge(runs_dir, number, rule), seconds=1)
        post("farewell")
        return Path(json.loads(process.stdout.read())["run"])


def judge(runs_dir: Path, number: int, rule: Rule) -> float:
    """The answer to a question: the fragment is the better whose mean score is higher."""
    files = {int(file.stem): file for file in runs_dir.glob("*/fragments/*.npz")}
    first = max(each for each in files if each <= number)
    with np.load(files[first]) as arrays:
        a, b = (rule.score(arrays[f"observations_{side}"][number - first]).mean() for side in "ab")
    return 0.5 if abs(b - a) < rule.equal else float(b > a)


def score_of(agent: PPO | None, rule: Rule) -> float:
    """The mean score over ten episodes of the agent, or of a random policy."""
    env, scores = gymnasium.make(CARTPOLE_ID), []
    env.action_space.seed(0)
    for seed in range(10):
        observation, _ = env.reset(seed=seed)
        seen, ended = [observation], False
        while not ended:
            action = env.action_space.sample() if agent is None else agent.predict(observation, deterministic=True)[0]
            observation, _, _, ended, _ = env.step(int(action))
            seen.append(observation)
        scores.append(rule.score(np.array(seen)).mean())
    return float(np.mean(scores))


if __name__ == "__main__":
    run_program(main, end=sys.exit)
