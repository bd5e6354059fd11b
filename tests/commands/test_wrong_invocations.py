"""Wrong invocations of the three programs: each is refused in one sentence that names the flag and what is allowed.

They are typed into the programs' own entry point in this process, since starting Python for each would take minutes;
one of each kind is typed in a process of its own as well.
"""

import os
import shlex
import sys
from pathlib import Path

import pytest
import torch
from conftest import ROOT, type_command
from made_up_runs import write_run
from warm import CAN_FORK

import compare
import main
import sweep
from workshop.commands import run_program

PROGRAMS = {"main.py": main.program.main, "compare.py": compare.main, "sweep.py": sweep.main}
LONG = "x" * 300  # no file system takes such a name
HUGE = str(10**400)  # no float is so large

# What is typed: what the message must contain. There are these beside it: a file `file`, a finished run `run` (but for
# its agent), and a directory `empty`. Where `{…}` stands, see `typed`.
UNKNOWN = {
    "main.py --itertions 3": ["--itertions", "did you mean --iterations?"],
    "main.py --fragment_lenght 5": ["--fragment_lenght", "did you mean --fragment-length?"],
    "main.py --ensemble-siz=3": ["--ensemble-siz", "did you mean --ensemble-size?"],
    "main.py --comparison-count 3": ["--comparison-count", "did you mean --comparisons"],
    "main.py --nenvs 3": ["--nenvs", "did you mean --n-envs?"],
    "main.py --SEED 3": ["--SEED", "did you mean --seed?"],
    "main.py -seed 3": ["-seed", "did you mean --seed?"],
    "main.py --no-normalize": ["--no-normalize", "did you mean --no-normalise?"],
    "main.py --no-solution": ["--no-solution", "did you mean --solution?"],
    "main.py --itertions 3 --sed 4": ["--itertions", "--iterations?", "--sed", "--seed?"],
    "main.py --zzz 3": ["--zzz", "--help lists them all"],
    "main.py --hlep": ["--hlep", "did you mean --help?"],
    "main.py -- --seed 3": ["--seed comes after --"],
    "main.py 5": ["'5' belongs to no flag"],
    "main.py --seed 3 4": ["--seed takes one value, and 2 follow it", "python sweep.py --seeds 2 --first-seed 3"],
    "main.py --fragment-length 1 5 60 --no-pretrain": [
        "--fragment-length takes one value, and 3 follow it",
        "python sweep.py --fragment-length 1 5 60 -- --no-pretrain",
    ],
    "main.py --query uniform entropy --name x": ["python sweep.py --query uniform entropy --name x"],
    "main.py --comparisons 10 ten": ["python sweep.py --comparisons 10 ten"],
    "main.py --goal spin the pole": ['--goal "spin the pole"'],
    "main.py --name my run": ["--name takes one value, and 2 follow it."],
    "main.py --watch run run": ["--watch takes one value, and 2 follow it."],
    "compare.py run --x seconds comparisons": ["'comparisons' belongs to no flag"],
    "main.py --check 3": ["--check takes no value", "'3'"],
    "main.py --pretrain=False": ["--pretrain takes no value", "'False'"],
    "compare.py --nam x": ["--nam", "did you mean --name?"],
    "compare.py --plot-dir x": ["--plot-dir", "did you mean --plots-dir?"],
    "compare.py --runs run": ["There is no flag --runs"],
    "compare.py --runs": ["There is no flag --runs"],
    "sweep.py --sedes 3": ["--sedes", "did you mean --seeds?"],
    "sweep.py --fragmnt-length 5 10": ["--fragmnt-length", "did you mean --fragment-length?"],
    "sweep.py -- --comparisns 4": ["--comparisns", "did you mean --comparisons?"],
    "sweep.py 7": ["'7' is not a flag"],
}

