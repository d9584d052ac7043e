"""A second, independent reading of the scoring rules, against which the product's answers are checked."""
