"""What is written into a picture beside its pixels: properties as XMP, which all formats hold."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

# The namespace of each prefix. Another mark needs a line here, and its property in `properties`.
_SPACES = {"atelier": "https://atelier.invalid/ns/1.0/"}
_HEAD = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
_TAIL = "</rdf:Description></rdf:RDF></x:xmpmeta>"
_GIF_HEAD = b"!\xff\x0bXMP DataXMP"
# Readers that know nothing of XMP take the packet for blocks: wherever they land here, they find the end.
_GIF_TAIL = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"


def xmp_packet(properties: Mapping[str, str]) -> bytes:
    """Return an XMP packet with properties such as "atelier:recipe", in their order; b"" for none.

    Equal properties give equal bytes: nothing is dated, and no program is named.
    """
    if not properties:
        return b""
    prefixes = dict.fromkeys(name.partition(":")[0] for name in properties)
    spaces = "".join(f' xmlns:{prefix}="{_SPACES[prefix]}"' for prefix in prefixes)
    body = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in properties.items())
    return f'{_HEAD}<rdf:Description rdf:about=""{spaces}>{body}{_TAIL}'.encode()


def gif_block(packet: bytes) -> bytes:
    """Return the block of a GIF file that holds an XMP packet without null characters; b"" for none."""
    return _GIF_HEAD + packet + _GIF_TAIL if packet else b""
