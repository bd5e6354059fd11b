"""What `llm.py` refuses before anything runs: one sentence, exit code 2, nothing written; and its help."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, Finished, type_command, type_here, write_workshop
from desk_runs import SFT, TINY_DESK

import llm
from workshop.flags import as_json, flag_names, options_of

pytest_plugins = ["desk_fixtures"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--comparisons 0", "--comparisons 0 leaves nothing to learn from"),
        ("--comparisons 3 --iterations 4", "--iterations 4: each asks at least once, and --comparisons is 3"),
        ("--updates 3 --iterations 4", "--updates 3: each of the 4 iterations needs at least 1"),
        ("--method best-of-n --updates 5", "--updates is for --method ppo or dpo"),
        ("--method best-of-n --iterations 2", "--iterations must be 1 with --method best-of-n"),
        ("--method dpo --kl-coefficient 0", "--kl-coefficient is for --method ppo, not dpo"),
        ("--method dpo --reward-from scratch", "--method dpo learns without one"),
        ("--method dpo --reward-at end", "--method dpo learns without one"),
        ("--best-of 8", "--best-of is for --method best-of-n, not ppo"),
        ("--dpo-beta 0.1", "--dpo-beta is for --method dpo, not ppo"),
        ("--method rlhf", "--method must be ppo, best-of-n or dpo"),
        ("--kl-coefficient -1", "--kl-coefficient must be at least 0"),
        ("--kl-coefficient nan", "--kl-coefficient"),
        ("--reward-from sfd", "--reward-from"),
        ("--sft-steps many", "--sft-steps"),
        ("--kl-coeficient 0", "--kl-coefficient"),
        ("--env Pendulum-v1", "--env"),
        ("--fragment-length 5", "--fragment-length"),
        ("--evaluation-answers 1", "--evaluation-answers"),
        ("--comparisons-from nowhere", "nowhere"),
        ("--chat nowhere", "nowhere"),
        ("--resume nowhere", "nowhere"),
        ("--resume nowhere --seed 1", "give no other flag"),
        ("--chat x --resume x", "give one of them"),
        ("--device cuda:7", "--device"),
        ("--name a/b", "--name"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(tmp_path: Path, typed: str, says: str):
    flags = [] if re.search("--(resume|chat)", typed) else ["--solution", "--runs-dir", str(tmp_path / "runs")]
    refused = type_here("llm.py", *flags, *typed.split())
    assert (refused.returncode, refused.stdout) == (2, "")
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) <= 2
    assert not (tmp_path / "runs").exists()


def test_few_answers_or_updates_are_shared_by_as_many_iterations():
    for typed, iterations in (("", 3), ("--comparisons 2", 2), ("--updates 1", 1), ("--method best-of-n", 1)):
        config = llm.program.read_config(typed.split())
        assert config.iterations == iterations
        assert llm.program.defaults(as_json(config))["iterations"] == iterations


def test_several_values_are_told_as_a_sweep_of_this_program(tmp_path: Path):
    refused = type_here("llm.py", "--solution", "--kl-coefficient", "0", "0.1")
    assert refused.returncode == 2
    assert "python sweep.py --program llm --kl-coefficient 0 0.1 -- --solution" in refused.stderr


def test_answers_about_clips_are_not_learned_from(tiny_run: Finished):
    refused = type_here("llm.py", "--solution", "--comparisons-from", str(tiny_run[1]))
    assert refused.returncode == 2
    assert "FixedHorizonCartPole-v0" in refused.stderr


def test_runs_of_one_program_are_not_resumed_or_shown_by_the_other(desk_run: Finished, interrupted: Path):
    other = type_here("llm.py", "--resume", str(interrupted))
    assert other.returncode == 2
    assert other.stderr.strip().endswith(f"that is a run of main.py; type python main.py --resume {interrupted}.")
    assert type_here("main.py", "--watch", str(desk_run[1])).returncode == 2
    assert type_here("llm.py", "--chat", str(interrupted)).returncode == 2


def test_a_wrong_loss_is_told_before_anything_is_learned(tmp_path: Path):
    folder = write_workshop(tmp_path, "return torch.sigmoid(returns_a - returns_b).mean()")
    stopped = type_command("llm.py", *TINY_DESK[1:], cwd=folder)
    assert (stopped.returncode, stopped.stdout) == (2, "")
    assert stopped.stderr.startswith("preference_loss is not right yet")
    assert not (folder / "runs").exists()


def test_the_participants_own_loss_fits_the_reward_model(tmp_path: Path):
    folder = write_workshop(
        tmp_path,
        "return -((1 - preferences) * torch.nn.functional.logsigmoid(returns_a - returns_b) "
        "+ preferences * torch.nn.functional.logsigmoid(returns_b - returns_a)).mean()",
    )
    flags = [*SFT, "--comparisons", "2", "--reward-steps", "1", "--updates", "0", "--evaluation-answers", "2"]
    finished = type_command("llm.py", *flags, cwd=folder)
    assert finished.returncode == 0, finished.stderr


def test_help_tells_every_flag_once_in_the_steps_of_the_slide():
    finished = type_here("llm.py", "--help")
    assert finished.returncode == 0
    assert finished.stdout.startswith("Usage: python llm.py [flags]")
    groups = llm.program.help["groups"]
    grouped = [name for group in groups for name in group["flags"].split()]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {option.name for option in options_of(llm.Config())}
    for flag in flag_names(llm.Config()):
        assert re.search(rf"{flag}\b", finished.stdout), flag


def test_the_check_and_the_hints_are_those_of_the_exercise():
    assert type_here("llm.py", "--hint").stderr == type_here("main.py", "--hint").stderr
    assert type_here("llm.py", "--check").returncode == type_here("main.py", "--check").returncode


def test_dpo_is_said_in_the_code_to_be_the_same_loss():
    assert "preference_loss(β · log-ratio of a, β · log-ratio of b, answers)" in (
        ROOT / "workshop" / "language" / "dpo.py"
    ).read_text(encoding="utf-8")
