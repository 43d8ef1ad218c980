"""The amount of each benefit shape, step by step; exact inside, pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from app.kernel.money import round_half_up, yuan
from app.kernel.text import Text
from app.plans.benefits import (
    Benefit,
    DisabilityGrade,
    Lump,
    LumpPerShare,
    LumpUpTo,
    PercentAfterDeductible,
    PerDiem,
)
from app.plans.terms import PlanTerms


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a calculation: a stable code, its words, the amount so far in fen."""

    code: str
    text: Text
    amount_fen: int

    def document(self) -> dict[str, Any]:
        """As it is stored with a decision and shown to the member."""
        return {
            "code": self.code,
            "zh": self.text.zh,
            "en": self.text.en,
            "amount_fen": self.amount_fen,
        }


def step(code: str, amount: Fraction | int, zh: str, en: str, **fields: object) -> Step:
    so_far = round_half_up(Fraction(amount))
    return Step(code, Text(zh.format(**fields), en.format(**fields)), so_far)


def by_shape(
    benefit: Benefit, terms: PlanTerms, facts: Mapping[str, Any], times: int
) -> tuple[Fraction, list[Step]]:
    """The amount before the term's cap.

    Fixed sums are paid once for each share; where a loss is made good, shares raise the
    maximum and never the loss.
    """
    if isinstance(benefit, Lump):
        return _fixed(benefit.amount_fen, times)
    if isinstance(benefit, LumpPerShare):
        return _fixed(benefit.amount_per_share_fen, times)
    if isinstance(benefit, DisabilityGrade):
        return _disability(benefit, terms, facts["disability_grade"], times)
    if isinstance(benefit, LumpUpTo):
        loss = Fraction(facts["loss_fen"])
        steps = [step("loss", loss, "实际损失 {y} 元", "Proven loss: {y} yuan", y=_y(loss))]
        return _at_most(loss, benefit.max_fen * times, steps), steps
    if isinstance(benefit, PercentAfterDeductible):
        return _percent(benefit, facts["self_pay_fen"], times)
    return _per_diem(benefit, facts["stay_days"], times)


def _y(amount: Fraction | int) -> str:
    return yuan(round_half_up(Fraction(amount)))


def _fixed(fen: int, times: int) -> tuple[Fraction, list[Step]]:
    amount = Fraction(fen * times)
    return amount, [
        step(
            "lump",
            amount,
            "每份 {each} 元 × {n} 份 = {y} 元",
            "{each} yuan × {n} = {y} yuan",
            each=yuan(fen),
            n=times,
            y=_y(amount),
        )
    ]


def _disability(
    benefit: DisabilityGrade, terms: PlanTerms, grade: int, times: int
) -> tuple[Fraction, list[Step]]:
    rate = Fraction(terms.tables[benefit.table][str(grade)])
    base = Fraction(benefit.base_fen * times)
    steps = [
        step(
            "base",
            base,
            "基数 {each} 元 × {n} 份 = {y} 元",
            "Base {each} yuan × {n} = {y} yuan",
            each=yuan(benefit.base_fen),
            n=times,
            y=_y(base),
        ),
        step(
            "grade",
            base * rate,
            "{table} 第 {grade} 级，按 {percent}% 计 {y} 元",
            "Grade {grade} of {table}: {percent}% is {y} yuan",
            table=benefit.table,
            grade=grade,
            percent=_percentage(rate),
            y=_y(base * rate),
        ),
    ]
    return base * rate, steps


def _percent(
    benefit: PercentAfterDeductible, self_pay_fen: int, times: int
) -> tuple[Fraction, list[Step]]:
    cost = Fraction(self_pay_fen)
    above = max(Fraction(0), cost - benefit.deductible_fen)
    rate = Fraction(benefit.rate)
    steps = [
        step("self-pay", cost, "自付部分 {y} 元", "Self-paid part: {y} yuan", y=_y(cost)),
        step(
            "deductible",
            above,
            "减去免赔额 {d} 元，余 {y} 元",
            "Less the deductible of {d} yuan: {y} yuan",
            d=yuan(benefit.deductible_fen),
            y=_y(above),
        ),
        step(
            "rate",
            above * rate,
            "按 {percent}% 计 {y} 元",
            "At {percent}%: {y} yuan",
            percent=_percentage(rate),
            y=_y(above * rate),
        ),
    ]
    return _at_most(above * rate, benefit.max_fen * times, steps), steps


def _per_diem(
    benefit: PerDiem, stay_days: Sequence[int], times: int
) -> tuple[Fraction, list[Step]]:
    unpaid = benefit.unpaid_days_per_stay
    days = sum(max(0, stay - unpaid) for stay in stay_days)
    steps = [
        step(
            "days",
            0,
            "住院 {n} 次共 {total} 天，每次前 {unpaid} 天不计，计 {days} 天",
            "{n} stays of {total} days; the first {unpaid} of each unpaid: {days} paid days",
            n=len(stay_days),
            total=sum(stay_days),
            unpaid=unpaid,
            days=days,
        )
    ]
    if benefit.max_days is not None and days > benefit.max_days:
        days = benefit.max_days
        steps.append(step("max-days", 0, "最多计 {d} 天", "At most {d} days", d=days))
    amount = Fraction(days * benefit.daily_fen * times)
    steps.append(
        step(
            "daily",
            amount,
            "每天 {each} 元 × {days} 天 × {n} 份 = {y} 元",
            "{each} yuan × {days} days × {n} = {y} yuan",
            each=yuan(benefit.daily_fen),
            days=days,
            n=times,
            y=_y(amount),
        )
    )
    if benefit.max_fen is not None:
        amount = _at_most(amount, benefit.max_fen * times, steps)
    return amount, steps


def _percentage(rate: Fraction) -> str:
    return f"{float(rate * 100):g}"


def _at_most(amount: Fraction, maximum: int, steps: list[Step]) -> Fraction:
    if amount <= maximum:
        return amount
    steps.append(step("maximum", maximum, "以 {y} 元为限", "Limited to {y} yuan", y=yuan(maximum)))
    return Fraction(maximum)


def capped(
    benefit: Benefit, amount: Fraction, steps: list[Step], times: int, paid_before_fen: int
) -> Fraction:
    """The amount within what the term's cap leaves."""
    if benefit.cap_per_term_fen is None:
        return amount
    cap = benefit.cap_per_term_fen * times
    left = max(0, cap - paid_before_fen)
    if amount <= left:
        return amount
    steps.append(
        step(
            "cap-per-term",
            left,
            "本保障期累计限额 {cap} 元，已给付 {paid} 元，余 {y} 元",
            "The term's cap is {cap} yuan, {paid} yuan already paid: {y} yuan left",
            cap=yuan(cap),
            paid=yuan(paid_before_fen),
            y=yuan(left),
        )
    )
    return Fraction(left)
