"""Tasks: what runs must have in common to be compared at all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workshop.many_runs.labels import as_flag, printable
from workshop.records import MAIN, FinishedRun, program_of

OF_THE_ENVIRONMENT = ("env_kwargs", "fixed_horizon", "allow_variable_horizon")
OF_THE_TASK = ("env", *OF_THE_ENVIRONMENT)
LONGEST_FILE_NAME = 100  # characters


@dataclass(frozen=True, order=True)
class Task:
    """A program, the environment that it ran in, and the flags that say which, and how its episodes end.

    Returns in one task cannot be compared with those in another.
    """

    program: str
    env: str
    flags: str

    @property
    def title(self) -> str:
        """For people to read."""
        program = "" if self.program == MAIN else self.program
        return printable(" ".join(filter(None, (program, self.env, self.flags))))


def task_of(run: FinishedRun) -> Task:
    """The task of a run. A module before the environment's id says where it comes from, not which one it is."""
    options = run.options
    given = [name for name in OF_THE_ENVIRONMENT if options.get(name) not in (None, False, "", [])]
    env = options["env"].rpartition(":")[2] or options["env"]
    return Task(program_of(run.path), env, " ".join(as_flag(name, options[name]) for name in given))


def file_names(name: str, tasks: Iterable[Task]) -> dict[Task, str]:
    """What the files of each task's figure are called: `name` if it is the only one, else with the task after it."""
    tasks = list(tasks)
    if len(tasks) == 1:
        return {tasks[0]: name}
    after = [re.sub(r"[^A-Za-z0-9._]+", "-", task.title).strip("-")[:LONGEST_FILE_NAME] for task in tasks]
    taken: list[str] = []  # in lower case: some file systems do not tell the cases apart
    for place, each in enumerate(after):
        after[place] = f"{each}-{place}" if each.lower() in taken else each
        taken.append(each.lower())
    return {task: f"{name}-{each}" for task, each in zip(tasks, after, strict=True)}
