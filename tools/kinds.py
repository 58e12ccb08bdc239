"""What a file that is not text is, told by how it begins."""

from __future__ import annotations

_MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x7fELF", "ELF executable or library"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG image"),
    (0, b"\xff\xd8\xff", "JPEG image"),
    (0, b"GIF87a", "GIF image"),
    (0, b"GIF89a", "GIF image"),
    (8, b"WEBP", "WebP image"),
    (0, b"II*\0", "TIFF image"),
    (0, b"MM\0*", "TIFF image"),
    (0, b"\0\0\x01\0", "icon"),
    (0, b"%PDF-", "PDF document"),
    (0, b"SQLite format 3\0", "SQLite database"),
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"BZh", "bzip2 data"),
    (0, b"\xfd7zXZ\0", "xz data"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (0, b"PK\x03\x04", "zip archive (or what is built on one: wheel, jar, docx …)"),
    (0, b"PK\x05\x06", "zip archive, empty"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (257, b"ustar", "tar archive"),
    (0, b"!<arch>\n", "ar archive or static library"),
    (0, b"\0asm", "WebAssembly module"),
    (0, b"\xca\xfe\xba\xbe", "Java class or Mach-O file"),
    (0, b"\xcf\xfa\xed\xfe", "Mach-O file"),
    (0, b"MZ", "Windows executable"),
    (0, b"wOFF", "WOFF font"),
    (0, b"wOF2", "WOFF2 font"),
    (0, b"\0\x01\0\0\0", "TrueType font"),
    (0, b"OTTO", "OpenType font"),
    (0, b"ID3", "MP3 audio"),
    (0, b"OggS", "Ogg audio or video"),
    (0, b"fLaC", "FLAC audio"),
    (8, b"WAVE", "WAV audio"),
    (4, b"ftyp", "MP4 audio or video"),
    (0, b"\x1aE\xdf\xa3", "Matroska video"),
    (0, b"PAR1", "Parquet data"),
    (0, b"PACK", "git pack"),
    (0, b"DIRC", "git index"),
)
_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32 text (little-endian)"),
    (b"\0\0\xfe\xff", "UTF-32 text (big-endian)"),
    (b"\xff\xfe", "UTF-16 text (little-endian)"),
    (b"\xfe\xff", "UTF-16 text (big-endian)"),
)
_LOOKED_AT = 8192


def binary_kind(data: bytes) -> str | None:
    """What kind of binary ``data`` (a file's beginning will do) is; None for text in UTF-8 or near it."""
    head = data[:_LOOKED_AT]
    for mark, kind in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return kind
    binary = b"\0" in head or not _mostly_text(head)
    for offset, mark, kind in _MARKS:
        # A mark of letters alone may also begin a text.
        if head.startswith(mark, offset) and (binary or mark == b"%PDF-"):
            return kind
    return "binary data" if binary else None


def _mostly_text(head: bytes) -> bool:
    """Few control characters: text in some 8-bit code has none but tabs, line ends, form feeds and escapes."""
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\v\b\x1b" for byte in head)
    return controls * 20 <= len(head)
