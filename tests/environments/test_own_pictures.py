"""Pictures of people's own environments: tried before a run, made after what the run was for."""

import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from conftest import SMALL, type_here
from own_environments import OWN, run_in, typed
from PIL import Image

from workshop.environments import EnvironmentConfig, environment_spec, why_not_drawn
from workshop.environments.rendering import Renderer, as_picture

# Pictures


@pytest.mark.filterwarnings("ignore")  # Gymnasium's own, of odd frames
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("One", ""),
        ("NoFps", ""),
        ("SeeThrough", ""),
        ("Grey", ""),
        ("Floats", ""),
        ("MyCheetah", ""),
        ("DrawsNothing", "render() gave NoneType"),
        ("DrawsNot", "no glue"),
        ("NoRenderMode", "unexpected keyword argument 'render_mode'"),
    ],
)
def test_whether_it_can_be_drawn_is_found_out_by_drawing(kind: str, why: str, tmp_path: Path):
    spec, _ = environment_spec(EnvironmentConfig(OWN.format(kind)))
    found = why_not_drawn(spec)
    if not why:
        assert found == ""
        renderer = Renderer(spec)
        renderer.env.reset(seed=0)
        assert renderer.picture().dtype == np.uint8
        assert renderer.picture().shape[2] == 3
        assert renderer.frames_per_second == (30 if kind == "NoFps" else renderer.env.metadata["render_fps"])
        return
    assert why in found
    finished = typed(kind, tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("There will be no moving pictures") == 1
    assert why in finished.stderr
    assert "videos" not in finished.stderr
    assert (run_in(tmp_path) / "agent.zip").exists()


def test_frames_of_any_kind_become_pictures():
    grey = np.array([[0, 51], [102, 255]], np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=2)
    for frame in (grey, grey[..., None], picture, picture / 255.0, picture.astype(np.float32), picture.astype(int),
                  np.moveaxis(np.repeat(picture, 3, axis=1), 2, 0), Image.fromarray(picture)):  # fmt: skip
        made = as_picture(frame)
        assert made.dtype == np.uint8
        np.testing.assert_array_equal(made[:, [0, -1]], picture)
    np.testing.assert_array_equal(as_picture(np.array([[True, False]])), [[[255] * 3, [0] * 3]])
    half = np.array([[[0, 0, 0, 128], [255, 0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(as_picture(half), [[[127, 127, 127], [255, 0, 0]]], atol=1)  # on white
    for nothing in (None, "text", np.zeros(3), np.zeros((2, 2, 7)), np.zeros((0, 2, 3), np.uint8)):
        with pytest.raises(ValueError, match="where a picture is due"):
            as_picture(nothing)


def test_pictures_keep_the_size_of_the_first():
    spec, _ = environment_spec(EnvironmentConfig(OWN.format("One")))
    renderer = Renderer(spec)
    renderer.env.reset(seed=0)
    sizes = iter([(40, 60, 3), (80, 20, 3), (40, 60, 3)])
    renderer.env.unwrapped.render = lambda: np.zeros(next(sizes), np.uint8)
    assert [renderer.picture().shape for _ in range(3)] == [(40, 60, 3)] * 3


@pytest.mark.parametrize("display", [None, ":77"])
def test_mujocos_are_drawn_whatever_the_display_says(display: str | None, monkeypatch: pytest.MonkeyPatch):
    """Where one is named that does not answer, GLFW ends the process; so another one tries first."""
    monkeypatch.setattr("workshop.environments.rendering._found_out", {})
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    assert why_not_drawn(gymnasium.spec("HalfCheetah-v5")) == ""


# The product comes first


def test_pictures_that_fail_later_cost_nothing_but_themselves(tmp_path: Path):
    finished = typed("DrawsAtFirst", tmp_path)
    assert finished.returncode == 0, finished.stderr
    run = run_in(tmp_path)
    for name in ("progress.gif", "final_policy.gif"):
        assert f"{name} could not be made: DrawsAtFirst-v0 cannot be drawn: no glue left.\n" in finished.stderr
    assert json.loads(finished.stdout)["run"] == str(run)
    assert not (run / "checkpoint").exists()


@pytest.mark.parametrize(
    "what",
    [
        "save_progress",
        *(
            pytest.param(figure, marks=pytest.mark.endurance)
            for figure in ("draw_learning_curve", "draw_learned_reward", "draw_what_it_learned")
        ),
    ],
)
def test_what_is_drawn_of_a_run_is_drawn_last(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = []

    def fail(*_: object) -> None:
        seen.append(sorted(path.name for path in run_in(tmp_path).iterdir()))
        raise ZeroDivisionError("by a figure")

    monkeypatch.setattr(f"workshop.reports.report.{what}", fail)
    finished = type_here("main.py", *SMALL[:-1], "--runs-dir", str(tmp_path / "runs"))
    assert finished.returncode == 0, finished.stderr
    assert "could not be made: ZeroDivisionError: by a figure.\n" in finished.stderr
    assert len(seen) == 1
    assert {"agent.zip", "reward_model.pt", "result.json", "progress.csv"} <= set(seen[0])
    assert json.loads(finished.stdout) == json.loads((run_in(tmp_path) / "result.json").read_text())
