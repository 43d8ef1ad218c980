"""How words for expressions are put together: brackets, signs, rows."""

from typing import NamedTuple

from app.plans.expressions import Node
from app.plans.literals import Fen, Yuan
from app.plans.wording import Said


class Phrase(NamedTuple):
    """Words for an expression; `rank` says how tightly they hold: 3 a name, 2 a product,
    1 a sum, 0 a clause. `lead` stands between Chinese words and it.
    """

    zh: str
    en: str
    rank: int = 3
    lead: str = ""


def lower(text: str) -> str:
    """A name inside a sentence."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def upper(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:]


def bracketed(one: Phrase, rank: int) -> Phrase:
    """In brackets where it would fall apart among others."""
    return one if one.rank >= rank else Phrase(f"（{one.zh}）", f"({one.en})")


def joined(parts: list[Phrase], sign: str, rank: int) -> Phrase:
    """Several with one sign between them, each as tightly held as the sign asks."""
    held = [bracketed(each, rank) for each in parts]
    zh, en = sign.join(each.zh for each in held), sign.join(each.en for each in held)
    return Phrase(zh, en, rank, held[0].lead)


def rows_of(head: Phrase, rows: list[Said]) -> Phrase:
    """What is looked up, and what each row of it gives."""
    zh = "；".join(each[0] for each in rows)
    en = "; ".join(each[1] for each in rows)
    return Phrase(f"按{head.zh}（{zh}）", f"by {head.en} ({en})", 2)


def labelled(label: Said, gives: Phrase) -> Said:
    """One row: for what, and what it gives."""
    return f"{label[0]}：{gives.zh}", f"{label[1]}: {gives.en}"


def is_literal(node: Node) -> bool:
    """Whether a node is a number or money as written."""
    return isinstance(node, int | Yuan | Fen) or (isinstance(node, str) and node[0].isdigit())
