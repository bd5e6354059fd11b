"""The runs of `llm.py` that tests share, and what makes others quick."""

import pytest
from conftest import Finished, type_command
from desk_runs import TINY_DESK


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process draw nothing at their end, and are judged by few answers."""
    from workshop.desk import report, run
    from workshop.language import text_reward_model

    for name in ("draw_gold_and_proxy", "draw_answers", "draw_film_strip"):
        monkeypatch.setattr(report, name, lambda *_: None)
    monkeypatch.setattr(report, "JUDGED", 32)
    monkeypatch.setattr(run, "ANSWERS", 32)
    monkeypatch.setattr(text_reward_model, "STANDARDISE_ON", 32)


@pytest.fixture(scope="session")
def desk_run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A tiny run as it is typed, and its directory."""
    runs_dir = tmp_path_factory.mktemp("desk")
    finished = type_command("llm.py", *TINY_DESK, "--runs-dir", str(runs_dir))
    assert finished.returncode == 0, finished.stderr
    (directory,) = runs_dir.iterdir()
    return finished, directory
