"""The notebook runs from top to bottom, as it was written and with the exercise done."""

from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, TINY
from nbclient import NotebookClient

NOTEBOOK = ROOT / "notebooks" / "workshop.ipynb"
LOSS = "return F.binary_cross_entropy_with_logits(returns_b - returns_a, preferences)"


def executed(tmp_path: Path, written: bool, monkeypatch: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    """The notebook with its outputs, on a small budget, in the folder where Jupyter would open it."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    changes = {
        'RUNS = "runs"': f"RUNS = {str(tmp_path / 'runs')!r}",
        'FLAGS = ""': f'FLAGS = "{" ".join([*TINY, "--agent-hidden-sizes", "8", "--evaluation-episodes", "2"])}"',
        "raise NotImplementedError": LOSS if written else "raise NotImplementedError",
    }
    for old, new in changes.items():
        cells = [cell for cell in notebook.cells if cell.cell_type == "code" and old in cell.source]
        assert len(cells) == 1, f"{old} stands in one cell"
        cells[0].source = cells[0].source.replace(old, new)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}})
    return client.execute()


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.endurance
@pytest.mark.parametrize("written", [False, True], ids=["as it is", "exercise done"])
def test_it_runs_from_top_to_bottom(written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shown = outputs(executed(tmp_path, written, monkeypatch))
    text = "".join(output.get("text", "") for output in shown)
    assert ("preference_loss is right. Checked:" in text) == written
    assert ("preference_loss is not written yet" in text) == (not written)
    kinds = [kind for output in shown for kind in output.get("data", {}) if kind.startswith("image/")]
    assert kinds.count("image/png") == 4
    assert kinds.count("image/gif") >= 1
    assert "| runs | n |" in text
    assert len(list((tmp_path / "runs").glob("FixedHorizon*"))) == 2


def test_it_is_kept_without_outputs_and_begins_with_the_badge():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not outputs(notebook)
    assert "colab-badge.svg" in notebook.cells[0].source
