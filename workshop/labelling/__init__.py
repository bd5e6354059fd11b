"""How a person answers: a page in the browser, or a plain terminal, over one session that the trainer shares.

| module | what |
| --- | --- |
| clips | what a person is shown of a fragment, and the files it becomes |
| session | the questions, the answers, and what the agent is doing: the one place where they are kept |
| application | which requests the page's server answers, and which it refuses |
| server | the web server, and the address that only this person has |
| page/ | the page itself: plain HTML, CSS and JavaScript |
| terminal, keys, pole_text | the same dialogue on a terminal |
| human | the person as an oracle |
| fragment_clips, spectator | what a person is shown: of a fragment, and of what the agent is doing |
| options, open | the flags, and how the page or the terminal is opened |
"""

from workshop.labelling.open import ask_a_person, refuse_address
from workshop.labelling.options import LabellingConfig
