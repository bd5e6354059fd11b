"""A training that only pretends: it drives a labelling session with made-up clips, for the tests and to look at.

python tests/labelling/fake_training.py prints the address of a page with clips of the real pole, and "trains" between
batches.
"""

import io
import sys
import threading
import time
from pathlib import Path

import gymnasium
import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workshop import CARTPOLE_ID
from workshop.labelling.clips import Clip
from workshop.labelling.pole_text import draw_pole
from workshop.labelling.questions import Answer, LabellerLeft, Question
from workshop.labelling.server import LabellingServer
from workshop.labelling.session import LabellingSession
from workshop.labelling.terminal import TerminalLabeller


def bar(step: int, frames: int = 8, size: tuple[int, int] = (40, 60)) -> Clip:
    """A black bar that moves to the right by `step` pixels a frame, and as text."""
    height, width = size
    pictures = np.full((frames, height, width, 3), 255, np.uint8)
    for time_step, picture in enumerate(pictures):
        left = (time_step * step) % (width - 5)
        picture[:, left : left + 5] = 0
    text = tuple("|".rjust(1 + time_step * step % 20).ljust(20) for time_step in range(frames))
    return Clip(pictures, 50.0, text)


def three_questions(recorded: list[Answer]) -> LabellingSession:
    """A session with the questions 0, 1 and 2, of five answers that are wanted; it records in the list."""
    session = LabellingSession(recorded.append, 5)
    session.ask([Question(number, bar(1 + number), bar(2 + number)) for number in range(3)])
    return session


def pole(seed: int, steps: int = 20, skip: int = 0) -> Clip:
    """The workshop's pole, drawn by its own renderer while a random policy pushes it, after `skip` steps."""
    env = gymnasium.make(CARTPOLE_ID, render_mode="rgb_array")
    observation, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    pictures, observations = [], []
    for step in range(skip + steps):
        if step >= skip:
            pictures.append(env.render())
            observations.append(observation)
        observation, *_ = env.step(env.action_space.sample())
    env.close()
    return Clip(np.array(pictures), 50.0, draw_pole(np.array(observations)))


def picture_of(text: str) -> bytes:
    """A PNG with a word on it, in place of a plot."""
    picture = Image.new("RGB", (640, 360), "white")
    ImageDraw.Draw(picture).text((20, 20), text, fill="black")
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def train(
    session: LabellingSession,
    questions: list[Question],
    per_iteration: int,
    seconds: float,
    plot: bytes,
    ahead: int = 0,
) -> None:
    """Ask, wait, "train" for some seconds, show; `ahead` more questions are asked early, to answer meanwhile."""
    asked = 0
    for first in range(0, len(questions), per_iteration):
        wanted = questions[first : first + per_iteration]
        session.tell("waiting for your answers")
        session.ask(questions[asked : first + per_iteration + ahead])
        asked = max(asked, first + per_iteration + ahead)
        session.wait([question.number for question in wanted])
        for doing in ("fitting", "training"):
            for share in np.linspace(0, 1, 11):
                session.tell(doing, share)
                time.sleep(seconds / 22)
        session.show(plot, questions[first].a, true_return=100.0 + first)
    session.tell("finishing")
    session.finish({"answers": str(session.state()["given"]), "left preferred": "50 %", "seconds per answer": "1.0"})


def main() -> None:
    terminal = "--terminal" in sys.argv
    session = LabellingSession(lambda answer: print(answer, file=sys.stdout, flush=True), 12, goal="balance the pole")
    questions = [Question(i, pole(2 * i, skip=9 * i), pole(2 * i + 1, skip=9 * i)) for i in range(12)]
    plot = (Path(__file__).resolve().parents[2] / "plots" / "learned_reward.png").read_bytes()
    trainer = threading.Thread(target=train, args=(session, questions, 4, 4.0, plot), daemon=True)
    if terminal:
        with TerminalLabeller(session, Path("runs") / "clips"):
            trainer.start()
            trainer.join()
    else:
        server = LabellingServer(session)
        print(server.address, flush=True)
        trainer.start()
        trainer.join()
        session.wait_for_farewell(10)
        server.close()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, LabellerLeft) as end:
        sys.exit(str(end))
