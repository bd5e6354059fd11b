"""`experiments/aligned_to_who.py`: what it runs, and that what it has measured is not measured again."""

from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "experiments"))
    import aligned_to_who

    return aligned_to_who


@pytest.fixture
def asked(study, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What is typed for each run; those that align to turns are interrupted as long as `broken` is in the folder."""
    typed: list[list[str]] = []
    (tmp_path / "broken").touch()

    def run(program: str, arguments: list[str], seed: int, runs_dir: Path) -> Path:
        if "turns" in arguments and (tmp_path / "broken").exists():
            raise KeyboardInterrupt
        typed.append([program, *arguments])
        done = tmp_path / str(len(typed))
        done.mkdir()
        groups = [text.partition(":")[0] for text in arguments[1:3]]
        lines = [f"{group},0.5,1,{seed % 100 + 0.25},0.5,0.1" for group in groups]
        text = "\n".join(["group,share,return,got,agrees,alpha_first", *lines])
        (done / "groups.csv").write_text(text, encoding="utf-8")
        return done

    monkeypatch.setattr(study, "one_run", run)
    return typed


@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_each_way_is_run_once_whatever_interrupts_it(
    study, asked: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "study"
    command = ["aligned_to_who.py", "--program", "llm", "--seeds", "2", "--output", str(output)]
    monkeypatch.setattr("sys.argv", [*command, "--", "--updates", "3"])
    with pytest.raises(KeyboardInterrupt):
        study.main()
    so_far = len(output.with_suffix(".csv").read_text(encoding="utf-8").splitlines())
    assert 1 < so_far < 53
    assert not output.with_suffix(".png").exists()
    (tmp_path / "broken").unlink()
    study.main()
    _, *rows = output.with_suffix(".csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == len(set(rows)) == 52  # five shares, four ways at two shares; two seeds, two groups
    done = len(asked)
    shares, way = ["visitor:1.0", "hurried:1e-06"], ["--align-to", "everybody"]
    assert asked[0] == ["llm", "--labellers", *shares, *way, "--updates", "3"]
    assert output.with_suffix(".png").stat().st_size > 10_000
    assert "| worst-off | 0.5 | hurried | 0.75 | 0.25, 1.25 |" in capsys.readouterr().out
    study.main()
    assert len(asked) == done
