"""How fast callbacks are accepted, beside who only verifies, who inserts row by row, and Postgres alone."""

from contextlib import AsyncExitStack

from bench import load, pgbench
from bench.environment import BenchEnvironment
from bench.report import Spread, Target, console, show

ASKED = {
    1: (None, None),
    16: (0.6, 2.0),
    64: (0.75, 3.0),
}  # clients -> of verify-only, times the plain insert
SERVERS = {
    "verify-only": ("bench.baselines", "verify"),
    "plain insert": ("bench.baselines", "insert"),
    "ours": ("api_server",),
}
SLOW = "plain insert"  # a quarter of the requests takes it about as long as the others take for all of them
MILLION = """
INSERT INTO inbox_events (request_id, body, body_sha256, source, trusted, training_type, correlation_id,
                          received_at, handled_at, outcome)
SELECT gen_random_uuid()::text, convert_to(repeat('x', 1800), 'UTF8'), sha256(n::text::bytea), 'fal', true,
       'portrait', 'bench', now() - n * interval '2 seconds', now() - n * interval '2 seconds', 'completed'
FROM generate_series(1, $1) AS n
"""


async def accepting(environment: BenchEnvironment, repetitions: int, requests: int) -> None:
    trainings = await environment.expect(2000)
    async with AsyncExitStack() as stack:
        ports = {
            name: await stack.enter_async_context(environment.server(*module))
            for name, module in SERVERS.items()
        }
        for clients, (of_limit, times_insert) in ASKED.items():
            number = requests if clients > 1 else requests // 3
            measured: dict[str, list[load.Measured]] = {name: [] for name in ports}
            postgres: list[float] = []
            for repetition in range(repetitions + 1):
                console.print(f"accepting, {clients} clients: {repetition} of {repetitions}", style="dim")
                for name, port in ports.items():
                    share = number // 4 if name == SLOW else number
                    run = await load.measure(port, clients, environment.requests(trainings, share))
                    measured[name] += [run] if repetition else []  # the first one warms up
                alone = await pgbench.transactions_a_second(environment.url, clients, number)
                postgres += [alone] if repetition else []
            _report(clients, measured, postgres, of_limit, times_insert)


def _report(
    clients: int,
    measured: dict[str, list[load.Measured]],
    postgres: list[float],
    of_limit: float | None,
    times_insert: float | None,
) -> None:
    rates = {name: Spread([run.rate for run in runs]) for name, runs in measured.items()}
    p50, p99 = (
        {name: Spread([run.percentile(share) * 1000 for run in runs]) for name, runs in measured.items()}
        for share in (0.5, 0.99)
    )
    rows = [
        Target("ours / verify-only", ratio(rates["ours"], rates["verify-only"]), least=of_limit),
        Target("ours / plain insert", ratio(rates["ours"], rates["plain insert"]), least=times_insert),
        Target("ours / pgbench", ratio(rates["ours"], Spread(postgres))),
        Target("p99, ours / plain insert", ratio(p99["ours"], p99["plain insert"]), most=1.0),
        *[Target(name, rates[name], "a second") for name in rates],
        Target("pgbench", Spread(postgres), "a second"),
        *[Target(f"p50, {name}", p50[name], "ms") for name in p50],
        *[Target(f"p99, {name}", p99[name], "ms") for name in p99],
    ]
    show(f"Accepting, {clients} client{'s' if clients > 1 else ''}", rows)


def ratio(ours: Spread, theirs: Spread) -> Spread:
    """Repetition by repetition, since they ran side by side."""
    return Spread([one / other for one, other in zip(ours.values, theirs.values, strict=True)])


async def full_tables(environment: BenchEnvironment, repetitions: int, requests: int, rows: int) -> None:
    full = await environment.another("full")
    console.print(f"filling: {rows} callbacks, {rows // 5} trainings", style="dim")
    await full.sql(MILLION, rows)
    old = await full.expect(rows // 5)
    for settle in ("VACUUM ANALYZE", "CHECKPOINT"):  # or Postgres would do it beside the first callbacks
        await full.sql(settle)
    empty = await environment.another("empty")
    new = await empty.expect(2000)
    rates: dict[str, list[float]] = {"empty": [], "full": []}
    async with full.server("api_server") as full_port, empty.server("api_server") as empty_port:
        for repetition in range(repetitions + 1):
            console.print(f"full tables: {repetition} of {repetitions}", style="dim")
            for name, port, trainings in (("empty", empty_port, new), ("full", full_port, old[:2000])):
                run = await load.measure(port, 16, environment.requests(trainings, requests))
                rates[name] += [run.rate] if repetition else []
    share = ratio(Spread(rates["full"]), Spread(rates["empty"]))
    show(
        f"Accepting with {rows} callbacks and {rows // 5} trainings, 16 clients",
        [
            Target("full / empty", share, least=0.9),
            Target("empty", Spread(rates["empty"]), "a second"),
            Target("full", Spread(rates["full"]), "a second"),
        ],
    )
