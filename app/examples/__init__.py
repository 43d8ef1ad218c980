"""What the API document shows as examples of answers.

One idea, one example: a member of a name looks the same in every answer, and the values tell
one story, so that the answers fit together: cover bought in March, an accident in May, a claim
decided and paid within the month. `View.member` is for a view that needs another example than
the name's, `View` for a whole one. app/kernel/examples.py composes them.
"""

from collections.abc import Mapping
from typing import Any

from app.examples.bilingual import BILINGUAL
from app.examples.members import MEMBERS
from app.examples.views import OF_VIEWS

EXAMPLES: Mapping[str, Any] = {**MEMBERS, **BILINGUAL, **OF_VIEWS}
