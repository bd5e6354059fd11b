"""The programs: their flags, what is checked before a run begins, and what goes around the loop of the slides."""

from workshop.program.device import set_up_device
from workshop.program.newest import newest_run
from workshop.program.options import ProgramConfig, RunConfig
from workshop.program.plan import plan_run, refuse_ties_for_the_hinge
from workshop.program.program import Program
from workshop.program.run import AnyRun, Run
