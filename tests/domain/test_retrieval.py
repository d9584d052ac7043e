"""Which passage comes first: rare words, meaning, and how they share the say."""

from vaultra.domain.knowledge import Passage
from vaultra.domain.retrieval import WordIndex, rank, stems


def passage(name: str, text: str) -> Passage:
    return Passage(name, name, "s", "Help", "Section", text, ())


PASSAGES = [
    passage("payouts", "A payout arrives at your bank two business days after the payment."),
    passage("disputes", "A dispute is when the bank takes the payment back for your customer."),
    passage("scores", "The score adds up points. A customer pays, a payment counts."),
]
INDEX = WordIndex(PASSAGES)
# In the order of the passages.
NEAR_SCORES = [0.1, 0.2, 0.6]


def ranked(question: str, similarities: list[float]) -> list[str]:
    return [hit.passage.id for hit in rank(PASSAGES, INDEX, question, similarities)]


def test_words_are_compared_without_their_endings_and_the_small_ones_not_at_all() -> None:
    assert stems("How are my disputes counted?") == stems("a dispute, count")
    assert stems("Stripe's policies") == stems("stripe policy")
    assert len({*stems("charge charges charged charging")}) == 1
    assert stems("business loss fees") == stems("business loss fee") != stems("busines los fe")


def test_the_rare_word_decides_among_words() -> None:
    scores = INDEX.scores("a payment dispute")
    assert max(range(3), key=scores.__getitem__) == 1
    assert INDEX.scores("zebra") == [0.0, 0.0, 0.0]


def test_coverage_is_the_share_of_the_question_that_a_passage_has() -> None:
    assert INDEX.coverage("dispute") == [0.0, 1.0, 0.0]
    assert 0 < INDEX.coverage("zebra dispute")[1] < 0.6
    assert INDEX.coverage("is it") == [0.0, 0.0, 0.0]


def test_a_question_in_other_words_is_left_to_meaning() -> None:
    assert ranked("how does the number come about", NEAR_SCORES)[0] == "scores"


def test_words_that_fit_outweigh_a_slight_nearness() -> None:
    assert ranked("dispute bank customer", [0.30, 0.31, 0.32])[0] == "disputes"


def test_without_vectors_the_words_decide_alone() -> None:
    assert ranked("when does a payout arrive", [])[0] == "payouts"


def test_equals_stand_in_one_order() -> None:
    assert ranked("zebra", [0.0, 0.0, 0.0]) == ["disputes", "payouts", "scores"]
    assert rank([], WordIndex([]), "anything", []) == []
