"""Can somebody teach the pole to spin, with about fifty answers? `python experiments/teach_a_spin.py`.

Runs `main.py --oracle human --goal "spin the pole"` and answers its page as a patient person would: the clip in which
the pole turns faster is the better one; where both turn about equally fast, neither. Then counts the turns that the
trained agent makes in an episode. No reward for spinning exists in the repository. Flags after `--` go to `main.py`.
"""

import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, Request, build_opener

import gymnasium
import numpy as np
from many_runs import ROOT, Seeds, print_table, read_command_line
from stable_baselines3 import PPO

from workshop import CARTPOLE_ID
from workshop.commands import run_program
from workshop.records import read_run

PERSON = '--solution --oracle human --no-open-page --ask-again 0 --goal "spin the pole" --comparisons 50'
EQUAL = 0.1  # radians a second: a person does not see so small a difference


def main() -> None:
    options, passed_on = read_command_line(Seeds, lambda _: {"first_seed": 0, "seeds": 5})

    def row(seed: int) -> list[object]:
        with tempfile.TemporaryDirectory() as runs_dir:
            run = teach(f"{PERSON} --seed {seed} --runs-dir {runs_dir} {passed_on}", Path(runs_dir))
            answers = read_run(run).columns["comparisons"][-1]
            turns = [turns_in_episode(run, each) for each in range(10)]
        return [seed, f"{answers:g}", f"{np.mean(turns):.1f} ({min(turns):.1f} to {max(turns):.1f})"]

    print_table("seed | answers | turns in an episode: mean (least to most)", map(row, options.numbers))


def teach(flags: str, runs_dir: Path) -> Path:
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
                post("answer", number=number, preference=judge(runs_dir, number), seconds=1)
        post("farewell")
        return Path(json.loads(process.stdout.read())["run"])


def judge(runs_dir: Path, number: int) -> float:
    """The answer to a question: the fragment is the better in which the pole's mean angular speed is higher."""
    files = {int(file.stem): file for file in runs_dir.glob("*/fragments/*.npz")}
    first = max(each for each in files if each <= number)
    with np.load(files[first]) as arrays:
        a, b = (np.abs(arrays[f"observations_{side}"][number - first, :, 3]).mean() for side in "ab")
    return 0.5 if abs(b - a) < EQUAL else float(b > a)


def turns_in_episode(run: Path, seed: int) -> float:
    """Turns of the pole in the episode with this seed of the trained agent, one way less those the other way."""
    agent, env = PPO.load(run / "agent.zip", device="cpu"), gymnasium.make(CARTPOLE_ID)
    observation, _ = env.reset(seed=seed)
    angles, ended = [float(observation[2])], False
    while not ended:
        action, _ = agent.predict(observation, deterministic=True)
        observation, _, _, ended, _ = env.step(int(action))
        angles.append(float(observation[2]))
    turned = np.unwrap(angles)
    return float(abs(turned[-1] - turned[0]) / (2 * np.pi))


if __name__ == "__main__":
    run_program(main, end=sys.exit)