WRONG_KIND = {
    "main.py --seed one": ["--seed must be a whole number", "'one'"],
    "main.py --seed nan": ["--seed must be a whole number"],
    "main.py --n-envs 1.5": ["--n-envs must be a whole number", "'1.5'"],
    "main.py --iterations 1e400": ["--iterations must be a whole number"],
    "main.py --gamma much": ["--gamma must be a number", "'much'"],
    "main.py --oracle-skip much": ["--oracle-skip must be a number", "'much'"],
    "main.py --fixed-horizon long": ["--fixed-horizon must be a whole number", "'long'"],
    "main.py --hidden-sizes 64 wide": ["--hidden-sizes must be one or more whole numbers", "wide"],
    "main.py --hidden-sizes 64,64": ["--hidden-sizes must be one or more whole numbers", "'64,64'"],
    "main.py --seed": ["--seed must be a whole number, and nothing follows it"],
    "main.py --watch": ["--watch must be a path, and nothing follows it"],
    "main.py --hidden-sizes": ["--hidden-sizes must be followed by one or more values"],
    "main.py --comparisons-from --seed 3": ["--comparisons-from must be followed by one or more values"],
    "main.py --query": ["--query must be uniform, disagreement, entropy or information-gain"],
    "main.py --query unifrom": [
        "--query",
        "uniform, disagreement, entropy or information-gain",
        "did you mean uniform?",
    ],
    "main.py --loss square": ["--loss", "bradley-terry", "hinge", "thurstone"],
    "main.py --oracle person": ["--oracle must be synthetic, human or terminal"],
    "main.py --device gpu": ["--device must be cpu, cuda or auto"],
    "main.py --name ''": ["--name must not be empty"],
    "main.py --runs-dir=": ["--runs-dir must not be empty"],
    "main.py --host ''": ["--host must not be empty"],
    "compare.py ''": ["must not be empty"],
    "compare.py run --x steps": ["--x must be env_steps, comparisons or seconds"],
    "sweep.py --seeds few": ["--seeds must be a whole number"],
    "sweep.py --optimise speed": ["--optimise", "comparisons_to_solve", "true_return_mean"],
    "sweep.py --backend cloud": ["--backend must be processes or dask"],
    "sweep.py --fragment-length": ["--fragment-length must be a whole number"],
    "sweep.py --hidden-sizes 64,wide": ["--hidden-sizes must be one or more whole numbers"],
}

