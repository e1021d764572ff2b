"""Figures side by side, with what they should be: for people who look rather than read."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

console = Console()


@dataclass(frozen=True)
class Spread:
    """Of the same figure in several repetitions."""

    values: Sequence[float]

    @property
    def middle(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


@dataclass(frozen=True)
class Target:
    """`least` or `most` is asked of the figure."""

    what: str
    figure: Spread
    unit: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        enough = self.least is None or self.figure.middle >= self.least
        return enough and (self.most is None or self.figure.middle <= self.most)

    @property
    def asked(self) -> str:
        if self.least is None and self.most is None:
            return "beside it"
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


def show(title: str, targets: Sequence[Target]) -> None:
    table = Table("figure", "median (lowest to highest)", "asked", "", title=title, title_justify="left")
    for target in targets:
        compared = target.least is not None or target.most is not None
        verdict = ("[green]met[/]" if target.met else "[red]short[/]") if compared else ""
        table.add_row(target.what, f"{target.figure} {target.unit}", target.asked, verdict)
    console.print(table)
