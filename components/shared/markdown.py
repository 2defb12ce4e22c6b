"""Text of others in Markdown: file names, labels and URIs say what they say and do nothing."""

SPECIAL = "\\`*_{}[]<>|#!"


def plain(text: str) -> str:
    """Returns a text in one line, in which Markdown finds nothing of its own."""
    for character in SPECIAL:
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
