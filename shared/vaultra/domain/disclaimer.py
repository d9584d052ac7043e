"""What stands below everything an owner reads about scores, paths and lenders."""

DISCLAIMER = (
    "This is educational guidance from past data in Stripe. It is not financial, legal or tax advice, it is not a "
    "credit score, and it does not say what any lender will decide."
)
NOT_OFFERS = (
    "These are minimums that lenders have published, as we last read them. They are information, not offers, and no "
    "lender has said that it would lend. Lenders look at more than this, and change what they ask for."
)
