"""Whether a text is a unit: products and quotients of symbols such as mmol/L, g L-1, °C, W/(m^2 K) and %."""

import re

_WITH_PREFIX = (
    "m|g|s|A|K|mol|Hz|N|Nm|Pa|J|W|C|V|F|Ω|ohm|S|T|L|l|M|bar|eV|Da|U|IU|Ah|Wh|VA|cal|kat|Bq|Gy|Sv|Osm|osmol|Eq|eq"
)
# Not the tonne: behind a name, t is the time.
_ALONE = (
    "h|hrs?|hours?|min|minutes?|sec|seconds?|d|days?|weeks?|months?|yr|years?|cm|dm|d[lL]|c[lL]|hPa|dB|ha|Å|atm|[tT]orr|"
    "mmHg|psi|rpm|RPM|gal|lbs?|ft|inch|mph|°[CF]?|deg[CF]?|rad|%|‰|pp[mbt]|cells?|[cC][fF][uU]|[pP][fF][uU]|[aA][uU]|R[FL]U|"
    "counts?|ind|individuals|C?DW|[vV]olts?|[aA]mp(?:ere)?s?|[oO]hms?|[kK]elvin|[cC]elsius|[wW]atts?|[pP]ascals?|per"
)
_POWER = r"(?:\^[-\u2212]?\d|[-\u2212]\d|[²³]|⁻[¹²³])?"
_SYMBOL = re.compile(rf"[kcdmµμun]?m[23]|s[23]|(?:(?:{_ALONE})|[kMGTmµμunpf]?(?:{_WITH_PREFIX})){_POWER}")
_FACTOR = re.compile(r"1|10(\^\d+|[⁰-⁹²³]+)|1e\d+")  # of 1/h, and of 10^6 cells/mL
_BETWEEN = re.compile(r"[ *·⋅./()]+")


def is_unit(text: str) -> bool:
    """Whether this is a unit that laboratories and engineers use."""
    parts = [part for part in _BETWEEN.split(text) if part and not _FACTOR.fullmatch(part)]
    return text == "a.u." or (bool(parts) and all(map(_SYMBOL.fullmatch, parts)))
