"""What goes around the three steps of `llm.py`, as `workshop.program` goes around the loop of `main.py`."""

from workshop.desk.options import LanguageRunConfig
from workshop.desk.program import LanguageProgram
from workshop.desk.run import LanguageRun
