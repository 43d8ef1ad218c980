"""Words in the two languages the service speaks."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGE_TAGS: dict[Language, str] = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class Text:
    """One message in Chinese and English; `{fields}` are filled by `in_language`."""

    zh: str
    en: str

    def in_language(self, language: Language, **fields: object) -> str:
        template = self.zh if language == "zh" else self.en
        return template.format(**fields) if fields else template


def preferred_language(accept_language: str | None) -> Language:
    """Chinese unless the caller ranks English higher (RFC 9110 §12.5.4)."""
    if not accept_language:
        return "zh"
    ranked: list[tuple[float, Language]] = []
    for item in accept_language.split(",")[:20]:
        tag, _, parameter = item.strip().partition(";")
        language: Language | None = (
            "en" if tag.lower().startswith("en") else "zh" if tag.lower().startswith("zh") else None
        )
        if language is None:
            continue
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        ranked.append((weight, language))
    return max(ranked, key=lambda entry: entry[0])[1] if ranked else "zh"
