"""A crowd: 1,000 logins at once of 200 people who were never there before. Every one has exactly one row afterwards, nobody is refused."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait

import psycopg
from psycopg import sql

from benchmarks.figures import Figure
from benchmarks.ground import Ground
from ops.browser import Browser, LoginError
from ops.demo.people import Person

PEOPLE = 200
LOGINS = 1000
THREADS = 100
LIMIT_SECONDS = 120.0


def measure(ground: Ground, people: int = PEOPLE, logins: int = LOGINS) -> list[Figure]:
    """Rows and errors after the crowd; a login that did not end within the limit counts as an error."""
    application = ground.application
    crowd = ground.people(people)
    errors: Counter[str] = Counter()

    def log_in(person: Person) -> None:
        try:
            Browser(ground.ca_file).log_in(application, person.email, person.password)
        except LoginError as error:
            errors[f"{error.error}: {error.description}"[:100]] += 1
        except Exception as error:  # whatever a client meets is an error of the crowd
            errors[type(error).__name__] += 1

    began = time.monotonic()
    pool = ThreadPoolExecutor(THREADS)
    try:
        running = [pool.submit(log_in, crowd[number % people]) for number in range(logins)]
        late = wait(running, timeout=LIMIT_SECONDS).not_done
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    seconds = time.monotonic() - began
    if late:
        errors[f"not done after {LIMIT_SECONDS:.0f} s"] += len(late)
    note = ", ".join(f"{times} times {what}" for what, times in errors.most_common(3))
    return [
        Figure(f"crowd: rows of {people} people", [_rows(ground, crowd)], "", aim=people, exactly=True),
        Figure(f"crowd: errors of {logins:,} logins", [errors.total()], "", aim=0, exactly=True, note=note),
        Figure(
            "crowd: time",
            [seconds],
            "s",
            note=f"{logins / seconds:.0f} logins a second from {THREADS} threads",
        ),
    ]


def _rows(ground: Ground, crowd: list[Person]) -> int:
    chain = ground.chain
    query = sql.SQL("SELECT count(*) FROM {} WHERE email = ANY(%s)").format(
        sql.Identifier(chain["schema"], chain["table"])
    )
    with psycopg.connect(chain["database_url"], connect_timeout=10) as connection:
        found = connection.execute(query, ([person.email for person in crowd],)).fetchone()
    return int(found[0]) if found else 0
