"""A partner platform pushes its roster, twice, and reads an answer for every row."""

import secrets
import time
from typing import Any

from app.journey.people import make_rider
from app.journey.report import Report
from app.journey.transport import Caller, Miss, until

GOOD_ROWS = 20


async def push_roster(caller: Caller, report: Report, client_id: str, client_secret: str) -> None:
    """Log in, push a snapshot with one faulty row, push it again: nothing changes."""
    with report.step("partner 平台", "gets a token by client credentials"):
        answer = await caller.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client_id, client_secret),
        )
        if answer.status_code != 200:
            raise Miss(f"/oauth/token: {answer.status_code} {answer.text[:300]}")
        caller.token = answer.json()["access_token"]
    run = secrets.token_hex(4)
    riders = [_row(f"{run}-{number}") for number in range(GOOD_ROWS)]
    riders.append({**_row(f"{run}-faulty"), "document_number": "110105194912310021"})
    first = await _push(caller, report, riders, "pushes its roster 推送名册")
    expected = {"enrolled": GOOD_ROWS, "updated": 0, "unchanged": 0, "refused": 1}
    if first["answers"] != expected:
        raise Miss(f"answers {first['answers']}, expected {expected}")
    with report.step("partner 平台", "reads why a row was refused 逐行结果") as remarks:
        page = await caller.json("GET", f"{first['url']}/rows?answer=refused")
        errors = page["items"][0]["errors"]
        remarks.append(f"row {page['items'][0]['row']}: {errors[0]['message']}")
    second = await _push(caller, report, riders, "pushes it again: nothing changes 重复推送")
    if second["answers"]["unchanged"] != GOOD_ROWS:
        raise Miss(f"the second push changed something: {second['answers']}")


def _row(rider_ref: str) -> dict[str, Any]:
    rider = make_rider()
    return {
        "rider_ref": rider_ref,
        "name": rider.name,
        "document_number": rider.number,
        "phone": rider.phone,
    }


async def _push(
    caller: Caller, report: Report, riders: list[dict[str, Any]], words: str
) -> dict[str, Any]:
    with report.step("partner 平台", words) as remarks:
        sequence = time.time_ns() // 1_000_000
        path = f"/v1/partner/rosters/{sequence}"
        await caller.call("PUT", path, body={"riders": riders}, expect=202)

        async def ask() -> Any:
            return await caller.json("GET", path)

        ended = await until(
            "the roster", ask, lambda view: view["status"] in ("applied", "refused", "held")
        )
        if ended["status"] == "held":
            # The demonstration's earlier journeys named other riders.
            await caller.call("PUT", f"{path}/confirmation", expect=202)
            ended = await until("the roster", ask, lambda view: view["status"] == "applied")
        remarks.append(f"{ended['row_count']} rows: {ended['answers']}")
        applied: dict[str, Any] = ended
        return applied
