"""What a person wrote in a message: plain text without markup, hidden words, quoted mail and signature.

Also two questions about such a text that decide whether a machine may answer it at all: is it written in
English, and does it give orders to a machine. Both only ever send work to a person; nothing rests on them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from agents.prose import words
from agents.prose.clean import clean

_MARKUP = re.compile(
    r"\A\s*<(?:!doctype|html|head|body|div|p|table|span)\b[^<]*>|</(?:html|body|p|div|table|td|span|ul|a)>",
    re.I,
)
_QUOTED = re.compile(r"\s*>")
_DATED = re.compile(r"\b\d{4}\b.*\b\d{1,2}[:.]\d{2}\b|\b\d{1,2}[:.]\d{2}\b.*\b\d{4}\b", re.S)
_LABEL = re.compile(r"^[>* ]*[^\W\d_][\w .-]{0,20}[* ]?: ?[* ]?", re.M)
_RULE = re.compile(r"\s*(?:[-_]{2,}[^\n]*[-_]{2,}|_{10,})\s*\Z")
_FORWARD = re.compile(r"\s*(?:fwd?|wg|tr|rv|i|doorst|vs)\s*:", re.I)
_PASSED_ON = re.compile(r"\bforward|weitergeleitet|transf[ée]r|reenviad|inoltrat|doorgestuurd", re.I)
_POSTSCRIPT = re.compile(r"\?|^P\.? ?S\b")
_SAYS = re.compile(
    r"[?]|[.!]$|^P\.? ?S\b|(?:\S+ ){6}"
    r"|\b(?:invoice|order|ticket|error|account|version|rechnung|bestell|kunden)",
    re.I,
)
LONGEST_SIGNATURE = 12  # lines
LONGEST_LINE = 300  # characters in which a mark is looked for: its patterns are slow on long ones
LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "da", "sv", "cs", "pl", "ja", "ko", "zh"]
_ORDERS = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}"
    r"\b(?:previous|prior|above|earlier|your|all|any)\b"
    r"[^.!?\n]{0,40}\b(?:instruction|prompt|rule|polic|guideline|direction|order)\w*"
    r"|system prompt|developer mode|jailbreak|you are now (?:a|an|in|the|my)\b|act as (?:a|an|the|if you)\b"
    r"|pretend (?:to be|you are)|new instructions?\s*:"
    r"|(?:as|you are) an? (?:ai|language model|assistant|llm)\b"
    r"|(?:reveal|print|repeat|show)\b[^.!?\n]{0,30}\b(?:your|the) (?:\w+ )?(?:prompt|instructions)"
    r")|(?:^|\n)\s*(?:system|assistant|developer)\s*:|<\|[a-z_]+\|>|\[/?(?:INST|SYS)\]|</?(?:system|tool_call|function_calls?|material)\b",
    re.I,
)
# Words that nearly every English sentence has and that few other languages share.
_ENGLISH = frozenset([
    "the", "and", "is", "are", "was", "were", "be", "been", "you", "your", "we", "our", "they", "this",
    "that", "these", "those", "it", "its", "of", "to", "for", "with", "not", "have", "has", "had", "do",
    "does", "did", "can", "could", "would", "should", "will", "my", "me", "i'm", "i've", "it's", "don't",
    "can't", "what", "when", "where", "how", "why", "who", "which", "from", "but", "if", "there", "please",
    "hello", "hi", "thanks", "thank", "no", "yes", "get", "got", "need", "want", "like", "about", "after",
    "before", "on", "at",
])  # fmt: skip


def readable(text: str, limit: int = 20_000, subject: str = "") -> str:
    """The part of a message that its writer wrote, as text; at most `limit` characters. If the subject says
    that a message is passed on, that message belongs to it."""
    text = clean(text[: limit * 4], limit * 4)
    if _MARKUP.search(text):
        text = html_to_text(text)
    lines = "\n".join(" ".join(line.split()) for line in text.split("\n"))
    own = _own_words(re.sub(r"\n{3,}", "\n\n", lines), bool(_FORWARD.match(subject)))
    return re.sub(r"\n{3,}", "\n\n", own).strip()[:limit]


def html_to_text(html: str) -> str:
    """The words of an HTML mail that are seen, line by line."""
    from agents.prose import mail_html  # loads lxml

    return mail_html.html_to_text(html)


def _own_words(text: str, keeps_forwarded: bool) -> str:
    """A message without the mail quoted in it and the signature. mail-parser-reply finds where they begin, in
    its languages; what may as well be the writer's own words stays."""
    own = _unquoted(text.split("\n"))
    for found in _marks().HEADER_REGEX.finditer("\n".join(line[:LONGEST_LINE] for line in own)):
        number = found.string.count("\n", 0, found.start() + len(found[0]) - len(found[0].lstrip("\n")))
        before = _RULE.sub("", "\n".join(own[:number]))
        ruled = "\n".join(own[:number]).rstrip()[len(before) :]
        passed_on = keeps_forwarded or _PASSED_ON.search(ruled)
        if not passed_on and _is_header(found[0], ruled) and _says_something(before):
            own = before.split("\n")
            break
    return _unsigned("\n".join(own))


