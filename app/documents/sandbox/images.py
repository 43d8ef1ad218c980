"""Photographs: decoded, turned upright, and written anew without anything that was hidden."""

import io
import warnings
from typing import Any

import pillow_heif
from PIL import Image, ImageFile, ImageOps

from app.documents.sandbox.likeness import perceptual_hash
from app.documents.sandbox.refusals import Refused

# filetype's word → the only Pillow decoder that may touch the bytes.
MEDIA_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
}
# What fits the child's 256 MB: a JPEG is decoded at reduced size, the others need every
# pixel at once (WebP three times over).
MAX_PIXELS = {"JPEG": 110_000_000, "PNG": 16_500_000, "WEBP": 8_500_000, "HEIF": 13_000_000}
MAX_DECODED_PIXELS = 13_000_000
MAX_SIDE = 20_000
MIN_SIDE = 16
STORED_SIDE = 3_200
THUMBNAIL_SIDE = 320

pillow_heif.register_heif_opener(thumbnails=False)
pillow_heif.options.DECODE_THREADS = 1
ImageFile.LOAD_TRUNCATED_IMAGES = False
# Our own limit is checked on the header, before a pixel is decoded.
Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")


def prove_image(content: bytes, media_type: str) -> dict[str, Any]:
    """JPEG bytes without metadata, a thumbnail and a 64-bit likeness hash; raises Refused."""
    name = MEDIA_FORMATS[media_type]
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=[name])
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("damaged") from error
    _refuse_size(image, name)
    if getattr(image, "n_frames", 1) > 1 and name in ("PNG", "WEBP"):
        raise Refused("animated")
    _shrink_on_load(image)
    try:
        image.load()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("damaged") from error
    upright = _upright(image)
    small = upright.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return {
        "media_type": "image/jpeg",
        "original_media_type": media_type,
        "content": _jpeg(upright, quality=85),
        "thumbnail": _jpeg(small, quality=70),
        "pages": 1,
        "width": upright.width,
        "height": upright.height,
        "perceptual_hash": perceptual_hash(small),
    }


def _refuse_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS[name] or max(image.size) > MAX_SIDE:
        raise Refused("too-many-pixels")
    if min(image.size) < MIN_SIDE:
        raise Refused("too-small")


def _shrink_on_load(image: Image.Image) -> None:
    """Let the JPEG decoder itself halve a large photograph, once or twice."""
    scale = 1
    while image.width * image.height > MAX_DECODED_PIXELS * scale * scale:
        scale *= 2
    image.draft("RGB", (image.width // scale, image.height // scale))


def _upright(image: Image.Image) -> Image.Image:
    """RGB on white, within the stored size, rotated as the camera meant it."""
    orientation = image.getexif().get(0x0112, 1)
    if max(image.size) > STORED_SIDE:
        image.thumbnail((STORED_SIDE, STORED_SIDE), reducing_gap=2.0)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.new("RGB", over.size, "white")
        image.paste(over, mask=over.getchannel("A"))
    elif image.mode != "RGB":
        image = image.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info = {"exif": exif.tobytes()}
    upright = ImageOps.exif_transpose(image)
    upright.info = {}
    return upright


def _jpeg(image: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", quality=quality)
    return target.getvalue()
