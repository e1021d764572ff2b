"""The queries of alerts and dashboards, and the metrics they name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

# `expr:` with its query on the same line, or folded below it.
_EXPRESSION = re.compile(r"^ +expr: (?:>\n((?: {10,}.+\n)+)|(.+)\n)", re.MULTILINE)
_STRING = re.compile(r'"[^"]*"')
_MATCHED = re.compile(r"(\w+)\{([^}]*)\}")
_GROUPED = re.compile(r"\b(by|without)\s*\(([^)]*)\)")
_NAME = re.compile(r"\b[a-z]\w*\b(?!\s*\()")
_WORDS = {"and", "or", "unless", "offset", "bool"}


def alert_names() -> list[str]:
    return re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))


def alert_queries() -> list[str]:
    found = _EXPRESSION.findall(ALERTS.read_text(encoding="utf-8"))
    return [" ".join((folded or plain).split()) for folded, plain in found]


def dashboard_queries() -> Iterator[str]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                yield target["expr"]


def metrics_of(query: str) -> set[str]:
    """Every metric that the query asks for."""
    bare = _GROUPED.sub(" ", _STRING.sub("", query))
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", bare)
    return set(_NAME.findall(bare)) - _WORDS


def labels_of(query: str) -> Iterator[tuple[str, str]]:
    """The labels that the query chooses metrics by, as (metric, label)."""
    for metric, matchers in _MATCHED.findall(_STRING.sub("", query)):
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            yield metric, label
