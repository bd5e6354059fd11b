"""Many runs: how they are made, at once, and what they show beside each other."""

from workshop.many_runs.agreement import report_agreement
from workshop.many_runs.aligned import X
from workshop.many_runs.following import follow_runs
from workshop.many_runs.grid import Axis, read_axes
from workshop.many_runs.labels import THE_DEFAULTS
from workshop.many_runs.overview import compare_runs
from workshop.many_runs.parallel import Backend
from workshop.many_runs.search import Objective, Search
from workshop.many_runs.selection import Selection
from workshop.many_runs.summaries import quantiles
from workshop.many_runs.sweep import Sweep
