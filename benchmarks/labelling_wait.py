"""How long a person who labels has to wait: `python benchmarks/labelling_wait.py [--answers 40] [--every 2]`.

Debian's chromium labels a run of `main.py --oracle human` as a person would, by a rule: the clip with the higher true
return is better, which the run's record tells. One answer every two seconds. Said are the 95th percentile of the
wait between an answer and the next question, as the page shows it, and the share of the session that was waiting.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "labelling"))
Browser: Any = import_module("browser").Browser  # the tests' own


GUARD = 0.16  # seconds: the page takes no answer sooner after a new question
LOOK = """
const number = document.getElementById('asking').dataset.question;
return document.getElementById('heading').textContent.startsWith('Finished') ? 'over' : number;
"""
# notes, in the page, when it was answered and when it next took answers
WATCH = """
window.waits = []; window.since = null;
new MutationObserver(() => {
  const asked = document.getElementById('asking').dataset.question !== '';
  if (!asked) window.since ??= performance.now();
  else if (window.since !== null) { window.waits.push(performance.now() - window.since); window.since = null; }
}).observe(document.getElementById('asking'), { attributes: true, attributeFilter: ['data-question'] });
"""


class Rule:
    """Prefers the fragment with the higher true return, which it reads in the run's record."""

    def __init__(self, runs: Path):
        self._runs = runs

    def key(self, number: int) -> str:
        """The key that a person would press."""
        file = next(self._runs.iterdir()) / "fragments" / f"{number:06d}.npz"
        with np.load(file) as fragments:
            a, b = (fragments[f"true_rewards_{side}"].sum() for side in "ab")
        return "←" if a > b else "→"


def label(browser: Any, rule: Rule, answers: int, every: float) -> float:
    """Answer so many questions, one every so many seconds at most; how long it took in all."""
    began, shown = time.monotonic(), None
    for _ in range(answers):
        due = time.monotonic() + every
        browser.until(lambda: browser.run(LOOK) not in ("", None, shown), "no question")  # noqa: B023
        shown = browser.run(LOOK)
        if shown == "over":
            break
        time.sleep(max(GUARD, due - time.monotonic()))
        browser.press(rule.key(int(shown)))
    return time.monotonic() - began


def main() -> None:
    """Label one run, and say how long was waited."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--answers", type=int, default=40, help="answers to give, those to pairs shown twice among them"
    )
    parser.add_argument("--every", type=float, default=2.0, help="seconds from a question to its answer")
    options, passed_on = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        command = ["main.py", "--solution", "--oracle", "human", "--no-open-page", "--no-pictures", "--ask-again", "0"]
        command += ["--runs-dir", folder, "--comparisons", str(options.answers), *passed_on]
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert process.stderr is not None
        browser = Browser()
        try:
            address = next(line.split()[-1] for line in process.stderr if "http://" in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()  # or it would wait for a reader
            browser.open(address)
            browser.until(lambda: browser.run(LOOK), "no first question")
            browser.run(WATCH)
            seconds = label(browser, Rule(Path(folder)), options.answers, options.every)
            waits = np.array(browser.run("return window.waits")) / 1000
            browser.until(lambda: browser.run(LOOK) == "over", "no end")
            result = process.stdout.readlines()[-1] if process.stdout else ""
        finally:
            browser.driver.quit()
            process.kill()
            process.wait()
    print(f"{len(waits) + 1} answers in {seconds:.1f} s")
    print(f"wait from an answer to the next question: median {np.median(waits):.3f} s, 95th percentile "
          f"{np.quantile(waits, 0.95):.3f} s (bar: 0.3), longest {waits.max():.3f} s")  # fmt: skip
    print(f"share of the session that was waiting: {waits.sum() / seconds:.1%} (bar: 10 %)")
    print(result.strip())


if __name__ == "__main__":
    main()
