"""Riders who do not exist: names, valid numbers and papers made up on the spot."""

import io
import secrets
from dataclasses import dataclass
from datetime import date, timedelta

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
SIGNS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


@dataclass(frozen=True, slots=True)
class Rider:
    """A made-up rider; `phone` is E.164, `number` a valid resident ID."""

    name: str
    number: str
    phone: str
    address: str


def make_rider() -> Rider:
    """A fresh rider that the identity vendor's simulator passes."""
    pick = secrets.randbelow
    born = date(1970, 1, 1) + timedelta(days=pick(365 * 30))
    # Sequences from 900 on choose the simulator's failures.
    body = f"500103{born:%Y%m%d}{pick(900):03d}"
    remainder = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11
    return Rider(
        name="测试" + "".join(SIGNS[pick(len(SIGNS))] for _ in range(2)),
        number=body + CHECK_CHARACTERS[remainder],
        phone=f"+86138{pick(10**8):08d}",
        address=f"10.{pick(256)}.{pick(256)}.{1 + pick(254)}",
    )


def make_paper(words: str) -> bytes:
    """A photographed paper: a JPEG with a few words and enough noise to be one of a kind."""
    from PIL import Image, ImageDraw

    image = Image.effect_noise((640, 480), 24).convert("RGB")
    ImageDraw.Draw(image).text((40, 40), f"{words} {secrets.token_hex(8)}", fill=(180, 0, 0))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    return file.getvalue()
