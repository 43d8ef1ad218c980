"""What each operator is by its parts, by the families of `operators`."""

from collections.abc import Mapping

from app.plans.kind_rules.arithmetic import ARITHMETIC
from app.plans.kind_rules.choices import CHOICES
from app.plans.kind_rules.conditions import CONDITIONS
from app.plans.kind_rules.tallies import TALLIES
from app.plans.kinds import Rule

KIND_RULES: Mapping[type, Rule] = {**ARITHMETIC, **CHOICES, **TALLIES, **CONDITIONS}
