"""Checking what a sentence says without a number: which way things went, how good they are, and if there are any."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vaultra.agent import judgement_words as words
from vaultra.agent.faults import Fault
from vaultra.agent.sentence_parts import CONCENTRATION, Part, parts, value_of
from vaultra.agent.share_checks import share_faults
from vaultra.agent.standings import LESS_IS_BETTER, Effect, Standings, Way
from vaultra.agent.status_checks import says_where_it_is
from vaultra.domain.readiness import RULES, TIERS
from vaultra.domain.subjects import SCORE

# `Improving` with a capital letter is a tier, and no way.
_TIERS = tuple(tier.label for tier in TIERS)
_RULES = frozenset(rule.key for rule in RULES)
# Of these there may be none.
_COUNTED = LESS_IS_BETTER - {CONCENTRATION}
_EFFECTS = frozenset[Effect]({"helps", "hurts", "neutral"})
_STEADINESS = "revenue_volatility"
_OWN_BUSINESS = re.compile(
    r"\b(?:your (?:business|shop|store|company|numbers)|you) (?:is|are|has|have|looks?|keeps?)\b", re.I
)
_TOLD = re.compile(r"\d")


def judgement_faults(sentence: str, standings: Standings, context: str) -> Iterator[Fault]:
    """What a sentence says of the business where the tools say otherwise; what no tool spoke of is let pass.

    Args:
        context: What was said before it, or asked: what `it` stands for.
    """
    for label in _TIERS:
        sentence = sentence.replace(label, " " * len(label))
    if sentence.rstrip().endswith("?") or words.ADVISES.search(sentence):
        return
    supposes = words.SUPPOSED.search(sentence) is not None
    for part in parts(sentence, context):
        supposed = words.SUPPOSED.search(part.text) or (supposes and words.SUPPOSES.search(part.text))
        if supposed or (words.OF_OTHERS.search(part.text) and not _is_own(part.text)):
            continue
        for check in (_ways, _most, _goodness, _presence, share_faults, _measured):
            yield from check(part, standings)


def is_borne_out(sentence: str, standings: Standings, context: str) -> bool:
    """Whether a sentence without numbers says something of the business that the tools bear out, or nothing of it."""
    if says_where_it_is(sentence):
        return True  # it is checked by its tier
    if sentence.rstrip().endswith("?") or words.ADVISES.search(sentence) or words.SUPPOSED.search(sentence):
        return True
    if words.EXPLAINS.search(sentence) or (words.OF_OTHERS.search(sentence) and not _is_own(sentence)):
        return True
    found = list(parts(sentence, context))
    if not any(start >= 0 for part in found for start, *_ in part.names) and not _OWN_BUSINESS.search(sentence):
        return True
    return any(_is_known(part, standings) for part in found)


def _is_known(part: Part, standings: Standings) -> bool:
    """Whether a part says something that can be compared with what the tools told."""
    text = part.text
    ways = [*words.WAYS.values(), *words.MORE.values(), words.BETTER, words.WORSE, words.STABLE]
    for match in (match for pattern in ways for match in pattern.finditer(text)):
        if part.spoken_of(match, standings, lambda one: bool(one.ways) or one.effect == "not_measured"):
            return True
    judged = [match for match, *_ in _judged(text)] + [
        match
        for pattern in (words.MOST_HURTING, words.MOST_HELPING, words.MOST_TO_GAIN, words.NOT_MEASURED)
        for match in pattern.finditer(text)
    ]
    if any(part.spoken_of(match, standings, lambda one: one.effect is not None) for match in judged):
        return True
    present = (
        words.NONE_OF,
        words.NEVER,
        words.SOME_OF,
        words.THERE_ARE,
        words.ALL_OF,
        words.MOST_OF,
        words.LESS_THAN_HALF,
    )
    counted = any(value_of(standings, key) is not None for *_, keys in part.names for key in keys)
    return counted and any(pattern.search(text) for pattern in (*present, words.IN_TIME, words.FAILS, words.ONE_OF))


def _ways(part: Part, standings: Standings) -> Iterator[Fault]:
    """Which way something went."""
    plain = [*words.WAYS.items(), *(words.MORE.items() if part.compares else ())]
    said = [(match, way, False) for way, pattern in plain for match in pattern.finditer(part.text)]
    said += [(match, "up", True) for match in words.BETTER.finditer(part.text)]
    said += [(match, "down", True) for match in words.WORSE.finditer(part.text)]
    for match, way, judges in said:
        found = part.spoken_of(match, standings, lambda one: bool(one.ways) or one.effect == "not_measured")
        if found is None:
            continue
        key, standing = found
        if words.WAS.search(part.text[: match.start()]):
            if standing.was not in (None, way):
                yield Fault("direction", match[0], "The tools told that it went another way then.")
            continue
        went = _turned(way) if judges and key in LESS_IS_BETTER else way
        negated = way != "level" and _is_negated(part.text, match)
        if (went in standing.ways) is negated or not standing.ways:
            yield Fault("direction", match[0], "The tools told that it went another way.")
    stable = words.STABLE.search(part.text)
    found = stable and part.spoken_of(stable, standings, lambda one: bool(one.ways))
    if stable and found and found[0] == SCORE and "level" not in found[1].ways:
        yield Fault("direction", stable[0], "The tools told that the score moved.")


def _most(part: Part, standings: Standings) -> Iterator[Fault]:
    """What takes or gives most points, and what has most to gain."""
    rules = [one for key, one in standings.items() if key in _RULES and one.points is not None]
    points, gains = [one.points or 0 for one in rules], [one.gain or 0 for one in rules]
    for pattern, extreme, is_gain in (
        (words.MOST_HURTING, min(points, default=0), False),
        (words.MOST_HELPING, max(points, default=0), False),
        (words.MOST_TO_GAIN, max(gains, default=0), True),
    ):
        match = pattern.search(part.text)
        found = match and part.spoken_of(match, standings, lambda one: one.points is not None)
        if match and found and (found[1].gain if is_gain else found[1].points) != extreme:
            yield Fault("judgement", match[0], "The tools told that another part of the score does so.")


def _goodness(part: Part, standings: Standings) -> Iterator[Fault]:
    """Whether something is good, bad, much or little."""
    for match, of_more, of_less in _judged(part.text):
        found = part.spoken_of(match, standings, lambda one: one.effect is not None)
        is_steady = words.STEADY.fullmatch(match[0]) is not None
        if is_steady and (found is None or found[0] != _STEADINESS):
            found = (_STEADINESS, standings[_STEADINESS]) if found is None and _STEADINESS in standings else None
        if found is None:
            continue
        key, standing = found
        true_of = of_less if key in LESS_IS_BETTER else of_more
        if _is_negated(part.text, match):
            true_of = _EFFECTS - true_of
        if standing.effect not in true_of:
            yield Fault("judgement", match[0], "The tools told otherwise of it, or that it is not measured.")


def _judged(text: str) -> Iterator[tuple[re.Match[str], frozenset[Effect], frozenset[Effect]]]:
    """The words of a text that judge, and of which effects they are true: where more is better, and where less is."""
    for pattern, effects in words.JUDGEMENTS:
        for match in pattern.finditer(text):
            yield match, effects, effects
    if not any(pattern.search(text) for pattern in (*words.SHARES, _TOLD)):
        for match in words.IN_TIME.finditer(text):
            yield match, words.HELPS, words.HELPS
    for match in words.MUCH.finditer(text):
        yield match, words.NOT_BAD, words.NOT_GOOD
    for match in words.LITTLE.finditer(text):
        yield match, words.NOT_GOOD, words.NOT_BAD
    for match in words.STEADY.finditer(text):
        yield match, words.HELPS, words.HELPS


def _presence(part: Part, standings: Standings) -> Iterator[Fault]:
    """Whether there are any at all."""
    for start, end, keys in part.names:
        counted = [
            key
            for key in keys
            if key in LESS_IS_BETTER and key != CONCENTRATION and value_of(standings, key) is not None
        ]
        if start < 0 or not counted or words.OF_SO_MANY.match(part.text, end):
            continue
        key, value = counted[0], value_of(standings, counted[0])
        assert value is not None
        in_front = part.text[:start]
        none, never = words.NONE_OF.search(in_front), words.NEVER.search(part.text)
        if none and none[0].lower() == "none of":
            continue  # what became of them is said, not whether there were any
        if (none or never) and value:
            yield Fault("judgement", part.text.strip(), "The tools told that there were some.")
        elif never and not words.WITHIN_DAYS.search(part.text):
            yield Fault("judgement", part.text.strip(), "The tools look at some days only: say which.")
        elif (
            not none
            and not never
            and not value
            and (words.SOME_OF.search(in_front) or words.THERE_ARE.search(in_front))
        ):
            yield Fault("judgement", part.text.strip(), "The tools told that there were none.")
        elif key.endswith("_count") and 0 < value < 2 and words.A_FEW.search(in_front):
            yield Fault("judgement", part.text.strip(), "The tools told that there was one.")


def _measured(part: Part, standings: Standings) -> Iterator[Fault]:
    """Whether something is measured."""
    match = words.NOT_MEASURED.search(part.text) if any(start >= 0 for start, *_ in part.names) else None
    found = match and part.spoken_of(match, standings, lambda one: one.effect is not None or one.value is not None)
    if match and found and found[1].effect != "not_measured":
        yield Fault("judgement", match[0], "The tools told that it is measured.")


def _is_own(text: str) -> bool:
    return re.search(r"\b(?:your|yours|you)\b", text, re.IGNORECASE) is not None


def _is_negated(text: str, match: re.Match[str]) -> bool:
    return words.NEGATION.search(text[: match.start()]) is not None


def _turned(way: Way) -> Way:
    return {"up": "down", "down": "up", "level": "level"}[way]  # type: ignore[return-value]
