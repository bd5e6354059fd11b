"""The programs: their flags, what is checked before a run begins, and what goes around the loop of the slides."""

from workshop.program.command_line import no_such_flag, read_flags
from workshop.program.device import choose_device
from workshop.program.options import RunConfig
from workshop.program.plan import plan_run
from workshop.program.program import EXIT_OTHER, Program, run_program
from workshop.program.run import Run
from workshop.program.watch import watch
