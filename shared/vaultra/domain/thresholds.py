"""Every threshold of the score, with its reason. Sentences that quote one are built from it."""

from fractions import Fraction

# The seed formula's own.
STEADY_VOLATILITY = Fraction(20, 100)
ERRATIC_VOLATILITY = Fraction(50, 100)
LOW_CHARGEBACKS = Fraction(5, 1000)
HIGH_CHARGEBACKS = Fraction(2, 100)
RELIABLE_PAYOUTS = Fraction(95, 100)
UNRELIABLE_PAYOUTS = Fraction(80, 100)
# Stripe Capital asks for three months of history, a cautious lender such as Clearco for twelve; six is half-way.
LEAST_RECORD = 3
HALF_YEAR_RECORD = 6
FULL_YEAR_RECORD = 12
# Stripe Capital asks for 1,000 a month, Clearco for more than 10,000 (US dollars, in cents here).
LEAST_MONTHLY_USD_CENTS = 1_000_00
GOOD_MONTHLY_USD_CENTS = 10_000_00
# Lenders accept "limited periods of zero volume": a fortnight is a holiday, a month is a stop.
STEADY_WEEKS = Fraction(95, 100)
PATCHY_WEEKS = Fraction(80, 100)
HOLIDAY_DAYS = 14
STOP_DAYS = 30
LEAST_WEEKS = 12
# The usual concentration limits in lending contracts: 20 % and 25 %; above half, one customer is the business.
SPREAD_SHARE = Fraction(20, 100)
TOLERATED_SHARE = Fraction(25, 100)
DEPENDENT_SHARE = Fraction(50, 100)
LEAST_IDENTIFIED = Fraction(80, 100)
LEAST_PAYERS = 5
# Card businesses refund 1–3 %; above 5 % is high, and above 10 % a processor reviews the account.
USUAL_REFUNDS = Fraction(3, 100)
HIGH_REFUNDS = Fraction(5, 100)
REVIEWED_REFUNDS = Fraction(10, 100)
LEAST_REFUND_CHARGES = 50
# Half of the revenue coming back by itself is what makes it durable; small businesses lose 3–5 % of their
# subscribers a month, and more than 7 % is poor.
DURABLE_SHARE = Fraction(50, 100)
USUAL_CHURN = Fraction(5, 100)
POOR_CHURN = Fraction(7, 100)
# Visa's VAMP starts at 0.5 % with five events and is excessive at 1.5 % since 1 April 2026; Mastercard's ECM starts
# at 1.5 %; Stripe calls dispute activity above 0.75 % excessive.
VAMP_START = Fraction(5, 1000)
EXCESSIVE_ACTIVITY = Fraction(75, 10000)
EXCESSIVE_NETWORK = Fraction(15, 1000)
LEAST_EVENTS = 5
LEAST_NETWORK_CHARGES = 200
PRESSURE_BUCKETS = 3
# One bad day happens; four negative days in ninety disqualify with short-term lenders.
MANY_NEGATIVE_DAYS = 4
