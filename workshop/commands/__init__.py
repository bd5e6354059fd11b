"""What every command does in the same way, whatever it is for: it reads flags, and it ends."""

from workshop.commands.command_line import no_such_flag, read_flags
from workshop.commands.ending import EXIT_OTHER, run_program
