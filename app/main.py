"""Where everything meets: `create_app` builds the API from settings."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import structlog
from fastapi import APIRouter, FastAPI

from app.access import errors as access_errors
from app.access import oauth_routes
from app.access import routes as access
from app.access.authentication import Authenticator
from app.billing import agreement_routes as renewal_agreements
from app.billing import cancellation_routes, quote_routes
from app.billing import errors as billing_errors
from app.billing import routes as billing
from app.claims import death_errors
from app.claims import death_routes as deaths
from app.claims import errors as claim_errors
from app.claims import estimate_routes as claim_estimates
from app.claims import life_errors as claim_life_errors
from app.claims import life_routes as claim_life
from app.claims import queue_routes as claim_queue
from app.claims import routes as claims
from app.claims import simulation_routes as plan_simulations
from app.claims import staff_routes as claim_staff_routes
from app.documents import routes as documents
from app.documents.desk import open_desk
from app.documents.multipart import MULTIPART_BYTES
from app.enrolment import errors as enrolment_errors
from app.enrolment import routes as enrolment
from app.enrolment.scanning import ScanDesk
from app.examples import EXAMPLES
from app.integrations.outside import connect, keep_certificates
from app.kernel import health, sandbox
from app.kernel.api_document import install_api_document, operation_id
from app.kernel.clock import refuse_moved_clock
from app.kernel.database import Database
from app.kernel.durability import refuse_forgetful_database
from app.kernel.finding import hot_lane, include
from app.kernel.gate import KIB, Gate
from app.kernel.logs import configure_logs
from app.kernel.problems import Problem
from app.kernel.rendering import install_problem_handlers
from app.kernel.vault import REFRESH_EVERY, Vault, open_vault
from app.ledger import errors as ledger_errors
from app.ledger import routes as ledger
from app.members import errors as member_errors
from app.members import routes as members
from app.members import staff_routes as member_staff_routes
from app.notifications import errors as message_errors
from app.notifications import routes as notifications
from app.organisations import errors as organisation_errors
from app.organisations import partner_routes, staff_routes
from app.organisations import routes as organisations
from app.payouts import batch_errors as payout_batch_errors
from app.payouts import batch_routes as payout_batches
from app.payouts import errors as payout_errors
from app.payouts import routes as payouts
from app.plans import errors as plan_errors
from app.plans import routes as plans
from app.plans import staff_routes as plan_staff_routes
from app.policies import certificate_routes, change_routes, moratorium_routes
from app.policies import errors as policy_errors
from app.policies import routes as policies
from app.relief import errors as relief_errors
from app.relief import fund_routes as relief_funds
from app.relief import household_routes as households
from app.relief import routes as relief
from app.relief import staff_routes as relief_cases
from app.rosters import errors as roster_errors
from app.rosters import routes as rosters
from app.rosters import staff_routes as agreement_routes
from app.settings import Settings
from app.subscriptions import SUBSCRIPTIONS
from app.treasury import errors as treasury_errors
from app.treasury import routes as treasury
from app.treasury import transfer_routes as fund_transfers

log = structlog.get_logger("api")

# Routes are tried in this order: the one that everybody meets first comes first.
ROUTERS: tuple[APIRouter, ...] = (
    enrolment.scan_routes,
    access.routes,
    oauth_routes.routes,
    organisations.routes,
    staff_routes.routes,
    partner_routes.routes,
    documents.routes,
    members.hot_routes,
    members.routes,
    members.callback_routes,
    member_staff_routes.routes,
    ledger.routes,
    treasury.routes,
    fund_transfers.routes,
    plans.routes,
    plan_staff_routes.routes,
    policies.hot_routes,
    policies.routes,
    certificate_routes.routes,
    change_routes.routes,
    moratorium_routes.routes,
    billing.routes,
    billing.hot_routes,
    billing.callback_routes,
    quote_routes.routes,
    cancellation_routes.routes,
    renewal_agreements.routes,
    payouts.routes,
    payouts.callback_routes,
    payout_batches.routes,
    notifications.routes,
    claims.routes,
    claim_queue.hot_routes,
    claim_queue.routes,
    claim_staff_routes.routes,
    claim_life.routes,
    claim_life.staff_routes,
    deaths.routes,
    deaths.staff_routes,
    claim_estimates.routes,
    claim_estimates.staff_routes,
    plan_simulations.routes,
    relief.routes,
    relief_cases.routes,
    relief_funds.routes,
    households.routes,
    rosters.routes,
    agreement_routes.routes,
    enrolment.routes,
    health.routes,
)
CONSTRAINTS: Mapping[str, type[Problem]] = {
    **access_errors.CONSTRAINTS,
    **organisation_errors.CONSTRAINTS,
    **member_errors.CONSTRAINTS,
    **enrolment_errors.CONSTRAINTS,
    **ledger_errors.CONSTRAINTS,
    **plan_errors.CONSTRAINTS,
    **policy_errors.CONSTRAINTS,
    **billing_errors.CONSTRAINTS,
    **payout_errors.CONSTRAINTS,
    **payout_batch_errors.CONSTRAINTS,
    **message_errors.CONSTRAINTS,
    **claim_errors.CONSTRAINTS,
    **claim_life_errors.CONSTRAINTS,
    **death_errors.CONSTRAINTS,
    **relief_errors.CONSTRAINTS,
    **roster_errors.CONSTRAINTS,
    **treasury_errors.CONSTRAINTS,
}
BODY_LIMITS: Mapping[str, int] = {
    "/v1/staff/plan-versions": 1024 * KIB,
    "/v1/staff/plan-validations": 1024 * KIB,
    "/v1/uploads/": 1024 * KIB + 16 * KIB,
    "/v1/me/claims/": MULTIPART_BYTES + 64 * KIB,
    "/v1/staff/claims/": MULTIPART_BYTES + 64 * KIB,
    "/v1/me/relief-cases/": MULTIPART_BYTES + 64 * KIB,
    "/v1/staff/relief-cases/": MULTIPART_BYTES + 64 * KIB,
    "/v1/staff/relief-funds/": 1024 * KIB,
    "/v1/partner/rosters/": 64 * 1024 * KIB,
    "/v1/staff/payout-batches/": 1024 * KIB,
}

DESCRIPTION = """Enrolment, cover and claims of union mutual aid for gig workers.