OUT_OF_RANGE = {
    "main.py --seed -1": ["--seed must be at least 0", "at most 4294967295"],
    f"main.py --seed {HUGE}": ["--seed", "at most 4294967295"],
    "main.py --iterations 0": ["--iterations must be at least 1"],
    "main.py --iterations 10000000000": ["--iterations", "at most 100000"],
    "main.py --total-timesteps 100": ["--total-timesteps must be at least"],
    f"main.py --total-timesteps {10**30}": ["--total-timesteps", "at most 1000000000000"],
    "main.py --fixed-horizon 1": ["--fixed-horizon must be at least 2"],
    "main.py --reward true --fixed-horizon 1000000000": ["--fixed-horizon", "at most 100000"],
    "main.py --n-envs 1000000000": ["--n-envs must be at least 1 and at most 1024"],
    "main.py --rollout-steps 0": ["--rollout-steps must be at least 2"],
    "main.py --agent-learning-rate 1e400": ["--agent-learning-rate must be above 0"],
    "main.py --agent-learning-rate 1e300": ["--agent-learning-rate", "at most 1e+30"],
    "main.py --agent-epochs 0": ["--agent-epochs must be at least 1"],
    "main.py --agent-batch-size 1": ["--agent-batch-size must be at least 2"],
    "main.py --agent-hidden-sizes 64 0": ["--agent-hidden-sizes", "1 to 1024", "64 0"],
    "main.py --entropy-bonus inf": ["--entropy-bonus must be at least 0"],
    "main.py --clip-range 0": ["--clip-range", "above 0"],
    "main.py --initial-log-std 1e400": ["--initial-log-std must be at least -20 and at most 5"],
    "main.py --value-coefficient -0.1": ["--value-coefficient must be at least 0"],
    "main.py --max-grad-norm 0": ["--max-grad-norm must be above 0"],
    "main.py --gamma nan": ["--gamma must be at least 0 and at most 1"],
    "main.py --gae-lambda 1.1": ["--gae-lambda must be at least 0 and at most 1"],
    "main.py --ensemble-size 1000000000": ["--ensemble-size must be at least 1 and at most 100"],
    "main.py --hidden-sizes 1000000000": ["--hidden-sizes", "1 to 1024"],
    "main.py --hidden-sizes 8 8 8 8 8 8 8 8 8 8 8": ["--hidden-sizes must be 1 to 10 layer widths"],
    "main.py --agent-weight-decay -1": ["--agent-weight-decay must be at least 0"],
    "main.py --pessimism -1": ["--pessimism must be at least 0"],
    "main.py --prior-std 0": ["--prior-std", "at least 1e-06"],
    "main.py --prior-std 1e-320": ["--prior-std", "at least 1e-06"],
    "main.py --bump-width 4": ["--bump-width must be at least 0.05 and at most 3"],
    "main.py --reward-epochs 0": ["--reward-epochs must be at least 1"],
    "main.py --reward-batch-size 0": ["--reward-batch-size must be at least 1"],
    "main.py --reward-learning-rate -0.001": ["--reward-learning-rate must be above 0"],
    "main.py --weight-decay inf": ["--weight-decay must be at least 0"],
    "main.py --fit-patience 0": ["--fit-patience must be at least 1"],
    "main.py --dropout 1": ["--dropout", "below 1"],
    "main.py --comparisons 0": ["--comparisons must be at least 1", "--comparisons-from"],
    "main.py --fragment-length 0": ["--fragment-length must be at least 1"],
    "main.py --fragment-length 201": ["--fragment-length", "at most 200"],
    "main.py --pool-factor 0": ["--pool-factor must be at least 1"],
    "main.py --frontload 1e-320": ["--frontload must be at least 0.001"],
    "main.py --comparisons-per-fit 0": ["--comparisons-per-fit must be at least 1"],
    "main.py --settle-patience 0": ["--settle-patience must be at least 1"],
    "main.py --recent-fraction 2": ["--recent-fraction must be at least 0 and at most 1"],
    "main.py --loss-temperature 0": ["--loss-temperature must be at least 0.001"],
    "main.py --hinge-margin -1": ["--hinge-margin must be above 0"],
    "main.py --lapse-rate 1": ["--lapse-rate must be above 0 and below 1"],
    "main.py --oracle-temperature -1": ["--oracle-temperature must be at least 0"],
    "main.py --oracle-mistakes 1.1": ["--oracle-mistakes", "at most 1"],
    "main.py --oracle-skip nan": ["--oracle-skip must be a finite number"],
    "main.py --oracle-equal inf": ["--oracle-equal must be at least 0"],
    "main.py --oracle-discount 0": ["--oracle-discount", "above 0"],
    "main.py --port 70000": ["--port", "at most 65535"],
    "main.py --ask-again -1": ["--ask-again must be at least 0"],
    "main.py --labeller ' '": ["--labeller must be a name"],
    "main.py --name a/b": ["--name", "letters, digits", "'a/b'"],
    f"main.py --name {LONG}": ["--name", "1 to 100 letters"],
    "main.py --name nul": ["--name must not be 'nul'", "Windows"],
    "compare.py run --name a/b": ["--name", "letters, digits"],
    "sweep.py --seeds 0": ["--seeds must be at least 1"],
    "sweep.py --first-seed -1": ["--first-seed must be at least 0"],
    "sweep.py --trials 0": ["--trials must be at least 1"],
    "sweep.py --jobs 0": ["--jobs must be 1 to 1024, or -1"],
    "sweep.py --name a/b": ["--name", "letters, digits"],
    "sweep.py --fragment-length 5 0": ["--fragment-length must be at least 1"],
    "sweep.py --fragment-length 5 500": ["--fragment-length must be at most 200"],
    f"sweep.py --seeds 10000 --gamma {' '.join(f'0.{n}' for n in range(1, 20))}": ["at most 100000 runs", "--seeds"],
}

