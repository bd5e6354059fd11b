"""A run's files: its directory, written as things happen, and read as if a stranger had sent it."""

from workshop.records.answers import ANSWERS, QuestionRecord
from workshop.records.checkpoint import Checkpoints
from workshop.records.comparisons_from import RecordedComparisons, load_comparisons_from, read_record, read_records
from workshop.records.directory import RunDirectory, as_command
from workshop.records.finished import LLM, MAIN, FinishedRun, find_runs, program_of, read_run
from workshop.records.for_other_tools import export
from workshop.records.fragment_files import LARGEST_FRAGMENTS
from workshop.records.handed_in import unpacked
from workshop.records.learned_from import kept
from workshop.records.progress import ENOUGH_HELD_OUT, Row, as_csv, cell, summarise
from workshop.records.untrusted import (
    CONFIG,
    BrokenRecordError,
    read_config,
    read_file,
    refuse_import,
    refuse_links_and_code,
)
