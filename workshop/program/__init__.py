"""The programs: their flags, what they check, the run."""