def _unquoted(lines: list[str]) -> list[str]:
    """Without `>` lines and the line before that says whose; what a writer introduces ("It said:") stays."""
    own: list[str] = []
    for place, line in enumerate(lines):
        if not _QUOTED.match(line):
            own.append(line)
            continue
        begins = not (place and _QUOTED.match(lines[place - 1]))
        if begins:
            said = [one for one in own[-6:] if one.strip()]
            tries = ((n, " ".join(said[-n:])) for n in (1, 2, 3, 1))
            named = next((n for turn, (n, one) in enumerate(tries) if _is_attribution(one, turn == 3)), 0)
            keeps = not named and bool(said) and said[-1].rstrip().endswith(":")
            while named:
                named -= bool(own.pop().strip())
        if keeps:
            own.append(line)
    return own if any(line.strip() for line in own) else lines


def _is_attribution(text: str, any_language: bool) -> bool:
    known = _marks().HEADER_REGEX.fullmatch(text[:LONGEST_LINE])
    return text.endswith(":") and bool(known or (any_language and ("@" in text or _DATED.search(text))))


def _is_header(header: str, ruled: str) -> bool:
    """Whether a quoted mail begins here. An attribution without a date or an address may be the writer's own
    sentence, and two lines with a colon may be their list."""
    labels = len(_LABEL.findall(header.strip()))
    if labels > 1:
        return labels > 3 or (labels == 3 and ("@" in header or bool(ruled.strip())))
    return "@" in header or bool(_DATED.search(header)) or header.lstrip().startswith("-----")


def _says_something(text: str) -> bool:
    """Whether there is more than a greeting."""
    return bool(text.strip()) and not re.fullmatch(r"\s*\w+(?: \w+){0,3}\s*[,!]\s*", text)


def _unsigned(text: str) -> str:
    """Without the signature: what follows its mark and holds no sentence of the writer's."""
    lines = text.split("\n")
    for place in range(max(1, len(lines) - 2 * LONGEST_SIGNATURE), len(lines)):
        tail = [line[:LONGEST_LINE] for line in lines[place:] if line]
        # a line end before it: the library takes no signature at the very beginning
        found = lines[place] and _marks().SIGNATURE_REGEX.match("\n" + "\n".join(tail) + "\n", 1)
        if found and any(lines[:place]) and _is_signature(tail[0], tail[1:]):
            return "\n".join(lines[:place])
    return text


def _is_signature(mark: str, tail: list[str]) -> bool:
    if set(mark) <= {"-", "_"}:  # the standard's own mark: nearly anything may follow
        return len(tail) <= LONGEST_SIGNATURE and not any(_POSTSCRIPT.search(line) for line in tail)
    names = all(word[:1].isupper() for word in mark.partition(",")[2].split())
    return names and mark[-1] not in ".?!:" and len(tail) <= 6 and not any(map(_SAYS.search, tail))


@cache
def _marks() -> Any:
    """What the library knows of quoted mail and signatures."""
    from mailparser_reply.parser import EmailMessage  # compiles many patterns

    return EmailMessage("", languages=LANGUAGES, keep_hyphen_lists=True)


def is_english(text: str) -> bool:
    """Whether a text reads as English. A handful of words is given the benefit of the doubt."""
    found = words.tokens(text)
    letters = [char for char in text if char.isalpha()]
    if letters and sum(char.isascii() for char in letters) / len(letters) < 0.9:
        return False
    plain = [word for word in found if word[0].isalpha()]
    return len(plain) < 6 or sum(word in _ENGLISH for word in plain) / len(plain) >= 0.12


def orders_a_machine(text: str) -> str:
    """The words with which a message tries to give orders to a machine; empty where it does not."""
    match = _ORDERS.search(text)
    return " ".join(match[0].split())[:120] if match else ""
