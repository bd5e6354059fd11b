"""Many tasks in processes, of which some die."""

from functools import partial
from pathlib import Path

import pytest
from tasks_that_die import always_die, die_the_first_time

from workshop.many_runs.parallel import as_done, workers
from workshop.messages import UsageError

NO_DASK = "Dask is not installed: pip install --group dask"


@pytest.mark.endurance
def test_the_task_of_a_worker_that_died_is_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with workers("processes", 2, None):
        results = dict(as_done(partial(die_the_first_time, tmp_path), range(4)))
    assert results == {0: 0, 1: 1, 2: 4, 3: 9}
    assert "A worker died" in capsys.readouterr().err


@pytest.mark.endurance
def test_workers_that_keep_dying_are_given_up(capsys: pytest.CaptureFixture[str]):
    with workers("processes", 2, None):
        assert list(as_done(always_die, range(2))) == []
    assert capsys.readouterr().err.count("A worker died") == 3


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed", reason=NO_DASK)
    monkeypatch.setattr("workshop.many_runs.parallel.SECONDS_TO_CONNECT", 0.5)
    nowhere = workers("dask", 1, "tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler"), nowhere:
        pass


def test_tasks_are_done_by_a_cluster():
    """Of threads of this process, which are there at once; one of processes is a test of endurance."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install --group dask")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        workers("dask", 1, cluster.scheduler_address),
    ):
        assert dict(as_done(abs, [-1, 2])) == {-1: 1, 2: 2}
