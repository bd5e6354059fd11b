"""A sweep on a Dask cluster."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, TINY_SWEEP_OF_LENGTHS, Finished, start_command, type_command, without_seconds
from desk_runs import TINY_DESK, outcome

from workshop.many_runs.sweep import finished_runs, identity
from workshop.records.finished import find_runs, read_run


@pytest.fixture
def cluster(tmp_path: Path):
    """A Dask scheduler and two worker processes of this machine: its address, and the workers."""
    if importlib.util.find_spec("distributed") is None:
        pytest.skip("Dask is not installed: pip install --group dask")
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    here = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = [sys.executable, "-m"]
    scheduler = subprocess.Popen([*start, "distributed.cli.dask_scheduler", *common, "--port", "0"], **here)
    worker = [*start, "distributed.cli.dask_worker", *common, "--nthreads", "1", "--no-nanny"]
    started = [subprocess.Popen([*worker, "--name", str(n)], **here) for n in range(2)]
    deadline = time.monotonic() + 300
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    yield json.loads(file.read_text())["address"], started
    for process in [*started, scheduler]:
        process.kill()
        process.wait()


@pytest.mark.endurance
def test_a_dask_cluster_gives_the_same_and_a_killed_worker_loses_nothing(cluster, swept: Finished, tmp_path: Path):
    address, (doomed, _) = cluster
    command = ["sweep.py", "--fragment-length", "5", "8", "--seeds", "2", "--backend", "dask"]
    command += ["--scheduler", address, "--runs-dir", str(tmp_path / "runs"), "--plots-dir", str(tmp_path)]
    process = start_command(*command, *TINY_SWEEP_OF_LENGTHS)
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob("runs/*/progress.csv")) and time.monotonic() < deadline:
        time.sleep(0.01)
    doomed.kill()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    there = {identity(read_run(path).options): path for path in find_runs([swept[1] / "runs"])}
    here = finished_runs(tmp_path / "runs")
    assert len(here) == 4
    assert here.keys() <= there.keys()
    for key, path in here.items():
        assert without_seconds(path) == without_seconds(there[key])


@pytest.mark.endurance
def test_a_dask_cluster_sweeps_language_models_as_this_machine_does(cluster, tmp_path: Path):
    address, _ = cluster
    typed = ["sweep.py", "--program", "llm", "--kl-coefficient", "0", "0.1", "--seeds", "1"]
    ways = {"here": ["--jobs", "1"], "there": ["--backend", "dask", "--scheduler", address]}
    for place, how in ways.items():
        places = ["--runs-dir", str(tmp_path / place), "--plots-dir", str(tmp_path / f"{place}-plots")]
        swept = type_command(*typed, *how, *places, "--", *TINY_DESK)
        assert swept.returncode == 0, swept.stderr
        assert "--kl-coefficient 0.1" in swept.stdout
    here, there = (finished_runs(tmp_path / place) for place in ways)
    assert len(here) == 2
    assert here.keys() == there.keys()
    for key, path in here.items():
        assert outcome(there[key]) == outcome(path)
