"""The tool that looks things up in the help articles."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from pydantic import Field

from vaultra.agent.texts import addresses_a_model
from vaultra.agent.toolbox import ToolContext, ToolSpec
from vaultra.domain.retrieval import Hit
from vaultra.errors import Unavailable
from vaultra.ports import Embedder, VectorSearch
from vaultra.schemas import Body, Reply
from vaultra.usecases import knowledge
from vaultra.usecases.knowledge import Library

T = TypeVar("T")

# So long the embedder is waited for, and so long the vectors; after that, words alone are compared.
LONGEST_SECONDS = 2.0
DECIMALS = 4
_waiters = ThreadPoolExecutor(4, thread_name_prefix="meaning")


class SearchArguments(Body):
    """What to look up."""

    query: str = Field(min_length=1, max_length=400, description="The question, in plain words.")
    limit: int = Field(default=5, ge=1, le=10, description="How many passages at most.")


class PassageReply(Reply):
    """A passage of a help article; `section` is its anchor and `url` where an owner reads it.

    `similarity` is how near its meaning is, -1 to 1; 0 when only words were compared. `coverage` is the share of the
    question's words that it has. `source` tells who wrote the article, `updated` when.
    """

    doc_id: str
    title: str
    section: str
    heading: str
    text: str
    url: str
    similarity: float
    coverage: float
    source: str
    updated: str


class PassagesReply(Reply):
    """The passages that answer best, the best first; `by_words_only` when meanings could not be compared just now."""

    passages: list[PassageReply]
    by_words_only: bool


@dataclass(frozen=True)
class _PromptEmbedder:
    """An embedder that is not waited for when it is slow, nor asked when the vectors were made by another one."""

    embedder: Embedder
    namespace: str

    @property
    def name(self) -> str:
        return self.embedder.name

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if not self.namespace.startswith(f"kb-{self.name}-"):
            raise Unavailable("The articles were published for another embedder")
        return _in_time(lambda: self.embedder.embed(texts))


@dataclass(frozen=True)
class _PromptVectors:
    """A search for vectors that is not waited for when it is slow."""

    vectors: VectorSearch

    def query(self, namespace: str, vector: Sequence[float], limit: int) -> dict[str, float]:
        return _in_time(lambda: self.vectors.query(namespace, vector, limit))


def _in_time(work: Callable[[], T]) -> T:
    try:
        return _waiters.submit(work).result(LONGEST_SECONDS)
    except TimeoutError:
        raise Unavailable("Meanings take too long to compare just now") from None


def _search(context: ToolContext, arguments: SearchArguments) -> PassagesReply:
    with context.open() as conn:
        library = knowledge.current_library(conn)
    embedder = _PromptEmbedder(context.embedder, library.namespace)
    found = knowledge.search(library, embedder, _PromptVectors(context.vectors), arguments.query)
    # Articles are ours, but whoever managed to change one must not talk to a model through it.
    trusted = (hit for hit in found.hits if not addresses_a_model(hit.passage.text))
    return PassagesReply(
        passages=[_passage(library, hit) for hit in islice(trusted, arguments.limit)],
        by_words_only=found.by_words_only,
    )


def _passage(library: Library, hit: Hit) -> PassageReply:
    passage, article = hit.passage, library.article(hit.passage.doc_id)
    assert article is not None, "a passage is of one of the library's articles"
    return PassageReply(
        doc_id=passage.doc_id,
        title=passage.title,
        section=passage.slug,
        heading=passage.heading,
        text=passage.text,
        url=f"/help/{passage.doc_id}/#{passage.slug}",
        similarity=round(hit.similarity, DECIMALS),
        coverage=round(hit.coverage, DECIMALS),
        source=article.source,
        updated=article.updated,
    )


SEARCH_KNOWLEDGE = ToolSpec(
    name="search_knowledge",
    title="Looking it up in the help articles",
    description=(
        "Passages of Vaultra's help articles about scores, disputes, refunds, payouts, recurring revenue, lenders and "
        "their programs, and what Vaultra reads. Ask it for every general question, and cite what it gives."
    ),
    arguments=SearchArguments,
    result=PassagesReply,
    run=_search,
)
