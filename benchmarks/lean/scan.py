"""Scan a code: site, plans on sale, consents; one statement."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.lean.context import JSON, context_of

# PostgreSQL writes the JSON: the handler passes it on.
_SCAN = """
select json_build_object(
  'code', c.code, 'campaign', c.campaign, 'expires_at', c.expires_at,
  'site', json_build_object('id', o.id, 'name', o.name, 'area_code', o.area_code),
  'plans', (
    select json_agg(json_build_object(
      'code', p.code, 'kind', p.kind,
      'name', json_build_object('zh', p.name_zh, 'en', p.name_en),
      'summary', v.document->'summary', 'contribution', v.document->'contribution'))
    from plan p join plan_version v on v.plan_code = p.code and v.status = 'published'
      and v.effective_from <= now() and (v.effective_to is null or v.effective_to > now())
    where p.code = any(c.plan_codes)),
  'consents', (
    select json_agg(json_build_object(
      'purpose', t.purpose, 'version', t.version,
      'title', json_build_object('zh', t.title_zh, 'en', t.title_en),
      'text', json_build_object('zh', t.text_zh, 'en', t.text_en)))
    from consent_text t where not exists (
      select from consent_text n where n.purpose = t.purpose and n.version > t.version)))::text
from enrolment_code c join organisation o on o.id = c.organisation_id
where c.code = $1 and c.revoked_at is null and c.expires_at > now()
"""


async def scan(request: Request) -> Response:
    found = await context_of(request).pool.fetchval(_SCAN, request.path_params["code"])
    return Response(found, 200 if found else 404, JSON)


ROUTES = [Route("/v1/enrolment-codes/{code}", scan)]
