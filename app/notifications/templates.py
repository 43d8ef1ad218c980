"""Every message that members get: few plain words, in both languages, and what fills them.

The words beside the code (decision 0005). A carrier holds the same texts under the names
`<code>_zh` and `<code>_en`; WeChat holds a form per template, whose fields are named here.
"""

from collections.abc import Mapping

from app.notifications.claim_templates import CLAIM_TEMPLATES
from app.notifications.cover_templates import COVER_TEMPLATES
from app.notifications.money_templates import MONEY_TEMPLATES
from app.notifications.relief_templates import RELIEF_TEMPLATES
from app.notifications.template import Template

TEMPLATES: Mapping[str, Template] = {
    **COVER_TEMPLATES,
    **CLAIM_TEMPLATES,
    **RELIEF_TEMPLATES,
    **MONEY_TEMPLATES,
}
