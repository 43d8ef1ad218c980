"""What the tree of organisations and its partners refuse."""

from app.kernel.problems import Conflict, Problem
from app.kernel.text import Text


class OrganisationNameTaken(Conflict):
    code = "organisation-name-taken"
    title = Text("名称已被使用", "Name taken")
    detail = Text("同一上级机构下已有同名机构。", "Its parent has an organisation of this name.")


class OrganisationCreditCodeTaken(Conflict):
    code = "organisation-credit-code-taken"
    title = Text("统一社会信用代码已登记", "Credit code registered")
    detail = Text(
        "该统一社会信用代码已登记在另一机构名下。",
        "Another organisation is registered under this unified social credit code.",
    )


class OrganisationHasEnded(Conflict):
    code = "organisation-has-ended"
    title = Text("机构已撤销", "Organisation ended")
    detail = Text("机构已撤销，不能再新增内容。", "It has ended; nothing can be added to it.")


class PartnerNameTaken(Conflict):
    code = "partner-name-taken"
    title = Text("合作平台名称已被使用", "Partner name taken")
    detail = Text("该机构下已有同名合作平台。", "The organisation has a partner of this name.")


class PartnerSuspended(Conflict):
    code = "partner-suspended"
    title = Text("合作平台已暂停", "Partner suspended")
    detail = Text("合作平台已暂停，请先恢复。", "The partner is suspended; reinstate it first.")


CONSTRAINTS: dict[str, type[Problem]] = {
    "uq_organisation__parent_id_name": OrganisationNameTaken,
    "uq_organisation__uscc": OrganisationCreditCodeTaken,
    "uq_partner__organisation_id_name": PartnerNameTaken,
}