CONTRADICTORY = {
    "main.py --loss hinge --oracle-equal 0.1": ["--loss hinge", "--oracle-equal"],
    "main.py --solution --loss hinge": ["--solution", "--loss hinge"],
    "main.py --comparisons 200000 --schedule frontloaded --n-envs 1": [
        "--comparisons 200000",
        "--n-envs 1",
        "pairs",
        "--fragment-length",
    ],
    "main.py --fragment-length 200 --n-envs 1": ["--fragment-length 200", "--n-envs 1", "0 pairs"],
    "main.py --frontload 16 --comparisons 9 --fragment-length 200 --n-envs 2 --no-pretrain --total-timesteps 2400 "
    "--iterations 3": [
        "--comparisons 9",
        "until iteration 1",
        "--n-envs 2",
        "only 6 pairs",
    ],
    "main.py --fixed-horizon 50 --fragment-length 51": ["--fragment-length", "at most 50"],
    "main.py --oracle-discount 0.9 --fragment-length 1": ["--oracle-discount", "--fragment-length 1"],
    "main.py --query disagreement --ensemble-size 1": ["--query disagreement", "--ensemble-size 1"],
    "main.py --query information-gain --ensemble-size 1": ["--query information-gain", "--ensemble-size 1"],
    "main.py --pool-factor 1": ["--pool-factor 1", "--query disagreement"],
    "main.py --diversity k-centre --query uniform --pool-factor 1": ["--pool-factor 1", "--diversity k-centre"],
    "main.py --reward-network additive --dropout 0.2": ["--dropout is for --reward-network joint, not additive"],
    "main.py --adaptive-weight-decay --weight-decay 0": ["--adaptive-weight-decay", "--weight-decay"],
    "main.py --weight-decay 900 --reward-learning-rate 0.5": ["--weight-decay", "--reward-learning-rate", "at most 1"],
    "main.py --agent-weight-decay 9 --agent-learning-rate 0.5": ["--agent-weight-decay", "--agent-learning-rate"],
    "main.py --iterations 1 --no-pretrain": ["--iterations", "--no-pretrain"],
    "main.py --env CartPole-v1 --fixed-horizon 9 --allow-variable-horizon": [
        "--fixed-horizon",
        "--allow-variable-horizon",
    ],
    "main.py --n-envs 16 --env HalfCheetah-v5 --total-timesteps 16000": ["--total-timesteps", "at least"],
    "main.py --reward true --comparisons-from run": ["--comparisons-from", "--reward true"],
    "main.py --oracle human --reward true": ["--oracle human", "--reward true"],
    "main.py --oracle human --host 192.0.2.7 --no-open-page": ["--host 192.0.2.7", "an address of this machine"],
    "main.py --check --hint": ["--check", "--hint", "give one"],
    "main.py --watch run --resume run": ["--watch", "--resume", "give one"],
    "main.py --resume run --seed 3": ["--resume", "no other flag"],
    "sweep.py --seed 3": ["--seed", "--seeds and --first-seed"],
    "sweep.py -- --name x": ["--name is set by the sweep"],
    "sweep.py --check": ["--check begins no run"],
    "sweep.py --oracle synthetic human": ["--oracle human"],
    "sweep.py --comparisons 20 -- --comparisons 30": ["--comparisons is given twice"],
    "sweep.py --backend dask": ["--backend dask", "--scheduler"],
    "sweep.py --storage x": ["--storage", "--optimise"],
}

ENVIRONMENTS = {
    "main.py --env FixedHorizonCartPol-v0": ["--env FixedHorizonCartPol-v0", "did you mean FixedHorizonCartPole-v0?"],
    "main.py --env Pendulum": ["--env Pendulum", "did you mean Pendulum-v1?"],
    "main.py --env PENDULUM-V1": ["--env PENDULUM-V1", "did you mean Pendulum-v1?"],
    "main.py --env ALE/Pong-v5": ["--env ALE/Pong-v5", "the closest is"],
    "main.py --env no_such_module:Pendulum-v1": [
        "--env no_such_module:Pendulum-v1: its module no_such_module cannot be imported"
    ],
    "main.py --env 'a pole'": ["--env a pole", "the closest is"],
    "main.py --env CartPole-v1": ["--env CartPole-v1", "end early", "--fixed-horizon 500", "--allow-variable-horizon"],
    "main.py --env Hopper-v5": ["--env Hopper-v5", "--fixed-horizon 1000"],
    "main.py --env Blackjack-v1": ["--env Blackjack-v1", "no limit of steps", "--fixed-horizon N"],
    "sweep.py --env Pendulum-v1 Pendulum-v9": ["--env Pendulum-v9", "Pendulum-v1"],
}

