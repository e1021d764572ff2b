"""What a journey came to, for people."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from sandbox.evidence import Check, Evidence, Row
from sandbox.telegram.chat import ChatMessage
from sandbox.telegram.transcript import render

CONSOLE = Console(width=None if sys.stdout.isatty() else 132, highlight=False)


def show_chat(messages: Sequence[ChatMessage]) -> None:
    CONSOLE.rule("the chat")
    CONSOLE.out(render(messages))


def show_address(what: str, address: str) -> None:
    CONSOLE.print(Panel.fit(f"{what}\n[bold]{address}[/bold]", padding=(0, 3)))


def show_rows(evidence: Evidence) -> None:
    CONSOLE.rule("the rows it left")
    for name, rows in evidence.rows.items():
        CONSOLE.print(_table(name, rows))


def show_checks(checks: Iterable[Check]) -> None:
    """What was expected and found, here and at FAL."""
    CONSOLE.rule("what was checked")
    for check in checks:
        CONSOLE.out(f"{'✓' if check.holds else '✗'} {check.claim}: {_plain(check.found)}")


def _plain(found: object) -> str:
    """Without the marks of lists and tuples."""
    if isinstance(found, list | tuple):
        return ", ".join(map(_plain, found)) or "none"
    return "none" if found is None else str(found)


def _table(name: str, rows: Sequence[Row]) -> Table:
    table = Table(title=name, title_justify="left", title_style="bold")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[_cell(value) for value in row.values()])
    return table


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%H:%M:%S.%f")[:-3]
    return "" if value is None else escape(str(value))
