#!/usr/bin/env python3
"""Reads a history as other tools do, and compares what they see with what pipe sees.

DuckDB and pyarrow read the folder as it stands: partitions from the paths, nested samples and maps included, archived runs by the
commit that their rows name. Their rows are held against those of `pipe query` in JSON and in Parquet, column by column and value by
value. With --archive that is done once more on a copy of the history, all of whose runs were archived.

    python scripts/check-clients.py --pipe target/release/pipe --history history --archive

Needs the packages duckdb and pyarrow. Exits with 1 on any disagreement.
"""

import argparse
import datetime
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet

# The column in which an archive keeps a row's commit.
ARCHIVED = "archived_commit"
# What tells two rows of the history apart.
KEY = ["commit", "type", "run_id", "implementation", "config", "device", "metric"]


class Disagreement(Exception):
    """Two readers of one history do not see the same."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipe", required=True, type=pathlib.Path, help="the pipe binary")
    parser.add_argument("--history", required=True, type=pathlib.Path, help="the history's folder")
    parser.add_argument("--archive", action="store_true", help="check an archived copy of the history, too")
    arguments = parser.parse_args()
    binary, history = arguments.pipe.resolve(), arguments.history.resolve()
    try:
        rows = check(binary, history)
        if arguments.archive:
            with tempfile.TemporaryDirectory() as folder:
                copy = pathlib.Path(folder, "history")
                shutil.copytree(history, copy)
                command = [str(binary), "--quiet", "--history", str(copy), "archive", "--older-than", "0d"]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                if any(copy.glob("commit=*/")) and not (copy / "commit=archive").is_dir():
                    raise Disagreement("nothing was archived")
                compare("the archived history", rows, check(binary, copy))
    except (Disagreement, subprocess.CalledProcessError) as error:
        print(f"check-clients: {error}", file=sys.stderr)
        return 1
    return 0


class Pipe:
    """The pipe binary, asked about one history."""

    def __init__(self, binary: pathlib.Path, history: pathlib.Path):
        self.command = [str(binary), "--quiet", "--history", str(history), "query", "--strict"]

    def json(self, sql: str) -> list[dict]:
        done = subprocess.run([*self.command, sql, "--format", "json"], check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def parquet(self, sql: str) -> pyarrow.Table:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "answer.parquet")
            subprocess.run([*self.command, sql, "--format", "parquet", "-o", file], check=True)
            return pyarrow.parquet.read_table(file)


def check(binary: pathlib.Path, history: pathlib.Path) -> list[dict]:
    """Compares the readers of one history; returns its rows."""
    pipe = Pipe(binary, history)
    if not any(history.rglob("*.parquet")):
        raise Disagreement(f"the history {history} has no file to compare")
    # Everything from the paths is text: a commit of digits only is no number.
    partitions = pyarrow.schema([("commit", pyarrow.string()), ("type", pyarrow.string())])
    partitioning = pyarrow.dataset.partitioning(partitions, flavor="hive")
    dataset = pyarrow.dataset.dataset(history, format="parquet", partitioning=partitioning)
    # Files of an archive have a column more.
    schema = pyarrow.unify_schemas([partitions, *(fragment.physical_schema for fragment in dataset.get_fragments())])
    if ARCHIVED in schema.names:
        index = schema.get_field_index(ARCHIVED)
        schema = schema.set(index, schema.field(index).with_nullable(True))
    by_pyarrow = with_own_commits(dataset.replace_schema(schema).to_table())
    files = (
        f"read_parquet('{quoted(history / '**' / '*.parquet')}', hive_partitioning = true, hive_types_autocast = false, "
        "union_by_name = true)"
    )
    connection = duckdb.connect()
    if ARCHIVED in schema.names:
        files = f"(SELECT * EXCLUDE ({ARCHIVED}) REPLACE (coalesce({ARCHIVED}, commit) AS commit) FROM {files})"
    by_duckdb = connection.sql(f"SELECT * FROM {files}").to_arrow_table()
    by_pipe = pipe.parquet("SELECT * FROM measurements")
    if by_pipe.num_rows == 0:
        raise Disagreement(f"pipe reads no row of the history {history}")

    expected = rows_of(by_pipe)
    compare("pyarrow", expected, rows_of(by_pyarrow))
    compare("duckdb", expected, rows_of(by_duckdb))
    compare("pipe's json", without_infinities(expected), rows_of_json(pipe.json("SELECT * FROM measurements"), by_pipe.schema))

    # Partitions prune, and samples unnest, the same way in both engines.
    grouped = "SELECT commit, type, metric, count(*) AS samples, min({0}) AS low, max({0}) AS high FROM {1} GROUP BY ALL"
    in_duckdb = connection.sql(grouped.format("sample", f"(SELECT *, unnest(samples) AS sample FROM {files})"))
    in_pipe = pipe.parquet(grouped.format("sample", "samples").replace("GROUP BY ALL", "GROUP BY commit, type, metric"))
    compare("duckdb's unnested samples", rows_of(in_pipe), rows_of(in_duckdb.to_arrow_table()))
    for commit in {row["commit"] for row in expected}:
        condition = f"WHERE commit = '{quoted(commit)}'"
        [[count]] = connection.sql(f"SELECT count(*) FROM {files} {condition}").fetchall()
        [row] = pipe.json(f"SELECT count(*) AS count FROM measurements {condition}")
        if row["count"] != count:
            raise Disagreement(f"commit {commit} has {count} rows in duckdb and {row['count']} in pipe")

    samples = sum(len(row["samples"]) for row in expected)
    columns = len(by_pipe.column_names)
    print(f"duckdb {duckdb.__version__}, pyarrow {pyarrow.__version__} and pipe agree: ", end="")
    print(f"{len(expected)} rows, {columns} columns, {samples} samples{', archived' if ARCHIVED in schema.names else ''}")
    return expected


def with_own_commits(table: pyarrow.Table) -> pyarrow.Table:
    """The rows of an archive under the commits that they name."""
    if ARCHIVED not in table.column_names:
        return table
    own = pyarrow.compute.coalesce(table.column(ARCHIVED).cast(pyarrow.string()), table.column("commit"))
    index = table.column_names.index("commit")
    return table.set_column(index, "commit", own).drop_columns([ARCHIVED])


def quoted(text) -> str:
    """Text for between the quotes of SQL."""
    return str(text).replace("'", "''")


def rows_of(table: pyarrow.Table) -> list[dict]:
    """Rows as plain values, in an order of their own: times as microseconds, maps as sorted pairs, lists as tuples."""
    for index, field in enumerate(table.schema):
        if pyarrow.types.is_timestamp(field.type):
            column = table.column(index).cast(pyarrow.timestamp("us", field.type.tz)).cast(pyarrow.int64())
            table = table.set_column(index, field.name, column)
    maps = {field.name for field in table.schema if pyarrow.types.is_map(field.type)}
    return in_order([{name: plain(value, name in maps) for name, value in row.items()} for row in table.to_pylist()])


def rows_of_json(rows: list[dict], schema: pyarrow.Schema) -> list[dict]:
    """As `rows_of`, where times are ISO 8601 and maps are objects."""

    def value_of(field: pyarrow.Field, value):
        if value is not None and pyarrow.types.is_timestamp(field.type):
            since_1970 = datetime.datetime.fromisoformat(value).replace(tzinfo=datetime.timezone.utc) - EPOCH
            return since_1970 // datetime.timedelta(microseconds=1)
        if value is not None and pyarrow.types.is_floating(field.type):
            return float(value)
        return plain(value, pyarrow.types.is_map(field.type))

    if rows and set(rows[0]) != set(schema.names):
        raise Disagreement(f"pipe's json has the columns {sorted(rows[0])}, its parquet {sorted(schema.names)}")
    return in_order([{field.name: value_of(field, row[field.name]) for field in schema} for row in rows])


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value, is_map: bool):
    if value is not None and is_map:
        return tuple(sorted(dict(value).items()))
    if isinstance(value, list):
        return tuple(None if element is None else float(element) for element in value)
    return value


def without_infinities(rows: list[dict]) -> list[dict]:
    """What JSON can say: it has no infinities and no NaN."""

    def sayable(value):
        if isinstance(value, tuple):
            return tuple(sayable(element) for element in value)
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [{name: sayable(value) for name, value in row.items()} for row in rows]


def in_order(rows: list[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: [str(row[name]) for name in KEY if name in row])


def compare(reader: str, expected: list[dict], found: list[dict]) -> None:
    """Raises the first difference between pipe's rows and those of another reader."""
    if len(found) != len(expected):
        raise Disagreement(f"{reader} reads {len(found)} rows, pipe {len(expected)}")
    for wanted, row in zip(expected, found):
        if set(row) != set(wanted):
            raise Disagreement(f"{reader} has columns pipe has not, or lacks some: {sorted(set(row) ^ set(wanted))}")
        for name, value in wanted.items():
            # By text where they are not equal: a NaN equals nothing, itself included.
            if row[name] != value and str(row[name]) != str(value):
                where = ", ".join(f"{key} {wanted[key]}" for key in KEY if key in wanted)
                raise Disagreement(f"{reader} reads {row[name]!r} as {name} where pipe has {value!r} ({where})")


if __name__ == "__main__":
    sys.exit(main())
