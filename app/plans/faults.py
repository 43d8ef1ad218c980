"""What can be wrong with a plan document: a code, and plain words in both languages."""

from collections.abc import Iterable, Mapping

from app.kernel.problems import FieldError
from app.kernel.text import Text
from app.plans.walking import Path

KIND_WORDS: Mapping[str, Text] = {
    "money": Text("金额", "money"),
    "number": Text("数字", "a number"),
    "truth": Text("条件", "a condition"),
    "word": Text("代码", "a word"),
    "day": Text("日期", "a day"),
    "list": Text("列表", "a list"),
    "zero": Text("零", "zero"),
}

# Kinds and names in expressions.
_EXPRESSIONS: Mapping[str, Text] = {
    "wrong-kind": Text("此处应为{expected}，却是{found}", "{expected} is due here, found {found}."),
    "mixed-kinds": Text("这里混用了{first}与{found}", "{first} and {found} cannot be mixed here."),
    "money-times-money": Text("金额不能与金额相乘", "Money cannot be multiplied with money."),
    "unknown-input": Text("没有名为 {name} 的输入{near}", "There is no input called {name}{near}."),
    "input-elsewhere": Text(
        "{name} 在此处不可用：互助费与保障责任各有其输入",
        "{name} is not known here: prices and benefits have inputs of their own.",
    ),
    "word-compared": Text(
        "没有名为 {name} 的输入；代码用 one_of 比较，{name} 写在其 words 中",
        "There is no input called {name}. A word is compared by one_of, with {name} under its"
        " words.",
    ),
    "unknown-field": Text(
        "列表 {list} 没有字段 {name}", "The list {list} has no field called {name}."
    ),
    "list-alone": Text(
        "列表 {name} 只能用于 each 或 count", "The list {name} can only stand in each or count."
    ),
    "not-a-list": Text("{name} 不是列表", "{name} is not a list."),
    "field-outside-each": Text(
        "{name} 只能在对该列表的 each 之内使用",
        "{name} has a meaning only inside each of its list.",
    ),
    "each-in-each": Text("each 之内不能再有 each", "each cannot stand inside another each."),
    "step-later": Text(
        "步骤 {name} 在此之后才定义", "The step {name} is defined only after this place."
    ),
    "step-shadows-input": Text(
        "步骤 {name} 与同名输入冲突", "The step {name} hides an input of the same name."
    ),
    "only-in-benefits": Text("{name} 只能用于保障责任", "{name} can be used in benefits only."),
    "occurrence-out-of-place": Text(
        "each 之内的 occurrence 只能用于步骤与给付金额",
        "occurrence inside each can stand in steps and in pays only.",
    ),
    "two-numbered-lists": Text(
        "一项责任只能为一个列表编次数：{first}，不能再有 {name}",
        "A benefit can number the items of one list only: {first}, not also {name}.",
    ),
    "unknown-counter": Text("没有名为 {name} 的累计", "There is no counter called {name}."),
    "counter-in-counter": Text("累计之内不能使用累计", "A counter cannot be defined by a counter."),
    "counter-mismatch": Text(
        "同名累计 {name} 在另一责任中是{found}",
        "The counter {name} of another benefit is {found}; they share one count.",
    ),
    "unknown-benefit": Text("没有编码为 {name} 的责任", "There is no benefit {name}."),
    "benefits-of-plans": Text(
        "benefits 是本活动的责任，不能与 plans 同时写",
        "benefits are those of this plan: they cannot stand beside plans.",
    ),
    "term-too-long": Text("保障期最长十年", "A term lasts ten years at the most."),
    "unknown-document": Text(
        "没有名为 {name} 的材料：不是标准材料，document_kinds 中也未声明",
        "There is no document {name}: it is neither a standard one nor in document_kinds.",
    ),
    "document-standard": Text(
        "{name} 是标准材料，无需声明", "{name} is a standard document: it needs no declaration."
    ),
    "unknown-table": Text("没有名为 {name} 的表", "There is no table called {name}."),
    "table-kind": Text(
        "表 {name} 是名单，没有可取的数值", "The table {name} is a list: it has no values."
    ),
    "table-incomplete": Text(
        "{input} 可能取值 {missing}，而表 {name} 没有；"
        "请补充，或收窄该信息的范围，或先以 listed 判断",
        "{input} can be {missing}, which the table {name} does not have: add it, narrow the"
        " fact's range, or test with listed first.",
    ),
    "table-any-word": Text(
        "任何代码都可能出现，而表 {name} 只有若干；请声明可选代码，或先以 listed 判断",
        "Any word can come here, the table {name} has only some: declare the fact's choices,"
        " or test with listed first.",
    ),
    "table-key-unknown": Text(
        "表 {name} 的 {key} 永远不会被查到", "Nothing ever looks up {key} in the table {name}."
    ),
    "unknown-case": Text("{key} 永远不会出现", "{key} can never occur here."),
    "uncovered-case": Text(
        "没有涵盖 {missing}；请补充或写明 otherwise",
        "{missing} is not covered: add it, or an otherwise.",
    ),
    "unknown-word": Text("{key} 不在可选代码之内", "{key} is not among the words that it can be."),
    "rate-above-one": Text("比例不能超过 1", "A rate cannot be above 1."),
    "zero-unit": Text("单位不能为零", "The unit cannot be zero."),
    "too-many-operators": Text(
        "一项责任最多 {most} 个运算，此处有 {count} 个",
        "A benefit has at most {most} operators; this one has {count}.",
    ),
    "too-many-repeated": Text(
        "一项责任的列表运算（each、largest）合计最多 {most} 个部分，此处有 {count} 个",
        "A benefit has at most {most} parts over lists (each, largest), all together;"
        " this one has {count}.",
    ),
    "number-too-long": Text(
        "此处的数可能过长，无法计算", "The number here can become too long to be computed with."
    ),
    "amount-too-large": Text(
        "此处的数可能超过 {most} 位整数；请以 at_most 设上限",
        "The number here can have more than {most} digits before the point: limit it by at_most.",
    ),
    "nested-too-deeply": Text(
        "嵌套最多 {most} 层", "Expressions can be nested {most} deep at most."
    ),
}

