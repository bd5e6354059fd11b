"""Which environments are taken, which are refused and why, and what --fixed-horizon makes of them."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from workshop import CARTPOLE_ID
from workshop.agent.vectors import is_slow, make_vec_env
from workshop.environments.specs import EnvironmentConfig, environment_spec, solved_at
from workshop.environments.wrappers import FixedHorizon
from workshop.messages import UsageError


class Odd(gymnasium.Env):
    """Spaces as asked for; never ends."""

    def __init__(self, observation_space: spaces.Space, action_space: spaces.Space):
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any):
        return self.observation_space.sample(), 0.0, False, False, {}


BOX, TWO = spaces.Box(-1, 1, (3,)), spaces.Discrete(2)


@pytest.fixture
def odd(request: pytest.FixtureRequest) -> str:
    """The id of an environment with these observations and actions."""
    observations, actions = request.param
    gymnasium.register("Odd-v0", lambda **_: Odd(observations, actions), max_episode_steps=10)
    yield "Odd-v0"
    del gymnasium.registry["Odd-v0"]


def spec(env_id: str, **options) -> gymnasium.envs.registration.EnvSpec:
    return environment_spec(EnvironmentConfig(env_id, **options))[0]


@pytest.mark.parametrize("env_id", [CARTPOLE_ID, "Pendulum-v1", "HalfCheetah-v5"])
def test_environments_of_one_length_are_taken_as_they_are(env_id: str):
    made = spec(env_id)
    assert made.max_episode_steps == gymnasium.spec(env_id).max_episode_steps
    assert made.additional_wrappers == ()
    assert solved_at(made) == gymnasium.spec(env_id).reward_threshold


@pytest.mark.parametrize(
    "env_id",
    ["CartPole-v1", "LunarLander-v3", "Hopper-v5", "Walker2d-v5", "FrozenLake-v1", "Acrobot-v1", "MountainCar-v0"],
)
def test_early_ends_are_refused_with_the_reason_and_the_way_out(env_id: str):
    with pytest.raises(UsageError) as refusal:
        spec(env_id)
    steps = gymnasium.spec(env_id).max_episode_steps
    for part in (env_id, "end early", "length", f"--fixed-horizon {steps}", "--allow-variable-horizon"):
        assert part in str(refusal.value)
    assert str(refusal.value).count("\n") == 0
    assert spec(env_id, allow_variable_horizon=True).max_episode_steps == steps
    assert spec(env_id, fixed_horizon=77).max_episode_steps == 77


def test_fixed_horizon_runs_on_after_the_end_without_changing_the_return():
    def play(env: gymnasium.Env) -> tuple[list[float], int, np.ndarray]:
        env.reset(seed=5)
        rewards, done = [], False
        while not done:
            observation, reward, terminated, truncated, _ = env.step(1)
            rewards.append(reward)
            done = terminated or truncated
        return rewards, terminated, observation

    short, terminated, last = play(gymnasium.make("CartPole-v1"))
    assert terminated
    assert len(short) < 20
    long, terminated, still = play(gymnasium.make(spec("CartPole-v1", fixed_horizon=60)))
    assert not terminated
    assert len(long) == 60
    assert long == short + [0.0] * (60 - len(short))
    np.testing.assert_array_equal(last, still)


def test_fixed_horizon_may_be_longer_or_shorter_than_the_usual_limit():
    for steps in (50, 700):
        env = gymnasium.make(spec("CartPole-v1", fixed_horizon=steps))
        env.reset(seed=0)
        ends = [env.step(step % 2)[3] for step in range(steps)]
        assert ends == [False] * (steps - 1) + [True]
    for steps in (50, 700):
        made = spec("Pendulum-v1", fixed_horizon=steps)
        assert made.additional_wrappers == (), "one that never ends early needs only another limit"
        venv = make_vec_env(made, 2, seed=0)
        venv.reset()
        dones = [venv.step(np.zeros((2, 1), np.float32))[2].all() for _ in range(steps)]
        assert dones == [False] * (steps - 1) + [True]


def test_every_episode_starts_anew_after_a_fixed_horizon():
    env = FixedHorizon(gymnasium.make("CartPole-v1"), 30)
    first, _ = env.reset(seed=1)
    for _ in range(30):
        env.step(0)
    again, _ = env.reset(seed=1)
    np.testing.assert_array_equal(first, again)
    assert env.step(0)[1] == 1.0


def test_another_length_is_not_solved_at_the_usual_return():
    assert solved_at(spec("LunarLander-v3", fixed_horizon=1000)) == 200
    assert solved_at(spec("LunarLander-v3", fixed_horizon=100)) is None
    assert solved_at(spec(CARTPOLE_ID, fixed_horizon=400)) is None
    assert solved_at(spec(CARTPOLE_ID, fixed_horizon=200)) == 190


@pytest.mark.parametrize(
    "odd",
    [
        (spaces.Dict({"a": BOX, "b": TWO}), TWO),
        (spaces.Tuple((TWO, TWO)), BOX),
        (spaces.Box(0, 255, (4, 4, 3), np.uint8), TWO),
        (spaces.MultiBinary(4), TWO),
    ],
    indirect=True,
)
def test_observations_that_can_be_flattened_are(odd: str):
    env = gymnasium.make(spec(odd))
    assert isinstance(env.observation_space, spaces.Box)
    assert len(env.observation_space.shape) == 1
    assert env.reset(seed=0)[0].shape == env.observation_space.shape


@pytest.mark.parametrize("odd", [(spaces.Sequence(BOX), TWO)], indirect=True)
def test_observations_that_cannot_be_flattened_are_named(odd: str):
    with pytest.raises(UsageError, match=r"its observations \(Sequence\)"):
        spec(odd)


@pytest.mark.parametrize("odd", [(BOX, spaces.MultiDiscrete([2, 2])), (BOX, spaces.Dict({"a": BOX}))], indirect=True)
def test_actions_that_are_not_box_or_discrete_are_named(odd: str):
    with pytest.raises(UsageError, match=r"its actions are (MultiDiscrete|Dict); Box and Discrete are allowed"):
        spec(odd)


def test_unknown_environments_get_the_nearest_name():
    for wrong, near in (("HalfCheeta-v5", "HalfCheetah-v5"), ("Pendulum", "Pendulum-v1")):
        with pytest.raises(UsageError, match=f"--env {wrong}.*{near}"):
            spec(wrong)


def test_contradictory_flags_are_refused():
    with pytest.raises(ValueError, match=r"--fixed-horizon and --allow-variable-horizon"):
        EnvironmentConfig("Hopper-v5", fixed_horizon=10, allow_variable_horizon=True)
    with pytest.raises(ValueError, match="--fixed-horizon must be at least 2"):
        EnvironmentConfig(fixed_horizon=1)


@pytest.mark.parametrize("options", [{"env": "Pendulum-v1"}, {"env": "CartPole-v1", "fixed_horizon": 40}])
def test_subprocesses_give_the_same_trajectories_as_one_process(options: dict[str, Any]):
    made, _ = environment_spec(EnvironmentConfig(**options))

    def roll(stepping: str) -> list[np.ndarray]:
        venv = make_vec_env(made, 2, seed=3, stepping=stepping)
        venv.action_space.seed(0)
        seen = [venv.reset()]
        for _ in range(90):
            seen.extend(venv.step(np.stack([venv.action_space.sample() for _ in range(2)]))[:3])
        venv.close()
        return seen

    for one, other in zip(roll("in-process"), roll("subprocesses"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_slow_environments_are_told_from_fast_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert not is_slow(spec("Pendulum-v1"))
    monkeypatch.setattr("workshop.agent.vectors.SLOW", 0.0)
    assert is_slow(spec("Pendulum-v1"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert not is_slow(spec("Pendulum-v1")), "on a single core other processes would only wait for it"