FILES = {
    "main.py --watch nowhere": ["--watch nowhere", "config.json is missing", "the directory of a finished run"],
    "main.py --watch file": ["--watch file", "finished run"],
    f"main.py --watch {LONG}": ["--watch xxx", "finished run"],
    "main.py --resume nowhere": ["--resume nowhere", "the directory of one"],
    "main.py --resume file": ["--resume file", "the directory of one"],
    f"main.py --resume {LONG}": ["--resume xxx", "the directory of one"],
    "main.py --comparisons-from nowhere": ["--comparisons-from", "nowhere", "name directories of runs"],
    "main.py --comparisons-from empty": ["--comparisons-from", "empty"],
    "main.py --comparisons-from file": ["--comparisons-from", "file"],
    "main.py --runs-dir file": ["--runs-dir must be a directory", "file"],
    "main.py --runs-dir file/below": ["--runs-dir must be a directory", "file"],
    f"main.py --runs-dir {LONG}": ["--runs-dir must be a directory", "xxx"],
    "main.py --runs-dir 'a\0b'": ["--runs-dir must be text without NUL", "a\\x00b"],
    "main.py --runs-dir '\udcff'": ["--runs-dir must be text", "UTF-8"],
    "compare.py": ["There is no runs", "name directories of runs"],
    "compare.py nowhere": ["There is no nowhere", "name directories of runs"],
    f"compare.py {LONG}": ["There is no xxx", "name directories of runs"],
    "compare.py empty": ["No finished run at or below empty", "name directories of runs"],
    "compare.py file": ["No finished run at or below file", "name directories of runs"],
    "compare.py run --baseline x": ["--baseline x: no group is called so; there are: "],
    "compare.py run --only iterations x": ["--only x: no group is called so; there are: "],
    "compare.py run --group-by hidden_size": ["--group-by hidden_size", "did you mean hidden_sizes?"],
    "compare.py run --plots-dir file": ["--plots-dir must be a directory", "file"],
    "sweep.py --runs-dir file": ["--runs-dir must be a directory", "file"],
    "sweep.py --comparisons-from nowhere": ["--comparisons-from", "nowhere", "name directories of runs"],
    "sweep.py --comparisons-from file empty --seeds 2": ["--comparisons-from", "file"],
    "sweep.py --plots-dir file/below": ["--plots-dir must be a directory", "file"],
    "sweep.py --optimise true_return_mean --storage empty": ["--storage empty"],
}

NO_GPU = {
    "main.py --device cuda": ["--device cuda", "--device cpu or auto"],
    "sweep.py --device cpu cuda": ["--device cuda", "--device cpu or auto"],
}

WRONG = UNKNOWN | WRONG_KIND | OUT_OF_RANGE | CONTRADICTORY | ENVIRONMENTS | FILES | NO_GPU
STARTED_ANEW = ["main.py --itertions 3", "compare.py nowhere", "sweep.py --sedes 3"]  # and not forked
IN_A_PROCESS = [next(iter(kind)) for kind in (UNKNOWN, WRONG_KIND, OUT_OF_RANGE, CONTRADICTORY, ENVIRONMENTS, FILES)]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to type in, with the few things in it that wrong invocations name."""
    (tmp_path / "file").write_text("no directory", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    write_run(tmp_path, [0, 200]).rename(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(command: str) -> list[str]:
    """The program and its arguments; a run of `main.py` gets a loss of its own, as the exercise may not be written."""
    program, *arguments = shlex.split(command)
    trains = program != "compare.py" and not {"--loss", "--solution", "--watch", "--resume", "--check"} & {*arguments}
    place = arguments.index("--") if "--" in arguments else len(arguments)
    return [program, *arguments[:place], *(["--loss", "bradley-terry"] if trains else []), *arguments[place:]]


def everything_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def require_refusal(exit_code: int | None, out: str, err: str, says: list[str]) -> None:
    assert exit_code == 2
    assert out == ""
    (sentence,) = err.splitlines()  # one message, on one line
    for part in says:
        assert part in sentence
    assert sentence[-1] in ".?"
    assert "Traceback" not in sentence


@pytest.mark.parametrize("command", [pytest.param(command, id=ascii(command)[:90]) for command in WRONG])
def test_a_wrong_invocation_is_refused_in_one_sentence_and_leaves_nothing_behind(
    command: str, there: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    if command in NO_GPU and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    before = everything_in(there)
    program, *arguments = typed(command)
    monkeypatch.setattr(sys, "argv", [program, *arguments])
    with pytest.raises(SystemExit) as end:
        run_program(PROGRAMS[program], end=sys.exit)
    require_refusal(end.value.code, *capsys.readouterr(), WRONG[command])
    assert everything_in(there) == before


@pytest.mark.parametrize("command", [*IN_A_PROCESS, "compare.py nowhere", "sweep.py --sedes 3"])
def test_a_wrong_invocation_as_typed(command: str, there: Path):
    before = everything_in(there)
    program, *arguments = typed(command)
    anew = command in STARTED_ANEW or not CAN_FORK
    finished = type_command(os.fspath(ROOT / program), *arguments, cwd=there, anew=anew)
    require_refusal(finished.returncode, finished.stdout, finished.stderr, WRONG[command])
    assert everything_in(there) == before