# Bands, slices, and what values can be reached.
_RANGES: Mapping[str, Text] = {
    "band-two-edges": Text(
        "同一侧只能有一个边界", "A band has one edge on each side: from or above, to or below."
    ),
    "band-edge-missing": Text(
        "只有第一档可不写下限，只有最后一档可不写上限",
        "Only the first band can do without a lower edge, only the last without an upper one.",
    ),
    "band-empty": Text("该档内没有任何数值", "No value lies inside this band."),
    "band-gap": Text("与上一档之间有空隙", "There is a gap between this band and the one before."),
    "band-overlap": Text(
        "与上一档重叠或顺序不对", "This band overlaps the one before, or comes before it."
    ),
    "bands-not-covering": Text(
        "可能的数值 {from_} 至 {to} 没有全部涵盖",
        "Not every value from {from_} to {to} is covered.",
    ),
    "slices-from-zero": Text("分段须从 0 开始", "The slices begin at 0."),
    "band-unreachable": Text(
        "可能的数值为 {from_} 至 {to}，永远不会落入该档",
        "The value is from {from_} to {to} and never lies in this band.",
    ),
    "never-holds": Text("该条件永远不成立", "This condition can never hold."),
    "always-holds": Text("该条件永远成立", "This condition always holds."),
    "never-pays": Text("该责任永远不会给付", "This benefit can never pay anything."),
    "amount-above-cap": Text(
        "一份即至少给付{amount}，超过限额{cap}（{limit}）",
        "One share pays at least {amount} here, above the limit of {cap} ({limit}).",
    ),
}

