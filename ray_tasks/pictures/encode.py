"""JPEG bytes with XMP: how the picture was made (IPTC digital source type) and its alternative text."""

from __future__ import annotations

import struct
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np

from schemas.vocabulary import COMPOSITE_SYNTHETIC

_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
_MAX_SEGMENT_BYTES = 65533


def xmp_packet(alt_text: str, digital_source_type: str, language: str = "x-default") -> bytes:
    """An XMP packet (ISO 16684-1) with the two properties of IPTC Photo Metadata 2023.1, in UTF-8."""
    clean = "".join(ch for ch in alt_text if ch in "\t\n" or ord(ch) >= 32)
    item = f"<rdf:li xml:lang={quoteattr('x-default')}>{escape(clean)}</rdf:li>"
    if language != "x-default":
        item += f"<rdf:li xml:lang={quoteattr(language)}>{escape(clean)}</rdf:li>"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/">'
        f"<Iptc4xmpExt:DigitalSourceType>{escape(digital_source_type)}</Iptc4xmpExt:DigitalSourceType>"
        f"<Iptc4xmpCore:AltTextAccessibility><rdf:Alt>{item}</rdf:Alt></Iptc4xmpCore:AltTextAccessibility>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


def encode_jpeg(
    rgb: np.ndarray,
    *,
    alt_text: str,
    digital_source_type: str = COMPOSITE_SYNTHETIC,
    quality: int = 88,
    language: str = "x-default",
) -> bytes:
    """JPEG bytes of an (H, W, 3) uint8 sRGB picture; the same arguments give the same bytes.

    Colour is not subsampled (4:4:4), so that coloured letters keep their edges. The XMP packet stands in an APP1
    segment right after JFIF's APP0 (XMP part 3, section 1.1.3). Raises ValueError for other arrays or a text that
    does not fit into one segment.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, buffer = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError("the JPEG encoder refused the picture")
    data = buffer.tobytes()
    payload = _XMP_HEADER + xmp_packet(alt_text, digital_source_type, language)
    if len(payload) > _MAX_SEGMENT_BYTES:
        raise ValueError(f"alt text of {len(alt_text)} characters does not fit into one XMP segment")
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    at = 2
    if data[2:4] == b"\xff\xe0":
        at += 2 + int(struct.unpack(">H", data[4:6])[0])
    return data[:at] + segment + data[at:]


def decode_rgba(data: bytes, name: str) -> np.ndarray:
    """(h, w, 4) uint8, straight alpha: a stored cut-out. Raises ValueError that names it when it has no alpha."""
    bgra = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4:
        raise ValueError(f"cut-out {name} is not an RGBA picture")
    return cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA)
