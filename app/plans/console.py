"""What the console's commands about plans do."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kernel.cli import as_owner, read_settings
from app.kernel.clock import business_day, system_now
from app.kernel.principal import SYSTEM
from app.kernel.problems import FieldError, Problem
from app.kernel.schema import parse_json
from app.plans import authoring, catalogue
from app.plans.checking import judge
from app.plans.differences import differences
from app.plans.models import PlanVersion
from app.plans.schema import plan_schema
from app.plans.versions_text import JSON, YAML, SentVersion, content_of, read_version, written
from app.plans.yaml_text import parse_yaml


@asynccontextmanager
async def _session() -> AsyncIterator[AsyncSession]:
    async with as_owner(read_settings()) as (database, _), database.transaction() as session:
        yield session


async def load() -> int:
    """Publish the plans that come with the service, where they are not known yet."""
    async with _session() as session:
        typer.echo(f"{await catalogue.load(session, system_now())} plans published")
    return 0


def check(files: Sequence[Path]) -> int:
    """Print every fault of every file; 1 if there are any."""
    faults = 0
    for file in files:
        try:
            content = _content(file)
        except Problem as refusal:
            faults += _told(file, refusal)
            continue
        document = _document(content)
        inside = "/document" if document is not content else ""
        _, found = judge(document)
        for fault in found:
            _fault(file, f"{inside}{fault.pointer}", fault)
        if inside and not found:
            # The days around a document that is right.
            try:
                _version(file)
            except Problem as refusal:
                faults += _told(file, refusal)
                continue
        if not found:
            typer.echo(f"{file}: no faults")
        faults += len(found)
    return 1 if faults else 0


async def import_files(files: Sequence[Path], *, publish: bool) -> int:
    """Draft every file, all or none."""
    sent: list[tuple[Path, SentVersion]] = []
    faults = 0
    for file in files:
        try:
            sent.append((file, _version(file)))
        except Problem as refusal:
            faults += _told(file, refusal)
    if faults:
        return 1
    try:
        async with _session() as session:
            lines = [await _imported(session, each, publish=publish) for _, each in sent]
    except Problem as refusal:
        _told(files[0] if len(files) == 1 else Path("import"), refusal)
        return 1
    for line in lines:
        typer.echo(line)
    return 0


async def _imported(session: AsyncSession, sent: SentVersion, *, publish: bool) -> str:
    now = system_now()
    version = await _same(session, sent)
    if version is None:
        version = await authoring.draft(session, SYSTEM, sent, now)
    if publish and version.status == "draft":
        await authoring.publish_draft(session, SYSTEM, version, now)
    return _line(version)


async def _same(session: AsyncSession, sent: SentVersion) -> PlanVersion | None:
    """The plan's newest version if it is what was sent."""
    newest = await _find(session, sent.terms.code, None, drafts=True)
    if newest is None or newest.document != sent.terms.document():
        return None
    dates = newest.effective_from, newest.effective_to
    return newest if dates == (sent.effective_from, sent.effective_to) else None


async def export(code: str, number: int | None, *, as_json: bool) -> int:
    """Print a version as a file."""
    async with _session() as session:
        version = await _find(session, code, number)
    if version is None:
        return _missing(code, number)
    content = content_of(version)
    if as_json:
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
    else:
        typer.echo(written(content).decode(), nl=False)
    return 0


async def diff(was: str, becomes: str) -> int:
    """Print what changes between two documents."""
    try:
        documents = [await _named(name) for name in (was, becomes)]
    except Problem as refusal:
        _told(Path("diff"), refusal)
        return 1
    for each in differences(*documents):
        typer.echo(f"{each.pointer}: {each.words.en}")
        typer.echo(f"    {each.words.zh}")
    return 0


async def list_versions() -> int:
    """Print every version, oldest first."""
    async with _session() as session:
        rows = await session.scalars(
            select(PlanVersion).order_by(PlanVersion.plan_code, PlanVersion.number)
        )
        for version in rows:
            typer.echo(_line(version))
    return 0


def schema() -> None:
    """Print the JSON Schema of documents."""
    typer.echo(json.dumps(plan_schema(), ensure_ascii=False, indent=2))


def _content(file: Path) -> Any:
    raw = file.read_bytes()
    return parse_json(raw) if file.suffix == ".json" else parse_yaml(raw)


def _document(content: Any) -> Any:
    """A version's document, or the document itself where a file has nothing around it."""
    return content["document"] if isinstance(content, dict) and "document" in content else content


def _version(file: Path) -> SentVersion:
    return read_version(file.read_bytes(), JSON if file.suffix == ".json" else YAML)


async def _named(name: str) -> dict[str, Any]:
    """The document of a file or of a version; raises InvalidPlan, typer.BadParameter."""
    in_file = _document_of_file(name)
    if in_file is not None:
        return in_file
    code, _, number = name.partition("@")
    if number and not number.isdigit():
        raise typer.BadParameter(f"{name} is no file, and no CODE@NUMBER")
    async with _session() as session:
        version = await _find(session, code, int(number) if number else None)
    if version is None:
        raise typer.BadParameter(f"there is no file and no version {name}")
    return version.document


def _document_of_file(name: str) -> dict[str, Any] | None:
    path = Path(name)
    if not path.exists():
        return None
    terms, faults = judge(_document(_content(path)))
    if terms is None or faults:
        raise typer.BadParameter(f"{name} has faults: see `plans check`")
    return terms.document()


async def _find(
    session: AsyncSession, code: str, number: int | None, *, drafts: bool = False
) -> PlanVersion | None:
    """A version by its number, or the newest: of those ever published if there are any."""
    found = select(PlanVersion).where(PlanVersion.plan_code == code)
    if number is not None:
        found = found.where(PlanVersion.number == number)
    elif not drafts:
        found = found.order_by(PlanVersion.status == "draft")
    return await session.scalar(found.order_by(PlanVersion.number.desc()).limit(1))


def _line(version: PlanVersion) -> str:
    until = version.effective_to
    days = f"from {business_day(version.effective_from)}"
    if until is not None:
        days += f" before {business_day(until)}"
    name = version.document["name"]
    label = f"{version.plan_code}@{version.number}"
    return f"{label:<28} {version.status:<10} {days:<36} {name['zh']} / {name['en']}"


def _missing(code: str, number: int | None) -> int:
    label = code if number is None else f"{code}@{number}"
    typer.echo(f"there is no version {label}", err=True)
    return 1


def _told(file: Path, refusal: Problem) -> int:
    """Print a refusal; returns how many lines it took."""
    if not refusal.errors:
        detail = refusal.detail.in_language("en", **refusal.fields)
        typer.echo(f"{file}: {detail} {refusal.extensions or ''}".rstrip(), err=True)
        return 1
    for fault in refusal.errors:
        _fault(file, fault.pointer, fault)
    return len(refusal.errors)


def _fault(file: Path, place: str, fault: FieldError) -> None:
    fields = fault.fields or {}
    typer.echo(f"{file}: {place or '/'}: {fault.message.in_language('en', **fields)}", err=True)
    typer.echo(f"    {fault.message.in_language('zh', **fields)} ({fault.code})", err=True)