# The document as a whole.
_DOCUMENT: Mapping[str, Text] = {
    "duplicate-code": Text("{name} 出现了两次", "{name} appears twice."),
    "duplicate-entry": Text("{name} 重复列出", "{name} is listed twice."),
    "reserved-code": Text("{name} 是保留的原因代码", "The reason code {name} is reserved."),
    "benefit-itself": Text("不能指向自身", "A benefit cannot name itself here."),
    "waiting-without-illness": Text(
        "该责任不保疾病，等待期无意义",
        "The benefit does not pay for illness: waiting days mean nothing.",
    ),
    "plan-itself": Text("不能指向本活动自身", "A plan cannot name itself here."),
    "excluded-and-required": Text(
        "{name} 不能既互斥又必备", "{name} cannot be excluded and required at once."
    ),
    "required-plans-exclude": Text(
        "{name} 与 {other} 互斥，无法同时满足",
        "{name} and {other} exclude each other: nobody could join.",
    ),
    "requires-cycle": Text(
        "互为前提，形成循环：{cycle}", "The plans require each other in a circle: {cycle}."
    ),
    "pays-after-cycle": Text(
        "给付先后形成循环：{cycle}", "The plans pay after each other in a circle: {cycle}."
    ),
    "window-order": Text("开放日晚于截止日", "The window closes before it opens."),
    "window-after-term": Text(
        "开放日晚于全部保障期", "The window opens when every term has ended."
    ),
    "gift-with-price": Text("赠送活动的互助费须为零", "A gifted plan costs nothing."),
    "nothing-to-buy": Text(
        "所有档次的互助费均为零，应为赠送活动", "Every price is zero: the plan is a gift."
    ),
    "automatic-gift": Text(
        "赠送活动不能自动续保扣费", "A gifted plan has no payment that could renew it."
    ),
    "grace-without-days": Text(
        "没有续保宽限期，无从保障", "There are no grace days in which to be covered."
    ),
    "split-not-price": Text(
        "各方合计{sum}，互助费{price}{example}",
        "The parts come to {sum}, the price to {price}{example}.",
    ),
    "deposit-above-price": Text(
        "押金{sum}超过互助费{price}{example}",
        "The deposit of {sum} is above the price of {price}{example}.",
    ),
    "refund-without-payment": Text(
        "未付互助费时也会退款", "It gives money back where nothing was paid."
    ),
    "late-price-without-fixed-term": Text(
        "没有固定保障期，不存在中途参加", "Only a fixed term can be joined late."
    ),
    "upgrade-without-shares": Text(
        "每人最多一份，无从增加", "Nobody can hold more than one share: there is none to add."
    ),
    "upgrade-of-nothing": Text(
        "既不增加份数也不提高档次", "It neither adds shares nor raises an option."
    ),
    "unknown-option": Text("没有编码为 {name} 的档次", "There is no contribution option {name}."),
    "option-itself": Text("档次不能提高为自身", "An option is not raised to itself."),
    "renewal-age": Text(
        "续保年龄上限低于参保年龄上限", "The age for renewing is below the age for joining."
    ),
    "straight-through-above-approval": Text(
        "按规则直接决定的限额高于须复核的限额",
        "Claims that need a second approval cannot be decided by rule alone.",
    ),
    "table-entry-kind": Text(
        "表的类型为 {kind}，该项不符", "The entry does not fit a table of {kind}."
    ),
    "money-name": Text(
        "金额类信息以 _fen 结尾，其他信息不得如此",
        "The name of a fact ends in _fen if, and only if, it is money.",
    ),
    "fact-range": Text("最小值大于最大值", "The least value is above the most."),
    "fact-choices": Text("只有代码类信息才有可选项", "Only a word has choices."),
    "fact-fields": Text(
        "列表须有字段，其他信息没有字段", "A list has fields, and nothing else has."
    ),
    "fact-of-context": Text(
        "{name} 由系统提供，不能另行声明", "{name} is known to the service and cannot be declared."
    ),
    "fact-redeclared": Text(
        "{name} 是标准信息，只能收窄其范围（{what}）",
        "{name} is a standard fact: it can only be narrowed ({what}).",
    ),
    "too-deep": Text("文档嵌套过深", "The document is nested too deeply."),
    "too-large": Text("文档过大", "The document is too large."),
    "unstorable-text": Text(
        "文字含有不可存储的字符", "The text holds characters that cannot be stored."
    ),
    "not-json": Text("该值不属于 JSON", "The value is none that JSON has."),
}

FAULTS: Mapping[str, Text] = {**_EXPRESSIONS, **_RANGES, **_DOCUMENT}


def fault(path: Path, code: str, **fields: object) -> FieldError:
    """One fault at a place of the document; texts among the fields are given per language."""
    template = FAULTS[code]
    return FieldError(
        pointer(path),
        code,
        Text(
            template.zh.format(**{name: _in(value, zh=True) for name, value in fields.items()}),
            template.en.format(**{name: _in(value, zh=False) for name, value in fields.items()}),
        ),
    )


def _in(value: object, *, zh: bool) -> object:
    if isinstance(value, Text):
        return value.zh if zh else value.en
    return value


def kinds_in_words(kinds: Iterable[str]) -> Text:
    """Money or a number …"""
    known = [KIND_WORDS[kind] for kind in kinds]
    return Text("或".join(each.zh for each in known), " or ".join(each.en for each in known))


def pointer(path: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
