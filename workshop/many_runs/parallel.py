"""Many tasks at once, by joblib: on all cores of this machine, or on the machines of a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import joblib

from workshop.messages import UsageError, say
from workshop.processes import children_stopped_by_the_program

Task = TypeVar("Task")
Result = TypeVar("Result")
Backend = Literal["processes", "dask"]

ATTEMPTS = 3  # how often the workers may die before no more are started
SECONDS_TO_CONNECT = 10


@contextmanager
def workers(backend: Backend, jobs: int, scheduler: str | None) -> Iterator[None]:
    """Within this context, `as_done` uses `jobs` processes here (-1: all cores), or the workers of a Dask scheduler.

    Raises a UsageError if Dask is not installed or its scheduler does not answer.
    """
    if backend == "processes":
        with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
            yield
        return
    try:
        from distributed import Client
    except ModuleNotFoundError as problem:
        raise UsageError("--backend dask needs Dask: pip install --group dask (with a pip from 25.1 on)") from problem
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise UsageError(f"--scheduler {scheduler}: no Dask scheduler answers there.") from problem
    with client, joblib.parallel_config("dask", client=client):
        yield


def as_done(function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
    """Call `function` with each task, and yield task and result as each is done.

    A task whose worker died is done again. If workers keep dying, what has not been done is left, with a message.
    """
    left = dict(enumerate(tasks))
    deaths = 0
    while left and deaths < ATTEMPTS:
        try:
            calls = [joblib.delayed(_numbered)(function, number, task) for number, task in left.items()]
            parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")
            with children_stopped_by_the_program():
                results = parallel(calls)
            for number, result in results:
                yield left.pop(number), result
        except Exception as problem:  # `function` catches its own: this is a worker that died, of whatever engine
            deaths += 1
            say(f"A worker died ({type(problem).__name__}); what it was doing is done again.")


def _numbered(function: Callable[[Any], Result], number: int, task: Any) -> tuple[int, Result]:
    return number, function(task)
