"""What the answers to files and rows say: code → words, in both languages."""

from app.kernel.text import Text
from app.members import documents, names, phones
from app.policies import eligibility

FILE: dict[str, Text] = {
    "file-empty": Text("文件为空", "The file is empty."),
    "file-no-rows": Text("文件只有表头，没有数据行", "The file has a header and no rows."),
    "file-encoding": Text(
        "文件编码应为 UTF-8 或 GB18030", "The file must be encoded in UTF-8 or GB18030."
    ),
    "file-malformed": Text("文件格式有误，无法继续读取", "The file cannot be read on from here."),
    "file-too-many-rows": Text("每个文件最多 100,000 行", "A file has at most 100,000 rows."),
    "column-unknown": Text("未知的列", "Unknown column."),
    "column-twice": Text("同一含义的列出现了两次", "Two columns mean the same."),
    "column-missing": Text("缺少必需的列", "A required column is missing."),
    "no-agreement": Text(
        "当前没有有效的参保协议，请联系管理机构",
        "No agreement is in force today; ask the organisation that manages you.",
    ),
}
ROW: dict[str, Text] = {
    "row-malformed": Text("该行不是有效的 JSON 对象", "The row is not a valid JSON object."),
    "row-too-long": Text(
        "该行的单元格多于表头，内容可能错位",
        "The row has more cells than the header; it has shifted.",
    ),
    "row-too-short": Text(
        "该行的单元格少于表头，内容可能错位",
        "The row has fewer cells than the header; it has shifted.",
    ),
    "member-twice": Text("同一字段出现了两次", "The same member appears twice."),
    "member-unknown": Text("未知的字段", "Unknown member."),
    "not-text": Text("应为文字", "Text is expected."),
    "too-long": Text("内容过长", "The value is too long."),
    "formula": Text("不接受公式", "Formulas are not accepted."),
    "rider-ref-missing": Text("请填写工号", "Give the rider reference."),
    "rider-ref-form": Text(
        "工号最长 64 个字符，不可含控制字符",
        "A rider reference has at most 64 characters and no control characters.",
    ),
    "rider-ref-personal": Text(
        "工号不可使用身份证号或手机号", "A rider reference must not be an identity or phone number."
    ),
    "duplicate-reference": Text(
        "工号与第 {row} 行重复，以首次出现的为准",
        "Same reference as row {row}; the first one counts.",
    ),
    "duplicate-person": Text(
        "证件与第 {row} 行为同一人，以第 {row} 行为准",
        "Same person as row {row}, which is the one that counts.",
    ),
    "person-not-enrollable": Text(
        "该人员不能参保，请联系工会", "This person cannot be enrolled; ask the union."
    ),
    "document-type-unknown": Text("未知的证件类型", "Unknown type of document."),
    "sex-unknown": Text("性别应为男或女", "Sex is 男 or 女 (male or female)."),
    "date-form": Text("日期应为 YYYY-MM-DD", "A date is written YYYY-MM-DD."),
    "plan-missing": Text("请填写保障计划", "Name the plan."),
    "plan-not-agreed": Text("协议中没有该保障计划", "No agreement in force has this plan."),
    "shares-differ": Text(
        "份数与协议不符，应为 {shares} 份", "The agreement gives {shares} shares."
    ),
    "shares-form": Text("份数应为 1 至 100 的整数", "Shares are a whole number from 1 to 100."),
    "shares-over-limit": eligibility.SHARES,
    "age-below-minimum": eligibility.TOO_YOUNG,
    "age-above-maximum": eligibility.TOO_OLD,
    "sex-not-eligible": eligibility.SEX,
    "occupation-not-eligible": eligibility.OCCUPATION,
    "channel-not-open": eligibility.CHANNEL,
    "joining-not-open": Text("该保障活动尚未开放参加", "Joining is not open yet."),
    "joining-closed": Text("该保障活动的参加已截止", "Joining has closed."),
    "plan-excluded": Text(
        "不能与已参加的其他保障活动同时参加", "Cannot be held with another plan of this person."
    ),
    "unit-joins-first": Text(
        "该站点所在单位须先整体参加该保障活动，请由单位向工会办理后重新推送",
        "The unit of this site joins the plan as a whole first, at the union; then push again.",
    ),
    "shares-not-equal": Text(
        "该站点所在单位每人参保 {shares} 份，与协议份数不同，请联系管理机构",
        "Everybody of this site's unit takes {shares} shares, other than the agreement gives;"
        " ask the organisation that manages you.",
    ),
    "unit-required": Text(
        "该保障活动须通过单位参加，请填写单位内的站点",
        "The plan is joined through a unit: name a site that is in one.",
    ),
    "plan-required": Text("须先参加另一项保障活动", "Another plan must be held as well."),
    **documents.FAULTS,
    **names.FAULTS,
    **phones.FAULTS,
}
NOTICES: dict[str, Text] = {
    "name-cleaned": Text("姓名中的部门等后缀已去除", "A suffix was removed from the name."),
    "site-unknown": Text(
        "未找到该站点，已归入合作方的管理机构",
        "No such site; the rider was placed under your managing organisation.",
    ),
    **documents.WARNINGS,
}
