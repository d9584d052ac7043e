"""What a business may use of models on a day: set aside before a model is asked, settled once it has answered."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import agent_usage
from vaultra.domain.conversations import TokenCount


@dataclass
class Allowance:
    """One business's tokens of one day of UTC. No connection is held between its calls.

    Attributes:
        begin: Opens a transaction for one statement.
        most: How many tokens the business may use on the day.
        used: What the answer at hand has cost so far, as far as providers told.
    """

    begin: Callable[[], AbstractContextManager[Connection]]
    business_id: UUID
    day: date
    most: int
    used: TokenCount = field(default_factory=TokenCount)

    def set_aside(self, tokens: int) -> bool:
        """Take what a step costs at most; False, taking nothing, when the day has not so much left."""
        with self.begin() as conn:
            return agent_usage.take(conn, self.business_id, self.day, tokens, self.most)

    def settle(self, set_aside: int, cost: TokenCount) -> None:
        """Say what the step did cost, and give the rest back."""
        self.used += cost
        with self.begin() as conn:
            agent_usage.give_back(conn, self.business_id, self.day, set_aside - cost.total)
