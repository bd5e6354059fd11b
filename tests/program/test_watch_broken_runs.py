"""`--watch` of broken and hostile runs: a sentence, no code run, and the files stay as they are."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from broken_runs import Payload, ends, files

from workshop.messages import RunError, UsageError
from workshop.program.watch import watch


@pytest.fixture(scope="module")
def agent_once(tiny_run: tuple[Any, Path]) -> Path:
    return tiny_run[1]


def test_watch_reads_the_weights_of_the_agent_and_nothing_else(agent_once: Path, tmp_path: Path):
    """SB3's own reader unpickles `data`, in which this run's has a payload."""
    import base64

    run = Path(shutil.copytree(agent_once, tmp_path / "run"))
    harm = Payload(tmp_path / "harm")
    with zipfile.ZipFile(run / "agent.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    data = json.loads(entries["data"])
    pickled = base64.b64encode(pickle.dumps(harm)).decode()
    data = {name: {":type:": "x", ":serialized:": pickled} for name in data}
    with zipfile.ZipFile(run / "agent.zip", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, json.dumps(data) if name == "data" else content)
    watch(run)
    assert (run / "videos" / "watch.gif").stat().st_size > 1000
    assert not harm.path.exists()


def test_watch_refuses_what_is_broken_in_a_sentence(agent_once: Path, tmp_path: Path):
    run = Path(shutil.copytree(agent_once, tmp_path / "run"))
    harm = Payload(tmp_path / "harm")
    agent, config = (run / "agent.zip").read_bytes(), (run / "config.json").read_text()
    broken: list[tuple[bytes, str]] = [(agent[:end], config) for end in ends(agent)]
    broken += [(pickle.dumps(harm), config), (np.random.default_rng(0).bytes(5000), config)]
    options = json.loads(config)
    broken += [(agent, json.dumps(options | {"agent_hidden_sizes": sizes})) for sizes in ([3], [], "x", [10**30], None)]
    broken += [(agent, text) for text in ("", "[]", "{}", json.dumps(options | {"seed": "x"}))]
    broken += [(agent, json.dumps(options | {"env": env})) for env in ("nowhere", 3, "Pendulum-v1")]
    with zipfile.ZipFile(run / "agent.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for policy in ({}, {"log_std": torch.zeros(1)}, 3, harm, float("nan")):
        with zipfile.ZipFile(run / "agent.zip", "w") as archive:
            for name, content in entries.items():
                if name != "policy.pth":
                    archive.writestr(name, content)
            with archive.open("policy.pth", "w") as stream:
                torch.save(policy, stream)
        broken.append(((run / "agent.zip").read_bytes(), config))
    for agent, config in broken:
        (run / "agent.zip").write_bytes(agent)
        (run / "config.json").write_text(config)
        before = files(run)
        with pytest.raises((RunError, UsageError)) as caught:
            watch(run)
        assert "\n" not in str(caught.value)
        assert files(run) == before
    assert not harm.path.exists()
