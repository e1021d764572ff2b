"""Scrapes, alerts and dashboards: they parse, they fire when they should, and ask for what there is."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tests.deploy.promql import (
    ALERTS,
    DASHBOARDS,
    DEPLOY,
    alert_names,
    alert_queries,
    dashboard_queries,
    labels_of,
    metrics_of,
)
from tests.programs import needs

DOCS = Path(__file__).parents[2] / "docs"
RUNBOOK = DOCS / "RUNBOOK.md"
QUERIES = [*alert_queries(), *dashboard_queries()]
SCRAPED = {"job", "instance", "le"}  # added by the scrape; a histogram's own
by_promtool = needs("promtool", "prometheus")


def exposed() -> dict[str, set[str]]:
    """Every sample that the two processes show, with its labels; and what Prometheus itself adds."""
    for module in ("api_server.main", "app.telegram.metrics"):
        importlib.import_module(module)
    shown: dict[str, set[str]] = {"up": set()}
    for family in REGISTRY.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        labels = {label for sample in family.samples for label in sample.labels}
        shown |= {family.name + ending: labels for ending in endings}
    return shown


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments], cwd=ALERTS.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@by_promtool
def test_alerts_fire_when_they_should_and_only_then() -> None:
    assert f"{len(alert_names())} rules found" in promtool("check", "rules", "alerts.yml")
    promtool("test", "rules", "alerts_test.yml")


@by_promtool
def test_the_scrape_configuration_is_one(tmp_path: Path) -> None:
    """With the files it names: the alerts, and the token."""
    (tmp_path / "token").write_text("token")
    (tmp_path / "alerts.yml").write_text(ALERTS.read_text(encoding="utf-8"))
    configuration = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    fixed = configuration.replace("/etc/prometheus/aisha_admin_token", str(tmp_path / "token"))
    assert fixed != configuration
    (tmp_path / "prometheus.yml").write_text(fixed)
    promtool("check", "config", str(tmp_path / "prometheus.yml"))


@by_promtool
def test_prometheus_reads_every_query_of_the_dashboards(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(dashboard_queries())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(tmp_path / "rules.yml"))


@by_promtool
@pytest.mark.parametrize(("ends", "left"), [(0, 0), (20 * 86400, 10)], ids=["untrusted", "good"])
def test_a_certificate_that_is_not_trusted_has_no_days_left(tmp_path: Path, ends: int, left: int) -> None:
    """Ten days after the beginning of Unix time."""
    (query,) = [query for query in dashboard_queries() if "certificate_expiry" in query]
    name = 'aisha_webhook_certificate_expiry_timestamp_seconds{job="aisha-webhook"}'
    drawn = {"expr": query, "eval_time": "10d", "exp_samples": [{"labels": "{}", "value": left}]}
    series = {"series": name, "values": f"{ends}x10"}
    test = {"interval": "1d", "input_series": [series], "promql_expr_test": [drawn]}
    (tmp_path / "test.yml").write_text(json.dumps({"evaluation_interval": "1d", "tests": [test]}))
    promtool("test", "rules", str(tmp_path / "test.yml"))


def test_every_query_names_metrics_and_labels_that_the_processes_show() -> None:
    shown = exposed()
    assert len(alert_queries()) == len(alert_names()) > 0
    for query in QUERIES:
        assert metrics_of(query), query
        assert metrics_of(query) <= shown.keys(), query
    asked = {pair for query in QUERIES for pair in labels_of(query)}
    labels = [(metric, label) for metric, label in asked if label not in SCRAPED]
    known = {metric: found for metric, found in shown.items() if found}
    assert [(metric, label) for metric, label in labels if label not in known.get(metric, {label})] == []


def test_what_shows_forgers_is_there_before_the_first_of_them() -> None:
    """In a process of its own: here others may have been turned away already."""
    program = "import api_server.errors, prometheus_client as p; print(p.generate_latest().decode())"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for series in ('http_refused_total{reason="too-many-failures"}', 'deliveries_total{answer="unwelcome"}'):
        assert f"{series} 0.0" in shown


def test_every_query_asks_the_process_that_counts() -> None:
    """The bot shows the service's gauges as well, and never sets them; a worker and a log are in both."""
    both = 'job=~"aisha-.+"'
    jobs = {"bot": 'job="aisha-bot"', "worker": both, "log": both}
    for query in QUERIES:
        for metric, process, matchers in re.findall(r"\b(aisha_([a-z]+)\w*)(\{[^}]*\})?", query):
            assert jobs.get(process, 'job="aisha-webhook"') in matchers, (metric, query)


def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    drawn = {metric for query in dashboard_queries() for metric in metrics_of(query)}
    ours = {name for name in exposed() if name.startswith("aisha_") and not name.endswith(("_count", "_sum"))}
    assert ours <= drawn


def test_every_alert_is_tested_and_has_its_place_in_the_runbook() -> None:
    tests = (ALERTS.parent / "alerts_test.yml").read_text(encoding="utf-8")
    headings = re.findall(r"^### (Aisha\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == alert_names()
    for name in alert_names():
        assert f'alertname="{name}"' in tests
        assert f"runbook_url: docs/RUNBOOK.md#{name.lower()}\n" in ALERTS.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", ["RUNBOOK.md", "WEBHOOK_DEPLOYMENT.md"])
def test_a_renewed_certificate_is_joined_into_the_chain_before_nginx_is_reloaded(document: str) -> None:
    (script,) = (DEPLOY / "nginx" / "entrypoint.d").iterdir()
    told = (DOCS / document).read_text(encoding="utf-8")
    steps = re.findall(r"docker exec aisha-nginx-webhook ([\w./-]+(?: -t| -s reload)?)", told)
    assert steps == [f"/docker-entrypoint.d/{script.name}", "nginx -t", "nginx -s reload"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_the_source_that_is_provided(path: Path) -> None:
    panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
    provided = (DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    sources = {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"}
    assert [f"uid: {uid} " in provided for uid in sources] == [True]
    assert len({panel["id"] for panel in panels}) == len(panels)
