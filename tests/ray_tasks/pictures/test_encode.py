from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from ray_tasks.pictures.encode import encode_jpeg
from schemas.vocabulary import COMPOSITE_SYNTHETIC, COMPOSITE_TRAINED

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"


def picture() -> np.ndarray:
    y, x = np.mgrid[0:96, 0:128]
    return np.dstack([x * 2, y * 2, 255 - x]).astype(np.uint8)


def test_pixels_come_back_close_and_in_the_right_channel_order() -> None:
    data = encode_jpeg(picture(), alt_text="A mug", quality=92)
    decoded = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.abs(decoded - picture()).mean() < 3


def test_xmp_says_how_it_was_made_and_what_it_shows() -> None:
    alt = 'Kaffee & Tasse <heiß> "gut" 漢字'
    data = encode_jpeg(picture(), alt_text=alt, digital_source_type=COMPOSITE_TRAINED, language="de")
    info = Image.open(io.BytesIO(data)).info
    packet = info["xmp"].decode()
    root = ElementTree.fromstring(packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")])
    assert root.findtext(f".//{EXT}DigitalSourceType") == COMPOSITE_TRAINED
    items = root.findall(f".//{CORE}AltTextAccessibility/{RDF}Alt/{RDF}li")
    assert [item.text for item in items] == [alt, alt]
    assert info["jfif"] == 257


def test_same_bytes_again() -> None:
    assert encode_jpeg(picture(), alt_text="x") == encode_jpeg(picture(), alt_text="x")
    assert COMPOSITE_SYNTHETIC.encode() in encode_jpeg(picture(), alt_text="x")


def test_other_arrays_and_endless_text_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        encode_jpeg(picture().astype(np.float32), alt_text="x")
    with pytest.raises(ValueError, match="segment"):
        encode_jpeg(picture(), alt_text="x" * 70000)
