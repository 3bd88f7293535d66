"""What is written into a picture beside its pixels: properties as XMP, which all formats hold."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

# The namespace of each prefix. Another mark needs a line here, and its property in `properties`.
_SPACES = {
    "atelier": "https://atelier.invalid/ns/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
_SOURCE = "Iptc4xmpExt:DigitalSourceType"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_LISTS = {"dc:title": "Alt", "dc:description": "Alt", "dc:rights": "Alt", "dc:creator": "Seq"}
_HEAD = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
_TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"
_GIF_HEAD = b"!\xff\x0bXMP DataXMP"
# Readers that know nothing of XMP take the packet for blocks: wherever they land here, they find the end.
_GIF_TAIL = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"


def mark(*, is_generated: bool) -> dict[str, str]:
    """Return the property by which IPTC marks pictures made by machines: of nothing, or of a picture."""
    kind = "trainedAlgorithmicMedia" if is_generated else "compositeWithTrainedAlgorithmicMedia"
    return {_SOURCE: _SOURCE_TYPES + kind}


def xmp_packet(properties: Mapping[str, str], descriptions: str = "") -> bytes:
    """Return an XMP packet with properties such as "atelier:recipe", in their order; b"" for none.

    `descriptions` are elements of RDF as another packet had them, which come first. Equal properties give
    equal bytes: nothing is dated, and no program is named.
    """
    if not properties and not descriptions:
        return b""
    prefixes = dict.fromkeys(name.partition(":")[0] for name in properties)
    spaces = "".join(f' xmlns:{prefix}="{_SPACES[prefix]}"' for prefix in prefixes)
    body = "".join(f"<{name}>{_value(name, value)}</{name}>" for name, value in properties.items())
    return f'{_HEAD}{descriptions}<rdf:Description rdf:about=""{spaces}>{body}{_TAIL}'.encode()


def _value(name: str, text: str) -> str:
    kind = _LISTS.get(name)
    if kind is None:
        return escape(text)
    language = ' xml:lang="x-default"' if kind == "Alt" else ""
    return f"<rdf:{kind}><rdf:li{language}>{escape(text)}</rdf:li></rdf:{kind}>"


def gif_block(packet: bytes) -> bytes:
    """Return the block of a GIF file that holds an XMP packet without null characters; b"" for none."""
    return _GIF_HEAD + packet + _GIF_TAIL if packet else b""
