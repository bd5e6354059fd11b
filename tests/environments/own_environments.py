"""Environments as somebody may write them, each with something of its own; importing this registers them."""

import subprocess
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.mujoco.half_cheetah_v5 import HalfCheetahEnv

STEPS = 30

# What is typed of them in tests

OWN = "own_environments:{}-v0"
SHORT = ["--solution", "--iterations=2", "--n-envs=2", "--total-timesteps=400", "--comparisons=6"]
NETS = ["--fragment-length=5", "--hidden-sizes", "8", "--agent-hidden-sizes", "8", "--evaluation-episodes=3"]


def typed(kind: str, tmp_path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """A short run in an environment of this kind, as typed, below `tmp_path`."""
    from conftest import type_here

    return type_here("main.py", "--env", OWN.format(kind), *SHORT, *NETS, *flags, "--runs-dir", str(tmp_path / "runs"))


def run_in(tmp_path: Path) -> Path:
    """The only run there."""
    (run,) = (tmp_path / "runs").iterdir()
    return run


class One(gymnasium.Env):
    """A point that is pushed about in a plane; the reward is for being near the middle."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 (as Gymnasium has it)
    observation_space: spaces.Space = spaces.Box(-10, 10, (2,), np.float32)
    action_space: spaces.Space = spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None, size: int = 7, mode: str = "easy"):
        self.render_mode, self.size, self.mode = render_mode, size, mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.point, self.steps = self.np_random.uniform(-1, 1, 2), 0
        return self.observe(), self.info()

    def step(self, action: Any):
        assert self.action_space.contains(action), f"{action!r} is not in {self.action_space}"
        self.steps += 1
        push = float(np.mean(np.asarray(action, float)))
        moved = self.point + 0.1 * np.array([push - 0.5, 0.3 - push]) + 0.01 * self.np_random.normal(size=2)
        self.point = np.clip(moved, -9, 9)
        return self.observe(), self.reward(), False, self.ends(), self.info()

    def observe(self) -> Any:
        return self.point.astype(self.observation_space.dtype)

    def reward(self) -> Any:
        return float(-abs(self.point[0]))

    def ends(self) -> bool:
        return False

    def info(self) -> dict[Any, Any]:
        return {}

    def render(self) -> Any:
        frame = np.zeros((40, 60, 3), np.uint8)
        frame[:, int(np.clip(30 + 3 * self.point[0], 0, 59))] = 255
        return frame


class NoFps(One):
    metadata = {"render_modes": ["rgb_array"], "render_fps": None}  # noqa: RUF012


class DrawsNothing(One):
    def render(self) -> Any:
        return None


class DrawsNot(One):
    def render(self) -> Any:
        raise RuntimeError("no glue")


class DrawsAtFirst(One):
    def render(self) -> Any:
        if self.steps > 5:
            raise RuntimeError("no glue left")
        return super().render()


class SeeThrough(One):
    def render(self) -> Any:
        return np.concatenate([super().render(), np.full((40, 60, 1), 128, np.uint8)], axis=2)


class Grey(One):
    def render(self) -> Any:
        return super().render()[..., 0]


class Floats(One):
    def render(self) -> Any:
        return super().render() / 255.0


class NoRenderMode(One):
    def __init__(self):
        super().__init__()


class ActionsFromOne(One):
    action_space = spaces.Discrete(3, start=1)


class WholeActions(One):
    action_space = spaces.Box(0, 3, (1,), np.int64)


class UnboundedActions(One):
    action_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)


class Lopsided(One):
    action_space = spaces.Box(np.array([-1.0, 0.0]), np.array([0.5, 3.0]), dtype=np.float64)
    observation_space = spaces.Box(-10, 10, (2,), np.float64)


class RewardInARow(One):
    def reward(self) -> Any:
        return np.array([-1.0])


class GlobalRandomness(One):
    def observe(self) -> Any:
        return (self.point + 0.01 * np.random.normal(size=2)).astype(np.float32)


class KeepsOverReset(One):
    """Its first steps are other ones where it has played an episode before."""

    played = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        self.played = min(self.played + 1, 5)
        return super().reset(seed=seed)

    def observe(self) -> Any:
        return (self.point + 0.1 * self.played).astype(np.float32)

    def reward(self) -> Any:
        return super().reward() - self.played


class EndsTruncated(One):
    def ends(self) -> bool:
        return self.steps >= 10 + int(5 * abs(self.point[0]))


class EndsLater(One):
    """Its episodes end early from the thousandth observation of this process on."""

    given = 0

    def observe(self) -> Any:
        EndsLater.given += 1
        return super().observe()

    def ends(self) -> bool:
        return self.given >= 1000 and self.steps >= 12


class NotANumber(One):
    def observe(self) -> Any:
        return np.full(2, np.nan, np.float32) if self.steps == 17 else super().observe()


class NotANumberLater(One):
    """From the thousandth observation of this process on."""

    given = 0

    def observe(self) -> Any:
        NotANumberLater.given += 1
        return np.full(2, np.inf, np.float32) if self.given >= 1000 else super().observe()


class Tells(One):
    """Tells things that cannot be put together with those of others."""

    def info(self) -> dict[Any, Any]:
        return {1: "a", ("t",): {"x": np.zeros(self.steps % 3)}, "x": [1, 2][: 1 + self.steps % 2]}


class Pictures(One):
    observation_space = spaces.Box(0, 255, (12, 12, 3), np.uint8)

    def observe(self) -> Any:
        return np.full((12, 12, 3), int(25 * abs(self.point[0])), np.uint8)


class InADict(One):
    observation_space = spaces.Dict({"a": spaces.Box(-10, 10, (2,), np.float32), "b": spaces.Discrete(3, start=1)})

    def observe(self) -> Any:
        return {"a": self.point.astype(np.float32), "b": 1 + self.steps % 3}


class CountsFromTwo(One):
    observation_space = spaces.Discrete(4, start=2)

    def observe(self) -> Any:
        return 2 + self.steps % 4


class Words(spaces.Space):
    """A space of somebody's own, which has not thought of everything."""

    @property
    def is_np_flattenable(self) -> bool:
        raise NotImplementedError


class Instructed(One):
    observation_space = spaces.Dict({"a": spaces.Box(-10, 10, (2,), np.float32), "mission": Words((), str)})

    def observe(self) -> Any:
        return {"a": self.point.astype(np.float32), "mission": "go"}


class OnlyOne(One):
    """A simulator with one licence."""

    taken = False

    def __init__(self, render_mode: str | None = None):
        if OnlyOne.taken:
            raise RuntimeError("the licence is taken")
        OnlyOne.taken = True
        super().__init__(render_mode)

    def close(self) -> None:
        OnlyOne.taken = False


class MyCheetah(HalfCheetahEnv):
    pass


KINDS = [kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, One | MyCheetah)]
for kind in KINDS:
    solved = -4.0 if kind is One else None
    name, steps = kind.__name__, STEPS
    gymnasium.register(f"{name}-v0", f"{__name__}:{name}", max_episode_steps=steps, reward_threshold=solved)
gymnasium.register(
    "OwnLimit-v0", lambda render_mode=None: gymnasium.wrappers.TimeLimit(One(render_mode), 20), max_episode_steps=None
)
