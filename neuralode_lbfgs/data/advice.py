"""What to do about a cell that is no number, where its form tells."""

import re

_LIMIT = "it is a limit: leave the cell blank, or write the value that you take it for"
THOUSANDS = r"[-+]?\d{1,3}([,. '’\u00a0\u202f])\d{3}(\1\d{3})*([.,]\d+)?"
# What to do about cells of these forms.
_FORMS = {
    r"[<>≤≥]\s*[\d.,]+": _LIMIT,
    r"[<>≤≥]?\s*(b?l?loq|bloq|blq|bql|bdl|l?lod|n\.?d\.?)": _LIMIT,
    THOUSANDS: "write it without a mark between the thousands",
    r"[-+]?[\d.,]+\s*([*†‡§]+|\([a-z*]\))": "write the number alone, without the mark behind it",
    r"[-+]?[\d.,]+\s*(±|\+/-|\+-)\s*[\d.,]+": "write the deviation into a column of its own, and name it with "
    "--sd-columns (sd_columns= in Python)",
    r"true|false|on|off|yes|no": "only a column of such words, or with 1 and 0, says what is on: leave the cell blank",
    r"#(div/0|value|ref|num|name\?|null)!?": "it is the error of a formula: mend it or leave the cell blank",
    r"ov(e?r|rflw|erload|ld)|over ?(range|flow)|sat(urated)?|tntc": "the sensor ended there: leave the cell blank",
}


def advice_on(text: str, name: str, header: str, advice: str) -> str:
    """What to do about a cell that is no number, where its form tells; else the advice on all of them.

    Args:
        name, header: of its column.
    """
    text = text.strip()
    if text in (name, header):
        return "the header comes again here: if a new run begins, leave it out and give each run a name in a column"
    for form, what in _FORMS.items():
        if re.fullmatch(form, text, re.IGNORECASE):
            return what
    if unit := re.fullmatch(r"[-+]?[\d.,]+\s*((?:[^\W\d_]|[%°])\S*)", text):
        return f"write a unit in the header, as {name} [{unit[1]}], or {advice}"
    return advice
