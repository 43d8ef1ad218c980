"""A formula in a request's body, JSON or YAML."""

import asyncio
from typing import Annotated, Any

from fastapi import Depends, Request

from app.kernel.problems import UnsupportedMediaType
from app.kernel.schema import parse_json
from app.plans.versions_text import JSON, YAML, written
from app.plans.yaml_text import parse_yaml
from app.relief.checking import check
from app.relief.formulas import FormulaTerms

EXAMPLE: dict[str, Any] = {
    "code": "EXAMPLE-RELIEF",
    "name": {"zh": "示例救助办法", "en": "Example formula"},
    "summary": {
        "zh": "净自付满1万元的补助1500元。",
        "en": "1,500 yuan from 10,000 yuan of net self-pay.",
    },
    "source": {
        "issuer": {"zh": "某市总工会", "en": "A city's federation of trade unions"},
        "as_of": "2026",
        "published_plan": "none",
    },
    "grounds": ["illness", "accident", "disaster", "spouse_illness"],
    "statements": [
        {
            "code": "true-and-complete",
            "words": {"zh": "所填内容真实完整", "en": "What I state is true and complete"},
        }
    ],
    "pays": {
        "band": {
            "of": "net_self_pay_fen",
            "bands": [
                {"below": {"yuan": 10000}, "gives": {"yuan": 0}},
                {"from": {"yuan": 10000}, "gives": {"yuan": 1500}},
            ],
        }
    },
    "limits": [{"max": {"yuan": 50000}, "per": "year"}],
    "documents": ["identity", "receipt"],
    "ground_documents": {"disaster": ["loss_proof"]},
    "hardship": {"most": {"yuan": 5000}},
    "condolence": {"amount": {"yuan": 500}, "per_year": 1},
}


def formula_body() -> dict[str, Any]:
    """The `openapi_extra` of a handler that takes a formula."""
    schema = {"type": "object"}
    content = {
        JSON: {"schema": schema, "example": EXAMPLE},
        YAML: {"schema": schema, "example": written(EXAMPLE).decode()},
    }
    return {"requestBody": {"required": True, "content": content}}


def _read(raw: bytes, media_type: str) -> FormulaTerms:
    content: object = {}
    if raw:
        content = None
    if raw:
        content = parse_yaml(raw) if media_type == YAML else parse_json(raw)
    return check(content)


async def _sent(request: Request) -> FormulaTerms:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in (JSON, YAML):
        raise UnsupportedMediaType(expected=f"{JSON} / {YAML}")
    # A large document takes its time: in a thread, so that nobody else waits for it.
    return await asyncio.to_thread(_read, await request.body(), media_type)


SentFormulaDep = Annotated[FormulaTerms, Depends(_sent)]
