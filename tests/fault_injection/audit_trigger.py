"""What became of each training, written down by Postgres itself, whatever the service says about it."""

from sqlalchemy import text

from app.database.engine import Database

_WATCH = (
    "CREATE SCHEMA audit",
    "CREATE TABLE audit.transitions (training_id uuid, was text, became text)",
    """
    CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO audit.transitions VALUES (new.id, old.state, new.state);
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER note AFTER UPDATE OF state ON trainings FOR EACH ROW EXECUTE FUNCTION audit.note()",
)


async def watch(database: Database) -> None:
    """From now on `audit.transitions` has a row for each time a training's state is set, and committed."""
    async with database.transaction() as session:
        for statement in _WATCH:
            await session.execute(text(statement))
