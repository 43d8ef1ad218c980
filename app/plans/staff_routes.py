"""Writing plans: versions from the first draft to the last sale."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from app.kernel.api_document import refused
from app.kernel.database import SessionDep
from app.kernel.dependencies import NowDep, VaultDep
from app.kernel.etags import IfMatch
from app.kernel.idempotency import KeyedDep
from app.kernel.pagination import (
    CursorParameter,
    Page,
    PageSize,
    decode_cursor,
    encode_cursor,
    page_of,
)
from app.kernel.principal import Administrator, Principal, require
from app.kernel.routing import router
from app.plans import authoring, queries
from app.plans.differences import differences
from app.plans.literals import PLAN_CODE
from app.plans.sending import (
    VERSION_CONTENT,
    JudgedDep,
    SentVersionDep,
    changed_response,
    etags_in,
    version_body,
    version_response,
)
from app.plans.staff_schemas import (
    DifferencesView,
    EndOfSaleBody,
    PlanVersionLine,
    PlanVersionView,
    ValidationView,
    VersionStatus,
    difference_view,
    fault_view,
    version_line,
    version_view,
)

routes = router("writing plans")

Reader = Annotated[Principal, Depends(require("staff", "administrator", "supervisor", "auditor"))]
VersionId = Annotated[UUID, Path(description="The version's id.")]
BODY = version_body()


@routes.post(
    "/v1/staff/plan-versions",
    status_code=201,
    response_model=PlanVersionView,
    openapi_extra=BODY,
)
async def draft_plan_version(
    administrator: Administrator,
    sent: SentVersionDep,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Draft a plan's next version, in JSON or YAML. A document with faults is refused as a
    whole, with all of them: each has its JSON pointer, a code and plain words.
    """
    version = await authoring.draft(session, administrator, sent, now)
    return await keyed.reply(201, version_view(version), etag=authoring.etag_of(version))


@routes.post("/v1/staff/plan-validations", openapi_extra=BODY)
async def validate_plan_version(
    administrator: Administrator, judged: JudgedDep, session: SessionDep
) -> ValidationView:
    """Check a version without keeping it: all its faults, by itself and together with the
    published plans.
    """
    faults = judged.inside
    if judged.sent is not None:
        faults = await authoring.faults_among_plans(session, judged.sent.terms)
    return ValidationView(faults=[fault_view(fault) for fault in faults])


@routes.get("/v1/staff/plan-versions")
async def list_plan_versions(
    reader: Reader,
    session: SessionDep,
    vault: VaultDep,
    plan: Annotated[
        str | None, Query(pattern=PLAN_CODE, description="Only versions of this plan.")
    ] = None,
    status: Annotated[VersionStatus | None, Query(description="Only these.")] = None,
    limit: PageSize = 50,
    cursor: CursorParameter = None,
) -> Page[PlanVersionLine]:
    """Versions, newest first: those ever published, and the drafts of your own organisation
    and all below it.
    """
    listing = f"plan-versions:{reader.id}:{plan}:{status}"
    position = decode_cursor(vault, listing, cursor)
    rows = await queries.page_of_versions(
        session,
        reader,
        plan_code=plan,
        status=status,
        before=UUID(position[0]) if position else None,
        limit=limit,
    )
    return page_of(
        rows, limit, version_line, lambda row: encode_cursor(vault, listing, [str(row.id)])
    )


@routes.get(
    "/v1/staff/plan-versions/{version_id}",
    response_model=PlanVersionView,
    responses=VERSION_CONTENT,
)
async def read_plan_version(
    reader: Reader, version_id: VersionId, session: SessionDep, request: Request
) -> Response:
    """One version; with `Accept: application/yaml` as a file that can be sent in again. Its
    ETag is for changing it.
    """
    return version_response(request, await authoring.find(session, reader, version_id))


@routes.put(
    "/v1/staff/plan-versions/{version_id}", response_model=PlanVersionView, openapi_extra=BODY
)
async def replace_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    sent: SentVersionDep,
    session: SessionDep,
    now: NowDep,
    if_match: IfMatch = None,
) -> Response:
    """Replace a draft. `If-Match` must carry the ETag of the last reading (412 when somebody
    else was first); a published version never changes (409).
    """
    version = await authoring.replace(
        session, administrator, version_id, sent, etags_in(if_match), now
    )
    return changed_response(version)


@routes.delete("/v1/staff/plan-versions/{version_id}", status_code=204)
async def drop_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    session: SessionDep,
    now: NowDep,
    if_match: IfMatch = None,
) -> None:
    """Drop a draft."""
    await authoring.drop(session, administrator, version_id, etags_in(if_match), now)


@routes.get("/v1/staff/plan-versions/{version_id}/differences", responses=refused(404))
async def compare_plan_versions(
    reader: Reader,
    version_id: VersionId,
    session: SessionDep,
    against: Annotated[UUID, Query(description="The older version, of any plan.")],
) -> DifferencesView:
    """What changes from the version `against` to this one, place by place and in words."""
    becomes = await authoring.find(session, reader, version_id)
    was = await authoring.find(session, reader, against)
    found = differences(was.document, becomes.document)
    return DifferencesView(differences=[difference_view(each) for each in found])


@routes.post("/v1/staff/plan-versions/{version_id}/publication", response_model=PlanVersionView)
async def publish_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Publish a draft: from here on it never changes, and is sold between its dates. For the
    municipal office. Dates that overlap another published version are 409 and name it;
    plans that require each other in a circle are 422.
    """
    version = await authoring.publish(session, administrator, version_id, now)
    return await keyed.reply(200, version_view(version), etag=authoring.etag_of(version))


@routes.put("/v1/staff/plan-versions/{version_id}/end-of-sale", response_model=PlanVersionView)
async def end_sale_of_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    body: EndOfSaleBody,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Say until when a published version is sold, so that the next one can be published
    beforehand and begin on that day. For the municipal office.
    """
    version = await authoring.end_sale(session, administrator, version_id, body.effective_to, now)
    return changed_response(version)


@routes.post("/v1/staff/plan-versions/{version_id}/closure", response_model=PlanVersionView)
async def close_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Sell a published version no more; cover under it goes on. For the municipal office."""
    version = await authoring.close(session, administrator, version_id, now)
    return await keyed.reply(200, version_view(version), etag=authoring.etag_of(version))


@routes.post("/v1/staff/plan-versions/{version_id}/reopening", response_model=PlanVersionView)
async def reopen_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Sell a closed version again. For the municipal office."""
    version = await authoring.reopen(session, administrator, version_id, now)
    return await keyed.reply(200, version_view(version), etag=authoring.etag_of(version))


@routes.post("/v1/staff/plan-versions/{version_id}/retirement", response_model=PlanVersionView)
async def retire_plan_version(
    administrator: Administrator,
    version_id: VersionId,
    keyed: KeyedDep,
    session: SessionDep,
    now: NowDep,
) -> Response:
    """Put a closed version away for good. For the municipal office."""
    version = await authoring.retire(session, administrator, version_id, now)
    return await keyed.reply(200, version_view(version), etag=authoring.etag_of(version))