Money is integer fen. Instants are RFC 3339 in UTC; days are calendar days in
Asia/Shanghai. Refusals are `application/problem+json` in Chinese, or in English with
`Accept-Language: en`. Keyed POSTs need an `Idempotency-Key`; lists are cursor pages.
"""

TAGS: Mapping[str, str] = {
    "enrolment": "Enrolment codes, their scan, and enrolling riders on site.",
    "access": "Logging in and out; tokens and the keys that verify them.",
    "members": "A member's registration, identity checks and consents.",
    "plans": "The public catalogue: what each plan costs, covers and pays.",
    "orders": "Ordering and paying for cover.",
    "policies": "Cover: what is in force, and at which instant.",
    "certificates": "Certificates of cover, and the public check of one.",
    "claims": "A member's own claims, from the incident to the money.",
    "deaths": "Reporting the death of a member, and what survivors may claim under.",
    "deaths at the office": "Deaths confirmed and withdrawn, claimants, their kinship and shares.",
    "payouts": "Where a member's money goes.",
    "messages": "A member's inbox, WeChat's permissions, and what could not be sent.",
    "documents": "Chunked uploads, and links that open once.",
    "members at the counter": "Attesting a card and serving a member in person.",
    "plan simulations": "Drafts of plans replayed against claims of the past.",
    "claims in review": "Receiving, reviewing and deciding claims.",
    "writing plans": "Versions of plans: drafts, publishing, closing to sale, differences.",
    "organisations": "Areas, and the tree of offices, agencies, units and sites.",
    "staff accounts": "Accounts of caseworkers, reviewers and others, for administrators.",
    "partners": "Partner platforms and their OAuth clients.",
    "relief": "A member's own relief, proposed without being asked for.",
    "relief cases": "Relief at the office: cases, boards, and visits from the tablet.",
    "relief funds": "Relief funds, their formulas, and what is given to them.",
    "households": "One household, one file, looked at every year.",
    "rosters": "Partners' rosters, and the agreements that they rest on.",
    "ledger": "The books: accounts, statements, months that close, reversals.",
    "treasury": "Batches of transfers, and reconciliation with gateway and bank.",
    "callbacks": "Signed messages from outside systems.",
    "service": "Health, metrics and the catalogue of refusals.",
    "sandbox": "The business clock of demonstrations and tests.",
}


def create_app(settings: Settings) -> FastAPI:
    """The API as an ASGI application; connections open when it starts."""
    configure_logs(settings.log_level)
    app = FastAPI(
        title="Red Umbrella 红伞",
        version="0.1.0",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=operation_id,
        lifespan=_lifespan,
        redirect_slashes=False,
        # Asking whether a provider is configured costs a tenth of a hot read.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings
    app.state.database = Database(settings, subscriptions=SUBSCRIPTIONS)
    app.state.vault = open_vault(settings)
    app.state.constraints = CONSTRAINTS
    app.state.authenticate = Authenticator(settings, app.state.database, app.state.vault)
    app.state.scan_desk = ScanDesk(app.state.database)
    include(app, (*ROUTERS, sandbox.routes) if settings.sandbox else ROUTERS)
    install_problem_handlers(app)
    install_api_document(app, DESCRIPTION, TAGS, EXAMPLES)
    # Outside of the framework's own layers: what these guard against, the gate answers itself.
    app.middleware_stack = Gate(hot_lane(app), BODY_LIMITS)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database: Database = app.state.database
    await database.open()
    try:
        async with _at_work(app, database):
            yield
    finally:
        await database.close()


@asynccontextmanager
async def _at_work(app: FastAPI, database: Database) -> AsyncIterator[None]:
    """Keys, tokens and outside systems made ready, and what runs beside the requests."""
    vault: Vault = app.state.vault
    async with database.transaction() as session:
        await vault.refresh(session)
        if not app.state.settings.sandbox:
            await refuse_moved_clock(session)
            await refuse_forgetful_database(session)
    authenticator: Authenticator = app.state.authenticate
    await authenticator.start()
    scan_desk: ScanDesk = app.state.scan_desk
    tasks = [
        asyncio.create_task(scan_desk.count()),
        asyncio.create_task(_refresh_vault(database, vault)),
        asyncio.create_task(authenticator.watch()),
    ]
    try:
        async with connect(app.state.settings) as outside:
            app.state.outside = outside
            tasks.append(asyncio.create_task(keep_certificates(outside)))
            with open_desk(app):
                yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await scan_desk.flush()


async def _refresh_vault(database: Database, vault: Vault) -> None:
    """Learn of new keysets before they are used; a failure keeps the present ones."""
    while True:
        await asyncio.sleep(REFRESH_EVERY.total_seconds())
        try:
            async with database.transaction() as session:
                await vault.refresh(session)
        except Exception as error:
            log.warning("vault refresh failed", error=type(error).__name__)
