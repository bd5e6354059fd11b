"""How a person answers: a page in the browser, or a plain terminal, over one session that the trainer shares.

`session` is what they share; `server`, `application` and page/ (plain HTML, CSS and JavaScript) are the page.
"""

from workshop.labelling.known_goals import judged_by
from workshop.labelling.open import ask_a_person, clips_of, refuse_address
from workshop.labelling.options import LabellingConfig, defaults_of_rooms, refuse_to_join
from workshop.labelling.texts import Text
