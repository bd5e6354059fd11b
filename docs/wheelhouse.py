"""Gather the packages for computers without internet: `python docs/wheelhouse.py linux-x86_64 windows-x86_64`.

Run it in the workshop's environment, on a computer with internet. On the others, which get the folder `wheelhouse`:

    python -m pip install --no-index --find-links wheelhouse -r requirements.txt
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from pip._vendor.packaging.markers import default_environment
from pip._vendor.packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # PyPI's PyTorch for Linux is one for GPUs
# what pip calls a platform, and what markers call it
PLATFORMS = {
    "linux-x86_64": ([f"manylinux_2_{glibc}_x86_64" for glibc in (28, 27, 24, 17)], "linux", "Linux", "x86_64"),
    "linux-aarch64": ([f"manylinux_2_{glibc}_aarch64" for glibc in (28, 27, 24, 17)], "linux", "Linux", "aarch64"),
    "macos-arm64": (["macosx_14_0_arm64"], "darwin", "Darwin", "arm64"),
    "windows-x86_64": (["win_amd64"], "win32", "Windows", "AMD64"),
}


def needed(requirements: list[str], platform: str, python: str) -> list[str]:
    """All packages to download for a platform, pinned as they are installed here; those that are not here unpinned."""
    _, sys_platform, system, machine = PLATFORMS[platform]
    environment = {str(name): str(value) for name, value in default_environment().items()} | {
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "os_name": "nt" if system == "Windows" else "posix",
        "python_version": python,
        "python_full_version": f"{python}.0",
    }

    def applies(requirement: Requirement, extras: set[str]) -> bool:
        marker = requirement.marker
        return marker is None or any(marker.evaluate(environment | {"extra": extra}) for extra in extras)

    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    left = [requirement for requirement in map(Requirement, requirements) if applies(requirement, {""})]
    while left:
        requirement = left.pop()
        name, extras = requirement.name.lower().replace("_", "-"), {"", *requirement.extras}
        if (name, frozenset(extras)) in seen:
            continue
        seen.add((name, frozenset(extras)))
        if name.startswith(("nvidia-", "triton", "cuda-")):
            continue  # of PyTorch's builds for GPUs
        try:
            found[name] = f"{requirement.name}=={installed(name)}"
            inner = requires(name)
        except PackageNotFoundError:
            found[name] = f"{requirement.name}{requirement.specifier}"
            continue
        left += [one for one in inner if applies(one, extras)]
    return [found[name] for name in sorted(found)]


@cache
def installed(name: str) -> str:
    """The version of a package that is installed here, without what tells PyTorch's builds apart."""
    return version(name).partition("+")[0]


@cache
def requires(name: str) -> list[Requirement]:
    """What a package that is installed here requires, by whatever markers; a PackageNotFoundError if it is not here."""
    return [Requirement(line) for line in distribution(name).requires or []]


def read_requirements(path: Path) -> list[str]:
    """The lines of a file of requirements, without comments."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def commands(packages: list[str], platform: str, python: str, folder: Path) -> Iterator[list[list[str]]]:
    """What pip is told, for PyTorch and for the others; of several commands the first that succeeds counts."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    tags = [argument for tag in PLATFORMS[platform][0] for argument in ("--platform", tag)]
    pip += ["--only-binary=:all:", "--python-version", python, *tags, "--dest", str(folder)]
    torch = [package for package in packages if package.startswith("torch==")]
    small = [[*pip, "--retries", "1", "--timeout", "10", "--index-url", CPU_INDEX, *torch]]
    yield [*(small if platform.startswith("linux") else []), [*pip, *torch]] if torch else []
    yield [[*pip, *(package for package in packages if package not in torch)]]


def main() -> int:
    """Read what is typed, download, and tell how much it is; the exit code is 1 if something could not be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("platforms", nargs="+", choices=PLATFORMS, help="the computers that it is for")
    parser.add_argument("--python", nargs="+", default=["3.12"], help="their versions of Python (3.12)")
    parser.add_argument("--folder", type=Path, default=Path("wheelhouse"), help="where the packages go (wheelhouse)")
    parser.add_argument("--requirements", type=Path, default=ROOT / "requirements.txt", help="what is to be installed")
    parser.add_argument("--list", action="store_true", help="only print what would be downloaded")
    typed = parser.parse_args()
    for platform in typed.platforms:
        for python in typed.python:
            packages = needed(read_requirements(typed.requirements), platform, python)
            if typed.list:
                print(platform, python, *packages)
                continue
            for alternatives in commands(packages, platform, python, typed.folder):
                if alternatives and all(subprocess.run(command, check=False).returncode for command in alternatives):
                    print(f"{platform}, Python {python}: not everything could be had.", file=sys.stderr)
                    return 1
    wheels = list(typed.folder.glob("*.whl"))
    if not typed.list:
        print(f"{typed.folder}: {len(wheels)} packages, {sum(w.stat().st_size for w in wheels) / 1e6:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
