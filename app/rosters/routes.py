"""The partner's door: push rosters, follow them, read the answer to every row."""

from typing import Annotated

from fastapi import Header, Path, Query, Request, Response

from app.kernel.api_document import refused
from app.kernel.database import DatabaseDep, SessionDep
from app.kernel.dependencies import NowDep, SettingsDep, VaultDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Partner
from app.kernel.problems import UnsupportedMediaType
from app.kernel.routing import router
from app.kernel.text import preferred_language
from app.rosters import intake, queries, views
from app.rosters.models import MEDIA_TYPES
from app.rosters.schemas import (
    MAX_SEQUENCE,
    ROSTER_BODY,
    AnswerWord,
    MissingRiderView,
    RosterView,
    RowView,
)

routes = router("rosters")

Sequence = Annotated[
    int,
    Path(ge=1, le=MAX_SEQUENCE, description="Grows with every snapshot; yours to choose."),
]
AcceptLanguage = Annotated[str | None, Header()]


@routes.put(
    "/v1/partner/rosters/{sequence}",
    status_code=202,
    openapi_extra=ROSTER_BODY,
    responses=refused(409, 413, 415),
)
async def push_roster(
    partner: Partner,
    sequence: Sequence,
    request: Request,
    response: Response,
    database: DatabaseDep,
    session: SessionDep,
    vault: VaultDep,
    settings: SettingsDep,
    accept_language: AcceptLanguage = None,
) -> RosterView:
    """Push a full snapshot of up to 100,000 riders, as JSON or as CSV with a header row.

    The file is kept encrypted and applied in the background; follow `url`. The sequence is
    the idempotency: the same sequence with the same body is answered again, with another
    body it is a 409, and a sequence older than the newest accepted one is a 409 that names
    it. Riders whom the snapshot does not name are reported and keep their cover.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise UnsupportedMediaType(expected=" / ".join(MEDIA_TYPES))
    body = request.stream()
    roster = await intake.push_roster(
        database, session, vault, settings, partner, sequence, media_type, body
    )
    view = views.roster_view(vault, roster, preferred_language(accept_language))
    response.headers["Location"] = view.url
    return view


@routes.put("/v1/partner/rosters/{sequence}/confirmation", status_code=202, responses=refused(409))
async def confirm_roster(
    partner: Partner,
    sequence: Sequence,
    session: SessionDep,
    vault: VaultDep,
    now: NowDep,
    accept_language: AcceptLanguage = None,
) -> RosterView:
    """Apply a held roster although so many riders are missing from it; twice is once."""
    roster = await intake.confirm_roster(session, partner, sequence, now)
    return views.roster_view(vault, roster, preferred_language(accept_language))


@routes.get("/v1/partner/rosters")
async def list_rosters(
    partner: Partner,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
    accept_language: AcceptLanguage = None,
) -> Page[RosterView]:
    """Your rosters, the newest first."""
    listing = f"rosters:{partner.id}"
    before = decode_cursor(vault, listing, cursor)
    rows = await queries.rosters_page(session, partner.id, before[0] if before else None, limit)
    language = preferred_language(accept_language)
    return page_of(
        rows,
        limit,
        lambda row: views.roster_view(vault, row, language),
        lambda row: encode_cursor(vault, listing, [row.sequence]),
    )


@routes.get("/v1/partner/rosters/{sequence}")
async def read_roster(
    partner: Partner,
    sequence: Sequence,
    session: SessionDep,
    vault: VaultDep,
    accept_language: AcceptLanguage = None,
) -> RosterView:
    """How far a roster has been applied, its counts, and what is wrong with the file."""
    roster = await views.own_roster(session, partner, sequence)
    return views.roster_view(vault, roster, preferred_language(accept_language))


@routes.get("/v1/partner/rosters/{sequence}/rows")
async def list_roster_rows(
    partner: Partner,
    sequence: Sequence,
    session: SessionDep,
    vault: VaultDep,
    answer: Annotated[AnswerWord | None, Query(description="Only rows answered so.")] = None,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
    accept_language: AcceptLanguage = None,
) -> Page[RowView]:
    """The answer to every row so far, in the file's order; values in errors are masked."""
    roster = await views.own_roster(session, partner, sequence)
    listing = f"roster-rows:{roster.id}:{answer}"
    after = decode_cursor(vault, listing, cursor)
    rows = await views.row_answers(
        session, vault, partner, roster, after=after[0] if after else 0, answer=answer, limit=limit
    )
    language = preferred_language(accept_language)
    return page_of(
        rows,
        limit,
        lambda row: views.row_view(row, language),
        lambda row: encode_cursor(vault, listing, [row.row]),
    )


@routes.get("/v1/partner/rosters/{sequence}/missing")
async def list_missing_riders(
    partner: Partner,
    sequence: Sequence,
    session: SessionDep,
    vault: VaultDep,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[MissingRiderView]:
    """Riders whom this snapshot did not name and who are still missing, by reference."""
    roster = await views.own_roster(session, partner, sequence)
    listing = f"roster-missing:{roster.id}"
    after = decode_cursor(vault, listing, cursor)
    rows = await views.missing_riders(
        session, partner, roster, after=after[0] if after else None, limit=limit
    )
    return page_of(
        rows,
        limit,
        lambda row: MissingRiderView(
            rider_ref=row.rider_ref, missing_since_sequence=row.missing_since or 0
        ),
        lambda row: encode_cursor(vault, listing, [row.rider_ref]),
    )
