"""Can somebody teach the pole to spin, with about fifty answers? `python experiments/teach_a_spin.py`.

Runs `main.py --oracle human --goal "spin the pole"` and answers its page as a patient person would: the clip in which
the pole turns faster is the better one; where both turn about equally fast, neither. Then counts the turns that the
trained agent makes in an episode, and those of the untrained one. No reward for spinning exists in the repository.
"""

import http.cookiejar
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import gymnasium
import numpy as np
import tyro
from stable_baselines3 import PPO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workshop import CARTPOLE_ID

ROOT = Path(__file__).resolve().parents[1]
EQUAL = 0.1  # radians a second: a person does not see so small a difference
EPISODES = 10


@dataclass(frozen=True)
class Options:
    """Teach the pole to spin."""

    first_seed: int = 0
    """The first seed."""
    seeds: int = 5
    """How many seeds, one after another."""
    comparisons: int = 50
    """Answers in each run."""


def main() -> None:
    options = tyro.cli(Options)
    print("| seed | answers | turns in an episode: mean (least to most) |\n| --- | --- | --- |")
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        with tempfile.TemporaryDirectory() as runs_dir:
            run = teach(seed, options.comparisons, runs_dir)
            turns = count_turns(run)
            print(f"| {seed} | {options.comparisons} | {turns.mean():.1f} ({turns.min():.1f} to {turns.max():.1f}) |")


def teach(seed: int, comparisons: int, runs_dir: str) -> Path:
    """A run whose questions are answered here; returns its directory."""
    command = [
        sys.executable,
        "main.py",
        "--solution",
        "--oracle",
        "human",
        "--no-open-page",
        "--goal",
        "spin the pole",
    ]
    command += ["--seed", str(seed), "--comparisons", str(comparisons), "--runs-dir", runs_dir, "--ask-again", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        address = next(line.split()[-1] for line in process.stderr if "http://" in line)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        opener.open(address).read()
        base = address.partition("?")[0]
        while not (state := json.load(opener.open(f"{base}state")))["finished"]:
            if state["question"] is None:
                time.sleep(0.05)
                continue
            number = state["question"]["number"]
            body = json.dumps({"number": number, "preference": judge(Path(runs_dir), number), "seconds": 1}).encode()
            request = urllib.request.Request(f"{base}answer", body, {"Content-Type": "application/json"})
            opener.open(request).read()
        request = urllib.request.Request(f"{base}farewell", b"{}", {"Content-Type": "application/json"})
        opener.open(request).read()
        return Path(json.loads(process.stdout.read())["run"])


def judge(runs_dir: Path, number: int) -> float:
    """The answer to a question: the fragment is the better in which the pole's mean angular speed is higher."""
    files = [file for file in runs_dir.glob("*/fragments/*.npz") if int(file.stem) <= number]
    file = max(files, key=lambda file: int(file.stem))
    with np.load(file) as arrays:
        a, b = (arrays[f"observations_{side}"][number - int(file.stem), :, 3] for side in "ab")
    difference = np.abs(b).mean() - np.abs(a).mean()
    return 0.5 if abs(difference) < EQUAL else float(difference > 0)


def count_turns(run: Path) -> np.ndarray:
    """Whole turns of the pole in each of ten episodes of the trained agent, shape (10,)."""
    agent = PPO.load(run / "agent.zip", device="cpu")
    env = gymnasium.make(CARTPOLE_ID)
    turns = []
    for episode in range(EPISODES):
        observation, _ = env.reset(seed=episode)
        angle, ended = 0.0, False
        while not ended:
            action, _ = agent.predict(observation, deterministic=True)
            following, _, _, ended, _ = env.step(int(action))
            angle += (following[2] - observation[2] + np.pi) % (2 * np.pi) - np.pi
            observation = following
        turns.append(abs(angle) / (2 * np.pi))
    return np.array(turns)


if __name__ == "__main__":
    main()
