"""Bytes become the text that was meant, and what had to be guessed is said."""

import pytest

from agents.prose.encoding import decode

COUNT = "The café paid “€40” for 5–8 minutes."
LONG = {
    "shift_jis": "東京の倉庫は五月に四百十五箱を数えました。数えるのに九時間かかりました。",
    "euc-jp": "東京の倉庫は五月に四百十五箱を数えました。数えるのに九時間かかりました。",
    "gb18030": "北京的仓库在五月份清点了四百一十五个箱子。清点花了九个小时。",
    "big5": "台北的倉庫在五月份清點了四百一十五個箱子。清點花了九個小時。",
    "cp949": "서울 창고는 오월에 상자 415개를 세었다. 세는 데 아홉 시간이 걸렸다.",
    "koi8-r": "Склад в Твери насчитал 415 ящиков в мае. Подсчёт занял девять часов.",
    "windows-1251": "Склад в Твери насчитал 415 ящиков в мае. Подсчёт занял девять часов.",
    "windows-1253": "Η αποθήκη μέτρησε 415 κιβώτια τον Μάιο. Η καταμέτρηση διήρκεσε εννέα ώρες.",
    "windows-1255": "המחסן ספר 415 ארגזים במאי. הספירה ארכה תשע שעות.",
    "windows-1252": "Das Lager in Köln zählte 415 Kisten, das dauerte 5–8 Stunden und kostete €40.",
    "windows-1250": "Magazyn w Łodzi zliczył 415 skrzyń w maju. Liczenie zajęło dziewięć godzin.",
    "macintosh": "Le dépôt a compté 415 caisses en mai. Le comptage a été long – “5–8 heures”.",
    "cp850": "Le dépôt a compté 415 caisses en mai. Le comptage a été très long.",
}
PYTHON = {"macintosh": "mac_roman", "windows-1250": "cp1250"}


@pytest.mark.parametrize("charset", LONG)
def test_a_charset_that_nobody_declared_is_found_and_said_to_be_a_guess(charset):
    found = decode(LONG[charset].encode(PYTHON.get(charset, charset)))
    assert (found.text, found.charset) == (LONG[charset], charset)
    assert f"read as {charset}, a guess" in found.doubt


@pytest.mark.parametrize("charset", LONG)
def test_a_declared_charset_leaves_no_doubt(charset):
    found = decode(LONG[charset].encode(PYTHON.get(charset, charset)), charset)
    assert (found.text, found.doubt) == (LONG[charset], "")


@pytest.mark.parametrize("label", ["iso-8859-1", "latin1", "us-ascii", "ISO-8859-1 ", '"windows-1252"'])
def test_labels_mean_what_they_mean_on_the_web(label):
    assert decode(COUNT.encode("cp1252"), label).text == COUNT


@pytest.mark.parametrize(
    "codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8"], ids=lambda name: name
)
def test_unicode_is_read_with_its_mark_and_without(codec):
    found = decode(COUNT.encode(codec))
    assert (found.text, found.doubt) == (COUNT, "")


@pytest.mark.parametrize("mark, codec", [(b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")])
def test_a_mark_decides_whatever_was_declared(mark, codec):
    assert decode(mark + COUNT.encode(codec), "iso-8859-1").text == COUNT


@pytest.mark.parametrize(
    "markup",
    [
        "<html><meta charset=windows-1252>{}",
        "<html><meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1'>{}",
        '<?xml version="1.0" encoding="windows-1252"?><p>{}</p>',
        "<!-- <meta charset=koi8-r> --><meta charset='cp1252'>{}",
    ],
)
def test_a_charset_that_stands_inside_is_obeyed(markup):
    text = markup.format(COUNT)
    found = decode(text.encode("cp1252"))
    assert (found.text, found.doubt) == (text, "")


def test_valid_utf8_is_utf8_whatever_single_byte_charset_a_server_adds_to_everything():
    assert decode(COUNT.encode(), "iso-8859-1").text == COUNT


def test_a_declared_charset_that_cannot_be_true_is_said():
    found = decode(COUNT.encode("cp1252"), "utf-8")
    assert found.text == COUNT
    assert "declared as utf-8, which it is not" in found.doubt


def test_a_label_that_nobody_knows_counts_as_none():
    assert decode(COUNT.encode("cp1252"), "x-unknown", "", None, "unicode_escape", "utf-7").text == COUNT


def test_a_broken_byte_among_good_ones_is_replaced_and_counted():
    found = decode("café – ".encode() + b"\xff" + " naïve – 5".encode())
    assert found.text == "café – \ufffd naïve – 5"
    assert found.doubt == "1 character could not be read."


def test_only_a_text_that_was_cut_loses_the_start_of_its_last_character():
    raw = "café – café – é".encode()[:-1]
    assert decode(raw, cut=True).text == "café – café – "
    assert decode(raw).text == "café – café – \ufffd"
    assert decode(b"by Andr\xe9").text == "by André"


@pytest.mark.parametrize("first", ["cp1252", "latin-1"])
def test_a_text_that_was_encoded_twice_is_read_as_meant_and_that_is_said(first):
    found = decode("café – naïve".encode().decode(first).encode())
    assert found.text == "café – naïve"
    assert "encoded twice" in found.doubt


def test_a_part_that_was_encoded_twice_stays_as_it_is_and_is_said():
    found = decode("cafÃ© in Łódź".encode())
    assert found.text == "cafÃ© in Łódź"
    assert "Parts of it" in found.doubt


def test_a_nul_is_said():
    assert decode(b"By two fitters.\0").doubt == "1 NUL character was left out."
