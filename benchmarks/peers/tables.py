"""The measured records as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from kb.evaluation.measures import median

_DEPTHS = (1, 5, 10)


def retrieval_table(rows: Sequence[tuple[str, str, Mapping[str, Any]]]) -> str:
    """A line for each (set, system, record) with the costs and the quality of its search."""
    columns = (
        "set", "system", "chunks", "ingest: wall, CPU", "peak memory", "index",
        *(f"hit@{k}" for k in _DEPTHS), "MRR@10",
        "characters in ten", "first search, whole process", "a search: wall, CPU",
    )  # fmt: skip
    return _table(columns, [_retrieval_row(*row) for row in rows])


def answers_table(rows: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """A line for each (system, records of its answers)."""
    columns = (
        "system", "right and its source named", "right", "wrong", "refused though answerable", "refused rightly",
        "tokens read and written (median)", "an answer (median): wall, CPU", "peak memory",
    )  # fmt: skip
    return _table(columns, [_answers_row(*row) for row in rows])


def _retrieval_row(name: str, system: str, record: Mapping[str, Any]) -> list[str]:
    ranks = record["ranks"]
    found = [sum(rank is not None and rank <= k for rank in ranks) / len(ranks) for k in _DEPTHS]
    mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
    return [
        f"{name} ({len(ranks)})", system, f"{record['chunks']:,}",
        f"{record['ingest_seconds']:.0f}, {record['ingest_cpu']:.0f} s",
        _megabytes(record["ingest_peak"]), _megabytes(record["index_bytes"]),
        *(f"{value:.3f}" for value in (*found, mrr)), f"{record['characters']:,}",
        f"{record['cold_seconds']:.1f} s",
        f"{1000 * median(record['seconds']):.0f}, {1000 * median(record['cpu']):.0f} ms",
    ]  # fmt: skip


def _answers_row(system: str, answers: Sequence[Mapping[str, Any]]) -> list[str]:
    yes = [answer for answer in answers if answer["answerable"]]
    no = [answer for answer in answers if not answer["answerable"]]
    tokens = [answer["tokens"] for answer in answers if answer["tokens"]]
    return [
        system, f"{sum(a['right'] and a['cited'] for a in yes)}/{len(yes)}",
        f"{sum(a['right'] for a in yes)}/{len(yes)}",
        str(sum(a["answered"] and not a["right"] for a in yes)), str(sum(not a["answered"] for a in yes)),
        f"{sum(not a['answered'] for a in no)}/{len(no)}", f"{median(tokens):,.0f}",
        f"{median([a['seconds'] for a in answers]):.1f}, {median([a['cpu'] for a in answers]):.1f} s",
        _megabytes(max(a["peak"] for a in answers)),
    ]  # fmt: skip


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
