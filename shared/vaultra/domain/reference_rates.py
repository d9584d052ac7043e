"""What a unit of each currency is taken to be worth in US dollars when the size of a business is judged."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

from vaultra.domain.money import exponent

# Mid-market rates of this day, rounded to three significant digits. The table belongs to the formula's version:
# the same sales must give the same points all year, so it changes only together with it.
USD_REFERENCE_ON = dt.date(2025, 6, 30)
RATES = """
    usd=1 eur=1.18 gbp=1.37 chf=1.26 sek=0.105 nok=0.0990 dkk=0.158 pln=0.277 czk=0.0476 huf=0.00295 ron=0.232
    bgn=0.602 isk=0.00825 cad=0.733 aud=0.658 nzd=0.609 jpy=0.00694 krw=0.000739 cny=0.140 hkd=0.127 twd=0.0342
    sgd=0.787 myr=0.237 thb=0.0308 php=0.0178 idr=0.0000616 vnd=0.0000383 inr=0.0117 aed=0.272 sar=0.267 qar=0.275
    kwd=3.27 bhd=2.65 omr=2.60 jod=1.41 tnd=0.345 ils=0.297 try=0.0251 zar=0.0565 mxn=0.0532 brl=0.184 clp=0.00107
    cop=0.000246 pen=0.282
"""
USD_REFERENCE = {currency: Decimal(rate) for currency, rate in (pair.split("=") for pair in RATES.split())}


CENTS_PER_MINOR = {
    currency: Fraction(rate) * Fraction(10) ** (2 - exponent(currency)) for currency, rate in USD_REFERENCE.items()
}


def usd_cents(minor: Fraction, currency: str) -> Fraction | None:
    """The amount in US cents by the reference table; None for a currency that is not in it."""
    cents = CENTS_PER_MINOR.get(currency)
    return minor if cents == 1 else None if cents is None else minor * cents
