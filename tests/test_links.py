"""Every link from one page of the repository to another leads somewhere, to a heading that is there."""

import re
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT

PAGES = [ROOT / name for name in subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()]  # fmt: skip
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_root_is_short_and_the_readme_says_what_each_thing_in_it_is():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    root = {path.partition("/")[0] for path in tracked.split()}
    seen = {name for name in root if not name.startswith(".")} - {"README.md"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = readme.partition("## Where things are")
    the_map = section.split("```")[1]
    assert len(seen) <= 21
    assert [name for name in sorted(seen) if name not in the_map] == []


def test_headings_are_called_as_github_calls_them(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# Aligned to who?\n## `llm.py`, a miniature\n```\n# no heading\n```\n", encoding="utf-8")
    assert anchors(page) == {"aligned-to-who", "llmpy-a-miniature"}
