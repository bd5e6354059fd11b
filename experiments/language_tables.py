"""The tables of `language.py`, and what is counted for them and for its figures."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from many_runs import print_table
from scipy import stats

Row = dict[str, Any]
METHODS = {"PPO, β = 0": "rl", "best-of-n": "bon"}


def claims_table(rows: Sequence[Row]) -> None:
    columns = ("gold", "proxy", "kl", "broken_share", "right_share", "answer_length")
    print_table(
        "setting | gold | least gold | proxy | KL | broken | right | words",
        ((name, interval(of["gold"]), f"{of['gold'].min():.1f}", *(interval(of[c]) for c in columns[1:]))
         for name in names(rows, "claims") for of in [select(rows, "claims", name)]),
    )  # fmt: skip
    print()


def labels_table(rows: Sequence[Row]) -> None:
    of = {start: select(rows, "labels", start) for start in ("sft", "scratch")}

    def row(labels: float) -> list[str]:
        sft, scratch = (each["accuracy"][each["x"] == labels] for each in of.values())
        return [f"{labels:g}", interval(sft, 3), interval(scratch, 3), interval(sft - scratch, 3)]

    print_table("labels | accuracy, from SFT | from scratch | difference", map(row, np.unique(of["sft"]["x"])))
    print()


def optimisation_table(rows: Sequence[Row]) -> None:
    def row(name: str) -> list[str]:
        points = curve(rows, name)
        first, end, peak = points["gold"][0], points["gold"][-1], int(points["gold"].argmax())
        per_seed = select(rows, "optimisation", name)
        last = per_seed["x"] == per_seed["x"].max()
        below = per_seed["gold"][last] < per_seed["gold"][per_seed["x"] == 0]
        peak_text = f"{points['gold'][peak]:.1f} (update {points['x'][peak]:g})"
        return [name if name[0].isalpha() else f"β = {name}", f"{first:.1f}", peak_text, f"{end:.1f}",
                f"{points['proxy'][-1]:.1f}", f"{points['kl'][-1]:.1f}", f"{below.sum()} of {len(below)}"]  # fmt: skip

    print_table(
        "policy | gold before | peak | at the end | proxy | KL | ends below where it began",
        map(row, names(rows, "optimisation")),
    )
    for name, (alpha, beta, explained) in fits(rows).items():
        print(f"\n{name}: α = {alpha:.2f}, β = {beta:.2f}, R² = {explained:.2f}")


def fits(rows: Sequence[Row]) -> dict[str, tuple[float, float, float]]:
    """Gao et al. (2022), with d = √KL: gold rises by d (α - β log d) in RL, by d (α - β d) with best-of-n.

    α, β and the share of the variance that they explain, by least squares on the means over the seeds.
    """
    found = {}
    for name, kind in METHODS.items():
        points = curve(rows, "0") if kind == "rl" else best_of_n(rows)
        d, gold = np.sqrt(points["kl"]), points["gold"]
        start, (d, gold) = gold[0], (d[1:], gold[1:])
        (alpha, beta), *_ = np.linalg.lstsq(terms(d, kind), gold - start, rcond=None)
        wrong = gold - start - terms(d, kind) @ [alpha, beta]
        found[name] = float(alpha), float(beta), float(1 - np.sum(wrong**2) / np.sum((gold - gold.mean()) ** 2))
    return found


def terms(d: np.ndarray, kind: str) -> np.ndarray:
    """What α and β are multiplied by in that form, (n, 2), for distances d > 0."""
    return np.stack([d, -d * (np.log(d) if kind == "rl" else d)], axis=1)


def names(rows: Sequence[Row], table: str) -> list[str]:
    return list(dict.fromkeys(row["setting"] for row in rows if row["table"] == table))


def select(rows: Sequence[Row], table: str, name: str) -> dict[str, np.ndarray]:
    """The columns of one setting, a number for each seed and, where there are several, each x."""
    its = [row for row in rows if row["table"] == table and row["setting"] == name]
    its.sort(key=lambda row: row["seed"])
    return {c: np.array([float(row.get(c, np.nan)) for row in its]) for c in ("x", *NUMBERS)}


def curve(rows: Sequence[Row], name: str) -> dict[str, np.ndarray]:
    """The means over the seeds of a policy on its way, in the order of the updates."""
    of = select(rows, "optimisation", name)
    return {c: np.array([of[c][of["x"] == x].mean() for x in np.unique(of["x"])]) for c in of}


def best_of_n(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """The same of best-of-n, in the order of n."""
    points = [curve(rows, name) for name in names(rows, "optimisation") if name.startswith("best")]
    return {c: np.concatenate([each[c] for each in points]) for c in points[0]}


def interval(values: np.ndarray, digits: int = 2) -> str:
    """The mean and its interval (95 %, Student's) over the seeds."""
    low, high = bounds(values)
    return f"{values.mean():.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def bounds(values: np.ndarray) -> tuple[float, float]:
    reach = stats.t.ppf(0.975, max(1, len(values) - 1)) * stats.sem(values) if len(values) > 1 else np.nan
    return float(values.mean() - reach), float(values.mean() + reach)


def of_each(rows: Sequence[Row], table: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    return ((name, select(rows, table, name)) for name in names(rows, table))


NUMBERS = ("gold", "proxy", "kl", "answer_length", "broken_share", "right_share", "accuracy")
