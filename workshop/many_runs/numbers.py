"""Numbers for people to read."""

import math


def number(value: float, digits: str = "g") -> str:
    """The number with these digits, as in a format, and never with a minus before zero; infinity is "never"."""
    return "never" if math.isinf(value) else f"{value:z{digits}}"


def signed(value: float, digits: str = "g") -> str:
    """A difference, with its sign unless it is zero as it is shown; infinite where only one of both was ever solved."""
    if math.isinf(value):
        return "+∞" if value > 0 else "-∞"
    text = f"{value:z{digits}}"
    return text if text.startswith("-") or float(text) == 0 else f"+{text}"
