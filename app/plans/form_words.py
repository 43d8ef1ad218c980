"""What can be wrong with a document's form, in plain words in both languages."""

from collections.abc import Mapping

from app.kernel.text import Text
from app.plans.literals import (
    CODE,
    EXACT,
    FIELD,
    NAME,
    OPTION,
    OWN_NAME,
    PLAN_CODE,
    REASON,
    TABLE,
    WORD,
)

# By pydantic's type; the code is the type with hyphens unless a code is given.
WORDS: Mapping[str, Text] = {
    "missing": Text("必填", "This field is required."),
    "extra_forbidden": Text("未知字段", "This field is not known."),
    "string_type": Text("应为文字", "A text is expected."),
    "int_type": Text("应为整数", "A whole number is expected."),
    "bool_type": Text("应为 true 或 false", "true or false is expected."),
    "list_type": Text("应为列表", "A list is expected."),
    "tuple_type": Text("应为列表", "A list is expected."),
    "dict_type": Text("应为对象", "An object is expected."),
    "model_type": Text("应为对象", "An object is expected."),
    "string_too_short": Text("过短", "Too short."),
    "string_too_long": Text("最长 {max_length} 个字符", "At most {max_length} characters."),
    "too_short": Text("至少 {min_length} 项", "At least {min_length} entries."),
    "too_long": Text("最多 {max_length} 项", "At most {max_length} entries."),
    "string_pattern_mismatch": Text("格式应为 {pattern}", "The form is {pattern}."),
    "literal_error": Text("应为以下之一：{expected_zh}", "One of these is expected: {expected}."),
    "greater_than_equal": Text("不得小于 {ge}", "At least {ge}."),
    "less_than_equal": Text("不得大于 {le}", "At most {le}."),
    "float-number": Text(
        "小数请写成文字，例如 '0.35'，金额请写成 {{yuan: '62.50'}}",
        "Write a decimal as text, for example '0.35', and money as {{yuan: '62.50'}}.",
    ),
    "share-above-one": Text(
        "比例为 0 至 1，例如 '0.35'", "A rate is from 0 to 1, for example '0.35'."
    ),
    "below-one-fen": Text("金额最小单位为分", "Money has no smaller unit than the fen."),
    "not-an-amount": Text(
        "请写整数元，或带分的文字，例如 '62.50'",
        "Whole yuan are expected, or yuan and fen as text, for example '62.50'.",
    ),
    "not-an-entry": Text(
        "应为整数、文字形式的小数、金额，或中英文文字",
        "A whole number, a decimal as text, money, or words in both languages are expected.",
    ),
    "int_from_float": Text("应为整数", "A whole number is expected."),
}
EXPRESSION = Text(
    "应为整数、文字形式的小数、金额、输入名称，或只含一个运算的对象",
    "Expected a whole number, a decimal as text, money, the name of an input, or an object"
    " with exactly one operator.",
)
EDGE = Text(
    "应为整数、文字形式的小数或金额", "A whole number, a decimal as text, or money is expected."
)
MONEY = Text(
    "应为金额：{{yuan: 100}} 或 {{fen: 10000}}",
    "Money is expected: {{yuan: 100}} or {{fen: 10000}}.",
)
UNKNOWN_OPERATOR = Text(
    "没有运算 {name}。运算有：{known}", "There is no operator {name}. There are: {known}."
)
NUMBER_AS_TEXT = Text(
    "应为文字，数字请加引号，例如 '0.35'",
    "A text is expected: write a number in quotes, for example '0.35'.",
)
# YAML ends a text between { } at a comma and takes the rest for a field without a value.
NOTHING_IN_IT = Text(
    "未知字段，且没有内容。花括号内的文字含有逗号时须加引号",
    "This field is not known, and nothing stands in it. A text with a comma must be in quotes"
    " where it stands between braces.",
)
SEVERAL = Text("对象只能含一个运算", "An object has exactly one operator.")
_LOWER = Text(
    "应为小写字母开头的名称，只含小写字母、数字和下划线",
    "A name is expected: small letters, digits and underscores, a letter first, at most 41.",
)
_WORD = Text(
    "应为代码，只含英文字母、数字、连字符和下划线；中文名称写在 words 或 choices 中",
    "A code is expected: Latin letters, digits, hyphens and underscores. Its names in both"
    " languages stand under words or choices.",
)
# Forms of whole kinds of values, in words instead of their pattern.
FORMS: Mapping[str, Text] = {
    EXACT: Text(
        "应为数字：整数部分至多15位，小数部分至多9位",
        "A number is expected, of at most 15 digits before the point and 9 after it.",
    ),
    NAME: Text(
        "应为数字（至多9位小数，80% 写作 0.8），或以小写字母开头的名称",
        "Expected a number (9 digits after the point at most, 80 % is 0.8), or a name that begins"
        " with a small letter.",
    ),
    PLAN_CODE: Text(
        "应为大写字母开头的编码，只含大写字母、数字和连字符，最长32个字符",
        "A code is expected: capital letters, digits and hyphens, a letter first, at most 32.",
    ),
    CODE: Text(
        "应为大写字母开头的编码，只含大写字母、数字和下划线，最长32个字符",
        "A code is expected: capital letters, digits and underscores, a letter first, at most 32.",
    ),
    **dict.fromkeys((OWN_NAME, FIELD), _LOWER),
    REASON: Text(
        "应为小写字母开头的编码，只含小写字母、数字和连字符",
        "A code is expected: small letters, digits and hyphens, a letter first, at most 41.",
    ),
    OPTION: Text(
        "应为大写字母和数字，最长8个字符", "Capital letters and digits are expected, at most 8."
    ),
    **dict.fromkeys((WORD, TABLE), _WORD),
}
KEY = Text("键应为文字，数字请加引号", "A key is text: write a number in quotes.")
# What the models' own validators say.
SAID: Mapping[str, tuple[str, Text]] = {
    "the minimum age is above the maximum age": (
        "ages-order",
        Text("最低年龄高于最高年龄", "The minimum age is above the maximum age."),
    ),
    "give months, or days, or days_from and days_to, or both fixed days": (
        "term-kind",
        Text(
            "请写月数、天数、可选天数范围或固定起止日之一",
            "Give months, or days, or days_from and days_to, or both fixed days.",
        ),
    ),
    "days_from and days_to go together, in this order": (
        "term-order",
        Text("days_from 与 days_to 须成对且依次", "days_from and days_to go together, in order."),
    ),
    "first_day and last_day go together, in this order": (
        "term-order",
        Text("first_day 与 last_day 须成对且依次", "first_day and last_day go together, in order."),
    ),
    "a date as YYYY-MM-DD is expected": (
        "not-a-day",
        Text("日期应为 YYYY-MM-DD", "A date as YYYY-MM-DD is expected."),
    ),
    "a text without control characters is expected": (
        "control-character",
        Text(
            "文字含有控制字符或不可见字符",
            "The text has control characters, or characters that cannot be seen.",
        ),
    ),
    "a text that can be seen is expected": (
        "blank-text",
        Text("文字为空白", "The text is blank."),
    ),
    "a year from 1900 to 2899 is expected": (
        "day-out-of-range",
        Text("年份须在 1900 至 2899 之间", "A year from 1900 to 2899 is expected."),
    ),
}
