"""The clips of a run's fragments: what was done, shown as it was."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from workshop.agent.agent import Agent
from workshop.agent.ppo import AgentConfig
from workshop.data import Comparisons, Rollouts, cut
from workshop.environments.rendering import Renderer
from workshop.environments.specs import EnvironmentConfig, environment_spec
from workshop.labelling.clips import Clip
from workshop.labelling.fragment_clips import FragmentClips, crop_to_what_moves, find


def rollouts_of(env_id: str, **config: object) -> tuple[Rollouts, int, gymnasium.envs.registration.EnvSpec]:
    """Rollouts of an agent that has trained a little, the seed of its environments, and their specification."""
    spec, _ = environment_spec(EnvironmentConfig(env=env_id, **config))
    agent = Agent(spec, AgentConfig(n_envs=2), 900, np.random.default_rng(0), "cpu", on_step=lambda steps: None)
    rollouts = agent.random_rollouts(spec.max_episode_steps)
    rollouts.add(agent.train(None))
    return rollouts, agent.seed, spec


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "FixedHorizonCartPole-v0"])
def test_a_clip_shows_what_was_done(env_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of the pendulum, which is played again: the same pictures as of states set by hand."""
    monkeypatch.chdir(tmp_path)
    rollouts, seed, spec = rollouts_of(env_id)
    clips = FragmentClips(spec, seed, pictures=True)
    starts = rollouts.fragment_starts(6)[[3, -1]]
    for fragment in (cut(rollouts, start[None], 6) for start in starts):
        clip = clips.clip(rollouts, fragment.observations[0], fragment.actions[0])
        assert clip.frames.shape[0] == 6
        renderer = Renderer(spec).env
        renderer.reset(seed=0)
        for frame, observation in zip(clip.frames, fragment.observations[0], strict=True):
            if env_id == "Pendulum-v1":
                renderer.unwrapped.state = np.array([np.arctan2(observation[1], observation[0]), observation[2]])
                renderer.unwrapped.last_u = None
                drawn = renderer.render()
                different = (np.abs(frame.astype(int) - drawn) > 60).any(axis=-1).mean()
                assert different < 0.03  # but for the arrow that shows the action
            else:
                renderer.unwrapped.state = observation
                np.testing.assert_array_equal(frame, renderer.render())
    if env_id == "FixedHorizonCartPole-v0":
        assert len(clip.text) == 6


def test_both_sides_show_the_same_part_in_which_something_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of LunarLander, most of whose picture is an empty sky: all that differs between two frames is within the part."""
    monkeypatch.chdir(tmp_path)
    rollouts, seed, spec = rollouts_of("LunarLander-v3", fixed_horizon=60)
    clips = FragmentClips(spec, seed, pictures=True)
    fragments = [cut(rollouts, rollouts.fragment_starts(20)[[start]], 20) for start in (0, -1)]
    a, b = clips.sides(rollouts, Comparisons.questions(*fragments))[0]
    assert a.frames.shape == b.frames.shape
    whole = [clips.clip(rollouts, each.observations[0], each.actions[0]).frames for each in fragments]
    assert a.frames.shape[1] * a.frames.shape[2] < 0.5 * whole[0].shape[1] * whole[0].shape[2]
    for side, all_of_it in zip((a, b), whole, strict=True):
        changes = [np.abs(frames[1:].astype(int) - frames[0]).max(axis=-1) > 24 for frames in (side.frames, all_of_it)]
        assert changes[0].sum() == changes[1].sum() > 0


def test_a_clip_of_one_picture_is_shown_whole():
    one = Clip(np.zeros((1, 40, 60, 3), np.uint8), 50.0)
    assert crop_to_what_moves(one, one)[0].frames.shape == (1, 40, 60, 3)


def test_a_fragment_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    rollouts, _, _ = rollouts_of("Pendulum-v1")
    starts = rollouts.fragment_starts(5)[[0, 77, -1]]
    fragments = cut(rollouts, starts, 5)
    for row, start in enumerate(starts):
        assert find(rollouts, fragments.observations[row], fragments.actions[row]) == tuple(start)
    with pytest.raises(ValueError, match="no such fragment"):
        find(rollouts, fragments.observations[0] + 1, fragments.actions[0])
